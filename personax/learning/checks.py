"""Data and options that a model cannot be fitted with are named before training starts."""

from collections.abc import Mapping

import numpy as np

from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


def check_fit(
    data: MultiViewData,
    split: Split,
    latents: Mapping[str, int],
    shared: int = 0,
    nuisance: Mapping[str, int] | None = None,
) -> None:
    """Raise InputError unless `latents` names each modality, rows suffice, values are finite and vary."""
    if set(latents) != set(data.modalities):
        raise InputError(
            f"latents are given for {sorted(latents)}, but the data's modalities are "
            f"{data.modalities}; name each of them once"
        )
    for modality in nuisance or {}:
        if modality not in latents:
            raise InputError(f"nuisance is given for {modality!r}; the modalities are {data.modalities}")
    for modality, number in latents.items():
        if number < 1:
            raise InputError(f"latents of {modality}: {number}; at least 1")
    least = 10 * (sum(latents.values()) + shared)
    if len(split.train) < least:
        raise InputError(f"{len(split.train)} training rows are too few for the model; at least {least}")
    for modality, arrays in data.measurements.items():
        for number, array in enumerate(arrays):
            seen = data.observed[modality][:, number]
            finite = np.isfinite(array).reshape(len(array), -1).all(1)
            if not finite[seen].all():
                row = int(np.flatnonzero(seen & ~finite)[0])
                raise InputError(
                    f"{modality}, measurement {number + 1}, row {row + 1}: NaN or inf; mark it unobserved"
                )
        if not any(_varies(a, data.observed[modality][:, k], split) for k, a in enumerate(arrays)):
            raise InputError(f"{modality}: the same for all training people; leave it out")


def _varies(array: np.ndarray, observed: np.ndarray, split: Split) -> bool:
    """Whether a measurement (n, ...) differs between any of the training people who have it."""
    rows = split.train[observed[split.train]]
    return len(rows) > 0 and bool((array[rows] != array[rows[:1]]).any())


def require_least(values: Mapping[str, tuple[int, int]]) -> None:
    """Raise InputError for an option (name -> value, least value) that is too small."""
    for name, (value, least) in values.items():
        if value < least:
            raise InputError(f"{name} {value}: at least {least}")


def require_positive(values: Mapping[str, float]) -> None:
    """Raise InputError for an option (name -> value) that is not positive."""
    for name, value in values.items():
        if not value > 0:
            raise InputError(f"{name} {value}: must be positive")
