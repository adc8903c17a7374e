"""Find a wrongly set-up encoder before it has encoded anything.

A wrong set-up seldom gives an error. It gives vectors that look like any others, and every result that is
computed from them is wrong. So an encoder must first solve small problems whose answers are known:

- The embedding of a text is nearest to that of a text with the same meaning, and not to that of one with the
  same words and another meaning. all-MiniLM-L6-v2 finds 16 of 16. The same network finds 3 if it loses its
  layers, 2 if their weights are in another order, none with random weights, and 12 without attention.
- The same text or picture has the same embedding alone and beside others. (A network in training mode, or one
  that reads the padding of shorter texts, has not.)
- Every number is finite, and different texts or pictures have different embeddings.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Float32
from PIL import Image

from personax.embeddings.picture_encoders import PictureEncoder
from personax.embeddings.text_encoders import TextEncoder
from personax.runs.errors import InputError

# A sentence; one with the same meaning and other words; one with the same words and another meaning.
SENTENCES = (
    (
        "She enjoys meeting strangers at parties.",
        "Talking to people whom she has never met is fun for her.",
        "The parties signed the contract on Monday.",
    ),
    (
        "The player practises free throws every morning.",
        "Each day before breakfast he trains his basketball shots.",
        "The gardener throws away old leaves every morning.",
    ),
    (
        "He worries about small mistakes for days.",
        "Minor errors keep him anxious all week.",
        "The small shop is closed for days.",
    ),
    (
        "The doctor prescribed medicine for the sick child.",
        "A physician gave the ill boy a drug.",
        "The child drew a picture for the teacher.",
    ),
    (
        "The company lost a lot of money last year.",
        "The firm's finances were badly in the red over the past twelve months.",
        "A lot of snow fell in the mountains last year.",
    ),
    (
        "A man is playing a guitar on the stage.",
        "A musician performs with his string instrument before an audience.",
        "A man is painting a fence on the farm.",
    ),
    (
        "It rained so hard that the streets were flooded.",
        "A heavy downpour left the roads under water.",
        "The exam was so hard that the pupils were angry.",
    ),
    (
        "She always finishes her work long before the deadline.",
        "Tasks are done by her well ahead of time.",
        "She always wears her long red coat in the city.",
    ),
    (
        "The cat slept on the sofa all afternoon.",
        "Our kitten dozed on the couch for hours.",
        "The band played on the beach all afternoon.",
    ),
    (
        "He gave all his savings to people in need.",
        "The man donated everything that he owned to the poor.",
        "All his shirts need to be washed.",
    ),
    (
        "The scientist discovered a new kind of beetle.",
        "A researcher found an unknown insect species.",
        "The neighbour bought a new kind of lamp.",
    ),
    (
        "The train to the capital was two hours late.",
        "The railway service to the main city had a long delay.",
        "The meeting with the teacher was two hours long.",
    ),
    (
        "The soup is too hot to eat.",
        "Let the broth cool before you taste it.",
        "The room is too small to dance.",
    ),
    (
        "Nobody believed the politician's promise.",
        "What the senator vowed convinced no one.",
        "Nobody heard the baby's cry.",
    ),
    (
        "The old bridge will be torn down in spring.",
        "They plan to demolish the ancient crossing over the river next April.",
        "The old man will be seventy in spring.",
    ),
    (
        "Her brother is afraid of flying.",
        "Travelling by plane scares her sibling.",
        "Her brother is fond of cooking.",
    ),
)
LEAST_FOUND = 14  # sentences of the 16 that must be nearest to the one with their meaning
LEAST_SIMILARITY = 0.99  # cosine between embeddings of the same thing, alone and beside others
MOST_SIMILARITY = 0.9999  # cosine between embeddings of different things


def check_text_encoder(encoder: TextEncoder) -> dict[str, float]:
    """Solve the problems with texts; returns what the manifest says of them. Raises InputError."""
    texts = [text for column in zip(*SENTENCES, strict=True) for text in column]
    vectors = unit_vectors(_finite(encoder.encode(texts), encoder.name))
    alone = unit_vectors(_finite(encoder.encode(texts[:1]), encoder.name))
    agreement = float(vectors[0] @ alone[0])
    _refuse_below(LEAST_SIMILARITY, agreement, encoder.name, "one text alone and beside longer ones")
    _refuse_equal(vectors, encoder.name)
    sentences, candidates = vectors[: len(SENTENCES)], vectors[len(SENTENCES) :]
    nearest = (sentences @ candidates.T).argmax(axis=1)
    found = int((nearest == np.arange(len(SENTENCES))).sum())
    if found < LEAST_FOUND:
        raise InputError(
            f"encoder {encoder.name}: finds the sentence with the same meaning for {found} of "
            f"{len(SENTENCES)} known sentences (at least {LEAST_FOUND}), so it is set up wrongly or not "
            "made for English sentences; see docs/embeddings.md"
        )
    return {"same_meaning_found": found, "of": len(SENTENCES), "alone_and_beside_others": agreement}


def check_picture_encoder(encoder: PictureEncoder) -> dict[str, float]:
    """Solve the problems with pictures; returns what the manifest says of them. Raises InputError."""
    pictures = known_pictures()
    vectors = unit_vectors(_finite(encoder.encode(pictures), encoder.name))
    alone = unit_vectors(_finite(encoder.encode(pictures[:1]), encoder.name))
    agreement = float(vectors[0] @ alone[0])
    _refuse_below(LEAST_SIMILARITY, agreement, encoder.name, "one picture alone and beside others")
    _refuse_equal(vectors, encoder.name)
    return {"alone_and_beside_others": agreement}


def known_pictures() -> list[Image.Image]:
    """Six pictures of 256 x 256 pixels: stripes in two directions, rings, squares, a slope and noise."""
    y, x = np.mgrid[0:256, 0:256] / 256.0
    patterns: Sequence[Callable[[], Float[np.ndarray, "h w"]]] = (
        lambda: np.sin(40 * x),
        lambda: np.sin(40 * y),
        lambda: np.sin(60 * np.hypot(x - 0.5, y - 0.5)),
        lambda: np.sign(np.sin(25 * x) * np.sin(25 * y)),
        lambda: 2 * x * y - 1,
        lambda: np.random.default_rng(0).uniform(-1, 1, x.shape),
    )
    grey = [np.uint8(127.5 + 127.5 * pattern()) for pattern in patterns]
    return [Image.fromarray(np.stack([g, np.roll(g, 40, 0), 255 - g], axis=-1)) for g in grey]


def unit_vectors(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """(n, d) vectors of length 1 with the same directions; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def _finite(vectors: Float32[np.ndarray, "n d"], name: str) -> Float32[np.ndarray, "n d"]:
    if not np.isfinite(vectors).all():
        raise InputError(f"encoder {name}: some numbers are NaN or infinite; try another precision or device")
    return vectors


def _refuse_below(least: float, similarity: float, name: str, what: str) -> None:
    if not similarity >= least:
        raise InputError(
            f"encoder {name}: the embeddings of {what} differ (cosine {similarity:.3f}, at least "
            f"{least:g}), so it is set up wrongly: in training mode, or it reads padding"
        )


def _refuse_equal(vectors: Float[np.ndarray, "n d"], name: str) -> None:
    """Raise InputError if embeddings of different things are all the same."""
    others = (vectors @ vectors.T)[~np.eye(len(vectors), dtype=bool)]
    if others.min() > MOST_SIMILARITY:
        raise InputError(
            f"encoder {name}: embeddings of different inputs are all the same; it is set up wrongly"
        )
