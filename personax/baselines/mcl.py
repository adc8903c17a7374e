"""MCL: multi-view contrastive learning of what measurements share. It has no decoder and no graph.

Yao et al., "Multi-View Causal Representation Learning with Partial Observability", ICLR 2024 (arXiv
2311.04056, 2023), Theorem 3.2: encoders g that minimise

    L = sum_{k < k'} E |g_k(x_k) - g_k'(x_k')| - sum_k H(g_k(x_k))

find the block of latents that all views have in common, up to an invertible map of that block. As in the
paper's experiments, InfoNCE estimates the loss: its optimum aligns the encodings of one person and spreads
those of different people. Here the encodings are compared by their squared distance, as in the paper's
numerical experiments. A cosine would put the two latents of a block on a circle.

The views are the measurements of a modality, and what they share is its block of latents. A modality with a
single measurement has no second view. Its block is then what this measurement shares with the measurements of
the other modalities, whose encoders get further outputs for this purpose. So for such a modality only what
it has in common with other modalities can be found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes, average
from personax.learning.batches import Batch
from personax.learning.losses import info_nce
from personax.runs.bounds import Spread
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


@dataclass(frozen=True)
class MCLConfig(BaselineConfig):
    """Options of multi-view contrastive learning."""

    temperature: Spread = 1.0
    """Temperature of InfoNCE: similarities are negative squared distances, divided by the temperature."""


class ViewPair(NamedTuple):
    """The encodings of one block from two views, (n, d) each, and who has both views, (n,) bool."""

    block: str
    first: Float[Tensor, "n d"]
    second: Float[Tensor, "n d"]
    both: Bool[Tensor, " n"]


class MCLNetwork(BaselineNetwork):
    """Encoders only.

    A lone modality is one with a single measurement. The output of an encoder is the block of its own
    modality and then, for each other modality that is lone, an estimate of that modality's block.
    """

    def __init__(self, shapes: Shapes, config: MCLConfig) -> None:
        super().__init__()
        self.config = config
        self.lone = [m for m, of_modality in shapes.items() if len(of_modality) == 1]
        if len(shapes) == 1 and self.lone:
            raise InputError(
                f"{self.lone[0]}: a single measurement; MCL needs a second one, or another modality"
            )
        self.sizes = {
            m: [config.latents[m], *(config.latents[other] for other in self.lone if other != m)]
            for m in shapes
        }
        self.networks = Networks(shapes, config.hidden, {m: sum(sizes) for m, sizes in self.sizes.items()})

    def _pairs(self, batch: Batch) -> Iterator[ViewPair]:
        """All pairs of views that are compared."""
        outputs = {
            m: [output.split(self.sizes[m], 1) for output in of_modality]
            for m, of_modality in self.networks.encode(batch).items()
        }
        for m, views in outputs.items():
            seen = batch.observed[m]
            for i, j in combinations(range(len(views)), 2):
                yield ViewPair(m, views[i][0], views[j][0], seen[:, i] & seen[:, j])
            for other in outputs if m in self.lone else ():
                if other == m:
                    continue
                place = 1 + [name for name in self.lone if name != other].index(m)
                for number, view in enumerate(outputs[other]):
                    both = seen[:, 0] & batch.observed[other][:, number]
                    yield ViewPair(m, views[0][0], view[place], both)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """For each modality the loss of Theorem 3.2, averaged over the pairs of views. Nothing is random."""
        losses: dict[str, list[Tensor]] = {}
        for block, first, second, both in self._pairs(batch):
            losses.setdefault(block, []).append(
                info_nce(first, second, 1 / self.config.temperature, None if batch.complete else both)
            )
        return {f"align_{block}": torch.stack(of_block).mean() for block, of_block in losses.items()}

    def weights(self) -> dict[str, float]:
        """1 for every modality."""
        return {f"align_{m}": 1.0 for m in self.sizes}

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """The encodings of each block, averaged over the measurements of its modality."""
        blocks = [
            average([output[:, : self.sizes[m][0]] for output in outputs], batch.observed[m])
            for m, outputs in self.networks.encode(batch).items()
        ]
        return torch.cat(blocks, 1)


class MCL(Baseline[MCLConfig]):
    """Multi-view contrastive learning with `fit` and `transform`."""

    configuration = MCLConfig

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return MCLNetwork(shapes, self.config)

    def _check(self, data: MultiViewData, split: Split) -> None:
        super()._check(data, split)
        if not self.config.temperature > 0:
            raise InputError(f"temperature: {self.config.temperature}; must be positive")
