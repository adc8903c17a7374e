"""How networks are trained, for any objective: the options and the schedule of the learning rate.

"Not tuned": no comparison with other values is on record.
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, Self

from personax.runs.bounds import BatchSize, Between, Positive, Rate
from personax.runs.options import documented

USUAL_EPOCHS = 30
# Least steps for each latent, since with fewer some latents are missed. Lowest R2 of a latent after our
# phase 1, on validation rows of two tuning seeds: 0.84 and 0.86 with eight latents, 20,000 scenes and 30
# epochs, that is 230 steps for each latent, and 0.98 and 0.97 with 60 epochs; 0.74 and 0.91 with garments
# that turn, 12,000 scenes and 30 epochs, 280 steps, and 0.83 and 0.94 with 60. Four latents and 20,000
# scenes need no more than 30 epochs, 465 steps.
STEPS_PER_LATENT = 460


@documented
@dataclass(frozen=True)
class OptimisationConfig:
    """How networks are trained, for any objective. The training loop is in training.py."""

    epochs: Positive | None = None
    """Largest number of passes over the training rows; early stopping may end sooner. null: 30, or more,
    so that there are 460 steps for each latent. On Variant-MNIST held-out R2 was 0.997 after 24."""
    batch_size: BatchSize = 256
    """Rows per step. Contrastive terms compare each row with all others of its batch.
    256 rows at a rate of 0.01 reached in 24 epochs what 512 at 0.003 needed 36 for."""
    learning_rate: Rate = 1e-2
    """Peak of the schedule: linear warm-up over the first tenth, then a cosine to zero. 0.01: see
    batch_size."""
    weight_decay: Annotated[float, Between(0, 10)] = 1e-4
    """AdamW's decoupled weight decay. Not tuned: hardly any."""
    clip: Annotated[float, Between(0, 1e12, above=True)] = 1000.0
    """Largest norm of the gradient. It is large because the reconstruction is a sum over pixels."""
    mixed_precision: bool = False
    """Run the networks in bfloat16 while training; for large networks on a GPU."""
    compile: bool = False
    """Compile the networks (torch.compile). Needs a C++ compiler; saves time after some hundred steps."""
    patience: Positive = 8
    """Training stops after this many epochs without a better objective on validation rows. Not tuned."""

    @property
    def passes(self) -> int:
        """The number of `epochs`, which is USUAL_EPOCHS if nobody has chosen it."""
        return USUAL_EPOCHS if self.epochs is None else self.epochs

    def batches(self, rows: int) -> int:
        """Optimiser steps of one epoch over this many training rows."""
        return max(1, rows // self.batch_size)

    def for_latents(self, latents: int, rows: int) -> Self:
        """With enough epochs over `rows` training rows for so many latents, and as much more patience.

        Epochs that somebody has chosen stay as they are.
        """
        if self.epochs is not None:
            return self
        epochs = max(USUAL_EPOCHS, math.ceil(STEPS_PER_LATENT * latents / self.batches(rows)))
        return replace(self, epochs=epochs, patience=math.ceil(self.patience * epochs / USUAL_EPOCHS))


def warm_up_then_cosine(step: int, steps: int) -> float:
    """Learning rate at a step, as a share of its peak: linear over the first tenth, then a cosine to zero."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
