"""Changes of a configuration; the comparison and the model choice make their variants with them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from personax.crl import CRLConfig

ModelChange = Callable[[CRLConfig], CRLConfig]
"""Takes a configuration of our model and returns another one."""


def with_phase1(**changes: Any) -> ModelChange:
    """Replace these fields of phase 1, the representation."""
    return lambda model: replace(model, phase1=replace(model.phase1, **changes))


def with_phase2(**changes: Any) -> ModelChange:
    """Replace these fields of phase 2, the identification."""
    return lambda model: replace(model, phase2=replace(model.phase2, **changes))
