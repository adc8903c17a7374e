"""How networks are trained, for any objective: the options and the schedule of the learning rate."""

import math
from dataclasses import dataclass
from typing import Annotated

from personax.runs.bounds import BatchSize, Between, Positive, Rate
from personax.runs.options import documented


@documented
@dataclass(frozen=True)
class OptimisationConfig:
    """How networks are trained, for any objective. The training loop is in training.py."""

    epochs: Positive = 30
    """Largest number of passes over the training rows; early stopping may end sooner."""
    batch_size: BatchSize = 256
    """Rows per step. Contrastive terms compare each row with all others of its batch."""
    learning_rate: Rate = 1e-2
    """Peak of the schedule: linear warm-up over the first tenth, then a cosine to zero."""
    weight_decay: Annotated[float, Between(0, 10)] = 1e-4
    """AdamW's decoupled weight decay."""
    clip: Annotated[float, Between(0, 1e12, above=True)] = 1000.0
    """Largest norm of the gradient. It is large because the reconstruction is a sum over pixels."""
    mixed_precision: bool = False
    """Run the networks in bfloat16 while training; for large networks on a GPU."""
    compile: bool = False
    """Compile the networks (torch.compile). Needs a C++ compiler; saves time after some hundred steps."""
    patience: Positive = 8
    """Training stops after this many epochs without a better objective on validation rows."""


def warm_up_then_cosine(step: int, steps: int) -> float:
    """Learning rate at a step, as a share of its peak: linear over the first tenth, then a cosine to zero."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
