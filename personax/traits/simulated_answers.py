"""Made-up answers of made-up annotators whose properties are known: for tests and for examples.

An annotator reads a latent value of every trait (mean 0, variance 1), and adds three kinds of error, each
normal: one for the person (it stays in all answers), one for person and format, one for each answer. The sum,
scaled to variance 1, is cut into as many levels as the format has, each equally probable.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from personax.runs.seeds import numpy_rng
from personax.tables.schema import TRAITS
from personax.traits.answers import ANSWER_COLUMNS, FAILURE_COLUMNS
from personax.traits.formats import FORMATS

SIMULATED_PREFIX = "simulated"
PLACES = ("Northern", "Southern", "Western", "Eastern")


@dataclass(frozen=True)
class SimulatedAnnotator:
    """A made-up language model. All spreads are standard deviations; those of the traits are 1.

    Attributes:
        model: its label.
        own: spread of its error on a person, the same in all formats and repeats.
        by_format: spread of the error on a person in a format, the same in all repeats.
        by_repeat: spread of the error of each answer.
        hesitation: share of the scores that are 0, "insufficient information".
        failing: share of the requests that have no answer.
        prose: share of the answers with a sentence before the JSON.
        leaking: share of the answers that tell the person's private detail.
        wrong: share of the answers that name another league than the person's.
        seconds: median time of an answer.
    """

    model: str
    own: float = 0.5
    by_format: float = 0.0
    by_repeat: float = 0.0
    hesitation: float = 0.0
    failing: float = 0.0
    prose: float = 0.0
    leaking: float = 0.0
    wrong: float = 0.0
    seconds: float = 1.0


ANNOTATORS = (
    SimulatedAnnotator(f"{SIMULATED_PREFIX}-steady", by_format=0.15, by_repeat=0.05, seconds=4.0),
    SimulatedAnnotator(
        f"{SIMULATED_PREFIX}-wavering",
        by_format=0.3,
        by_repeat=0.3,
        hesitation=0.03,
        prose=0.05,
        wrong=0.05,
        seconds=2.0,
    ),
    SimulatedAnnotator(
        f"{SIMULATED_PREFIX}-careless",
        by_format=0.8,
        by_repeat=0.9,
        hesitation=0.08,
        failing=0.06,
        prose=0.3,
        leaking=0.1,
        wrong=0.2,
        seconds=0.8,
    ),
)


@dataclass(frozen=True, eq=False)
class SimulatedAnswers:
    """What `simulate_answers` has drawn.

    Attributes:
        answers, failures: as `read_answers` and `read_failures` return them.
        facts: about the made-up people, as `read_facts` returns them.
    """

    answers: pd.DataFrame
    failures: pd.DataFrame
    facts: pd.DataFrame


def simulate_answers(
    latents: Float[np.ndarray, "n traits"],
    ids: Sequence[str],
    *,
    annotators: Sequence[SimulatedAnnotator] = ANNOTATORS,
    formats: Sequence[str] = tuple(FORMATS),
    repeats: int = 5,
    seed: int = 0,
) -> SimulatedAnswers:
    """The answers of annotators on people whose true traits are known.

    Args:
        latents: (n, 5) true traits, of mean 0 and variance 1.
        ids: n identifiers.
        annotators: who answers.
        formats: keys of `FORMATS`.
        repeats: how often each person is asked in each format.
        seed: each annotator, format and repeat has its own stream, so one more changes no other.
    """
    drawn = [
        _one_run(latents, ids, annotator, name, repeat, seed)
        for annotator in annotators
        for name in formats
        for repeat in range(1, repeats + 1)
    ]
    every = pd.concat(drawn, ignore_index=True)
    failed = every.pop("failed").to_numpy(bool)
    failures = every[failed].assign(reason="simulated failure")
    return SimulatedAnswers(
        every.loc[~failed, list(ANSWER_COLUMNS)].reset_index(drop=True),
        failures[list(FAILURE_COLUMNS)].reset_index(drop=True),
        simulated_facts(ids),
    )


def simulated_facts(ids: Sequence[str]) -> pd.DataFrame:
    """What is true of the made-up people: each has a league in the context, and a private detail."""
    rows = [(person, "privacy", _private(person), False) for person in ids]
    for number, person in enumerate(ids):
        for place, word in enumerate(PLACES):
            rows.append((person, "context", f"{word} League", place == number % len(PLACES)))
    return pd.DataFrame(rows, columns=["id", "criterion", "text", "holds"])


def _private(person: str) -> str:
    return f"detail-{person}"


def _one_run(
    latents: Float[np.ndarray, "n traits"],
    ids: Sequence[str],
    annotator: SimulatedAnnotator,
    prompt_format: str,
    repeat: int,
    seed: int,
) -> pd.DataFrame:
    """One annotator, format and repeat: a row for each person."""
    levels = FORMATS[prompt_format].levels
    stream = f"answers/{annotator.model}"
    rng = numpy_rng(seed, f"{stream}/{prompt_format}/{repeat}")
    spreads = {
        stream: annotator.own,
        f"{stream}/{prompt_format}": annotator.by_format,
    }
    read = latents + annotator.by_repeat * rng.standard_normal(latents.shape)
    for name, spread in spreads.items():
        read = read + spread * numpy_rng(seed, name).standard_normal(latents.shape)
    total = np.sqrt(1 + annotator.own**2 + annotator.by_format**2 + annotator.by_repeat**2)
    cuts = norm.ppf(np.arange(1, levels) / levels)
    scores = 1 + (read[:, :, None] / total > cuts).sum(axis=2)
    scores[rng.random(scores.shape) < annotator.hesitation] = 0
    n = len(ids)
    return pd.DataFrame(scores.astype(float), columns=list(TRAITS)).assign(
        id=list(ids),
        model=annotator.model,
        format=prompt_format,
        repeat=repeat,
        raw=_raw_answers(scores, ids, annotator, rng),
        structured="json_schema",
        finish_reason="stop",
        seconds=annotator.seconds * np.exp(0.2 * rng.standard_normal(n)),
        prompt_tokens=300,
        completion_tokens=80,
        failed=rng.random(n) < annotator.failing,
    )


def _raw_answers(
    scores: Int[np.ndarray, "n traits"],
    ids: Sequence[str],
    annotator: SimulatedAnnotator,
    rng: np.random.Generator,
) -> list[str]:
    """The texts of the answers: JSON with the scores and a sentence on the person."""

    def with_share(share: float) -> Bool[np.ndarray, " n"]:
        hit: np.ndarray = rng.random(len(ids)) < share
        return hit

    wrong, leaking, prose = map(with_share, (annotator.wrong, annotator.leaking, annotator.prose))
    texts = []
    for row, person in enumerate(ids):
        place = PLACES[(row + int(wrong[row])) % len(PLACES)]
        sentence = f"Plays in the {place} League{f', {_private(person)}' if leaking[row] else ''}."
        answer = dict(zip(TRAITS, scores[row].tolist(), strict=True)) | {"description": sentence}
        texts.append(("Here is my judgement: " if prose[row] else "") + json.dumps(answer))
    return texts
