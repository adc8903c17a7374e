"""One number per modality that tells most of the other modality.

If all measurements of a modality show the same style, such as one digit in three colours, alignment has
nothing to say of style, and a wide code holds it. But style tells nothing of the other modality. A code of
one number that is to tell as much as possible of the other modality has no room for style: it is the latent
that has an edge to the other modality. Both codes are trained together, by InfoNCE (van den Oord et al. 2018)
with a learned critic,

    T(f_1, f_2) = a(f_1) . b(f_2)

because minus a squared distance, as in Eq. (5), could only match codes that are equal.
"""

from collections.abc import Callable, Mapping, Sequence
from math import log

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder
from personax.learning.optimisation import OptimisationConfig
from personax.learning.training import Plan, SingleModel, Weights, minimise

CRITIC_HIDDEN, CRITIC_OUTPUTS = 64, 16  # of a and b
CRITIC_BATCH = 1024  # rows of a step; the bound on the information is log CRITIC_BATCH
COPIED_BATCH = 256
LEARNING_RATE, WEIGHT_DECAY, CRITIC_CLIP = 3e-3, 1e-3, 5.0
LEAST_UNIT = 1e-6  # standard deviation of a code in a batch
SCALAR_PHASE, COPIED_PHASE = "scalar codes", "unfolded codes"  # in the history


class ScalarCodes(nn.Module):
    """f_m: a measurement of the modality m -> one number with mean 0 and standard deviation 1."""

    def __init__(self, shapes: Mapping[str, Sequence[int]], hidden: int) -> None:
        """Make the networks.

        Args:
            shapes: modality -> the shape of each of its measurements, for two modalities.
            hidden: width of the encoders.
        """
        super().__init__()
        self.encoders = nn.ModuleDict({m: make_encoder(shape, 1, hidden) for m, shape in shapes.items()})
        self.critics = nn.ModuleDict(
            {
                m: nn.Sequential(
                    nn.Linear(1, CRITIC_HIDDEN),
                    nn.SiLU(),
                    nn.Linear(CRITIC_HIDDEN, CRITIC_HIDDEN),
                    nn.SiLU(),
                    nn.Linear(CRITIC_HIDDEN, CRITIC_OUTPUTS),
                )
                for m in shapes
            }
        )

    def missing_information(self, pictures: Mapping[str, Float[Tensor, "n ..."]]) -> Float[Tensor, ""]:
        """InfoNCE of one measurement of each modality: log n without any information, less with more."""
        first, second = (self.critics[m](in_batch_units(self.encoders[m](x))) for m, x in pictures.items())
        fit = first @ second.T
        alone: Tensor = 0.5 * (fit.logsumexp(0) + fit.logsumexp(1))
        missing: Tensor = (alone - fit.diagonal()).mean()
        return missing


def in_batch_units(codes: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """The codes of a batch with mean 0 and standard deviation 1."""
    return (codes - codes.mean(0)) / codes.std(0).clamp_min(LEAST_UNIT)


def one_measurement(batch: Batch, modality: str, generator: torch.Generator) -> Float[Tensor, "n ..."]:
    """For each row one of the measurements that it has, at random; they all have one shape."""
    views = batch.x[modality]
    if len(views) == 1:
        return views[0]
    first, _ = _two_at_random(batch.observed[modality], generator)
    return _taken(views, first)


def two_measurements(
    batch: Batch, modality: str, generator: torch.Generator
) -> tuple[Float[Tensor, "n ..."], Float[Tensor, "n ..."]]:
    """For each row two of the measurements that it has, at random; twice the same if it has only one."""
    views = batch.x[modality]
    if len(views) == 1:
        return views[0], views[0]
    first, second = _two_at_random(batch.observed[modality], generator)
    return _taken(views, first), _taken(views, second)


def _two_at_random(
    observed: Bool[Tensor, "n k"], generator: torch.Generator
) -> tuple[Int[Tensor, " n"], Int[Tensor, " n"]]:
    """For each row the numbers of two of the measurements that it has; twice the same if it has only one."""
    chance = torch.rand(observed.shape, generator=generator, device=observed.device)
    first, second = (chance + observed).topk(2, dim=1).indices.unbind(1)
    has_two = observed.gather(1, second[:, None])[:, 0]
    return first, second.where(has_two, first)


def _taken(views: Sequence[Float[Tensor, "n ..."]], numbers: Int[Tensor, " n"]) -> Float[Tensor, "n ..."]:
    """Of each row the view with its number."""
    return torch.stack(list(views), 1)[torch.arange(len(numbers), device=numbers.device), numbers]


def seen_in_all(batch: Batch) -> Bool[Tensor, " n"]:
    """(n,) bool: the rows that have a measurement of every modality."""
    return torch.stack([mask.any(1) for mask in batch.observed.values()]).all(0)


def train_scalar_codes(
    codes: ScalarCodes, train: Batch, validation: Batch, *, epochs: int, seed: int
) -> float:
    """Train the codes on rows that have both modalities; leave them at their best epoch on `validation`.

    Returns the information that is still missing there, in nats (see `ScalarCodes.missing_information`).
    """

    def terms(batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        pictures = {m: one_measurement(batch, m, generator) for m in batch.x}
        return {"information": codes.missing_information(pictures)}

    config = _schedule(epochs, min(CRITIC_BATCH, len(train)))
    plan = Plan(Weights({"information": 1.0}, {}, epochs), phase=SCALAR_PHASE)
    (history,) = minimise(SingleModel(codes, terms), train, validation, config, plan, seeds=[seed])
    return min(float(row["validation"]) for row in history)


@torch.no_grad()
def told_information(codes: ScalarCodes, people: Batch, *, seed: int) -> float:
    """Nats that the codes tell of the other modality, of rows that have both; 0 or less if nothing.

    It is the bound of InfoNCE, log n minus what is missing, in parts of about CRITIC_BATCH rows.
    """
    codes.eval()
    drawn = torch.Generator(people.device).manual_seed(seed)
    count = -(-len(people) // CRITIC_BATCH)
    told = []
    for rows in torch.arange(len(people)).tensor_split(count):
        part = people.rows(rows.to(drawn.device))
        pictures = {m: one_measurement(part, m, drawn) for m in part.x}
        told.append(len(part) * (log(len(part)) - float(codes.missing_information(pictures))))
    return sum(told) / len(people)


def train_to_read(
    encoder: nn.Module,
    wanted: Callable[[Float[Tensor, "n ..."]], Float[Tensor, " n"]],
    modality: str,
    train: Batch,
    validation: Batch,
    *,
    epochs: int,
    seed: int,
) -> None:
    """Train an encoder of one number to read what `wanted` reads in pictures of the modality."""

    def terms(batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        x = one_measurement(batch, modality, generator)
        return {"error": (encoder(x)[:, 0] - wanted(x)).square().mean()}

    config = _schedule(epochs, min(COPIED_BATCH, len(train)))
    plan = Plan(Weights({"error": 1.0}, {}, epochs), phase=COPIED_PHASE)
    minimise(SingleModel(encoder, terms), train, validation, config, plan, seeds=[seed])


def _schedule(epochs: int, batch: int) -> OptimisationConfig:
    """All epochs; the best one on validation rows counts."""
    return OptimisationConfig(
        epochs=epochs,
        batch_size=batch,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        clip=CRITIC_CLIP,
        patience=epochs,
    )
