"""MCL: the content that measurements share, by contrast alone.

Yao et al., "Multi-View Causal Representation Learning with Partial Observability", ICLR 2024 (arXiv
2311.04056, 2023), Theorem 3.2: encoders g that minimise

    L = sum_{k < k'} E |g_k(x_k) - g_k'(x_k')| - sum_k H(g_k(x_k))

block-identify the latents that all views of the set have in common. As in the paper's experiments the loss is
estimated by InfoNCE, whose optimum aligns partners and spreads the rows: here with the squared distance as
in its numerical experiments. A cosine would put the two latents of a block on a circle.

Which sets of views: the measurements of a modality, for its block. A modality with a single measurement
shares its latents with no view of its own; its block is then what that measurement shares with the other
modalities' measurements, each of which has a second output of that size for this purpose. So for such a
modality only what the modalities have in common can be found. No decoder, no graph; within a block the
theorem leaves any invertible map open.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes, average
from personax.learning.batches import Batch
from personax.learning.losses import info_nce
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


@dataclass(frozen=True)
class MCLConfig(BaselineConfig):
    """Multi-view contrastive learning."""

    temperature: float = 1.0
    """Of InfoNCE: similarities are negative squared distances divided by it."""


class MCLNetwork(BaselineNetwork):
    """Encoders only. An encoder's outputs: its block, then one of the size of each lone modality's block."""

    def __init__(self, shapes: Shapes, config: MCLConfig) -> None:
        super().__init__()
        self.config = config
        self.lone = [m for m, its in shapes.items() if len(its) == 1]
        if len(shapes) == 1 and self.lone:
            raise InputError(f"{self.lone[0]}: a single measurement shares its content with nothing")
        self.sizes = {
            m: [config.latents[m], *(config.latents[other] for other in self.lone if other != m)]
            for m in shapes
        }
        self.networks = Networks(shapes, config.hidden, {m: sum(its) for m, its in self.sizes.items()})

    def _pairs(self, batch: Batch) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
        """Block, two views' encodings of it (n, d), and who has both (n,)."""
        codes = {
            m: [code.split(self.sizes[m], 1) for code in its]
            for m, its in self.networks.encode(batch).items()
        }
        for m, views in codes.items():
            seen = batch.observed[m]
            for i, j in combinations(range(len(views)), 2):
                yield m, views[i][0], views[j][0], seen[:, i] & seen[:, j]
            if m in self.lone:
                for other in codes:
                    if other == m:
                        continue
                    place = 1 + [name for name in self.lone if name != other].index(m)
                    for number, view in enumerate(codes[other]):
                        both = seen[:, 0] & batch.observed[other][:, number]
                        yield m, views[0][0], view[place], both

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """Theorem 3.2's loss per modality, the mean over the pairs of views; nothing is drawn."""
        losses: dict[str, list[Tensor]] = {}
        for block, a, b, both in self._pairs(batch):
            losses.setdefault(block, []).append(
                info_nce(a, b, 1 / self.config.temperature, None if batch.complete else both)
            )
        return {f"align_{block}": torch.stack(its).mean() for block, its in losses.items()}

    def weights(self) -> dict[str, float]:
        """One each."""
        return {f"align_{m}": 1.0 for m in self.sizes}

    def latents(self, batch: Batch) -> Tensor:
        """Encodings of each block, averaged over the modality's measurements."""
        codes = self.networks.encode(batch)
        blocks = [
            average([code[:, : self.sizes[m][0]] for code in its], batch.observed[m])
            for m, its in codes.items()
        ]
        return torch.cat(blocks, 1)


class MCL(Baseline[MCLConfig]):
    """Multi-view contrastive learning behind fit and transform."""

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return MCLNetwork(shapes, self.config)

    def _check(self, data: MultiViewData, split: Split) -> None:
        super()._check(data, split)
        if not self.config.temperature > 0:
            raise InputError(f"temperature: {self.config.temperature}; must be positive")
