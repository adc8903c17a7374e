"""Checks before training starts: data and options that no model can be fitted with are refused."""

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import TypeGuard

import numpy as np
from jaxtyping import Bool, Shaped
from torch.nn import ModuleDict

from personax.runs.errors import InputError
from personax.runs.files import ROWS_OF_A_PART
from personax.views import MultiViewData, Split


def check_model_arguments(model: str, config: object, seed: object) -> None:
    """Raise InputError for a configuration or a seed of another type, before anything is made of them."""
    if not is_dataclass(config) or isinstance(config, type) or not hasattr(config, "latents"):
        raise InputError(
            f"{model}: its configuration is {_type_of(config)}, must be a configuration with latents, "
            "as CRLConfig.embeddings({'face': 2, 'voice': 2})"
        )
    if not isinstance(config.latents, Mapping) or not all(
        isinstance(name, str) and _is_count(number) for name, number in config.latents.items()
    ):
        raise InputError(
            f"latents {config.latents!r}: must map each modality to a whole number, as {{'face': 2}}"
        )
    if not _is_count(seed) or seed < 0:
        raise InputError(f"seed {seed!r}: a whole number, 0 or larger")


def check_fit_arguments(data: object, split: object) -> None:
    """Raise InputError for data or a split of another type."""
    if not isinstance(data, MultiViewData):
        raise InputError(
            f"fit: data are {_type_of(data)}, must be MultiViewData, as MultiViewData({{'text': [array]}})"
        )
    if split is not None and not isinstance(split, Split):
        raise InputError(
            f"fit: split is {_type_of(split)}, must be a Split, as split_rows makes it; or leave it out"
        )


def check_given_people(data: object) -> None:
    """Raise InputError for data of another type, and for nobody."""
    if not isinstance(data, MultiViewData):
        raise InputError(
            f"people are {_type_of(data)}, must be MultiViewData with the measurements of the fit"
        )
    if not len(data):
        raise InputError("no people: the measurements have 0 rows, so there is nothing to infer latents from")


def _type_of(value: object) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_fit(
    data: MultiViewData,
    split: Split,
    latents: Mapping[str, int],
    shared: int = 0,
    nuisance: Mapping[str, int] | None = None,
) -> None:
    """Raise InputError unless the data can be learned from.

    There must be at least 10 training rows per latent and at least one validation row. At least one training
    person must have each measurement. Values must be finite, and each modality must vary.

    Args:
        data: the people.
        split: the rows for training and validation.
        latents: modality -> number of its latents, at least 1; must name each modality.
        shared: number of latents that all modalities share.
        nuisance: modality -> number of coordinates of its block that are not latents; only modalities of
            the data.
    """
    if set(latents) != set(data.modalities):
        raise InputError(
            f"latents are given for {sorted(latents)}, but the data's modalities are "
            f"{data.modalities}; name each of them once"
        )
    for modality in data.modalities:
        if hasattr(ModuleDict, modality):
            raise InputError(f"modality {modality!r}: networks use this name for something else; rename it")
    for modality in nuisance or {}:
        if modality not in latents:
            raise InputError(f"nuisance is given for {modality!r}; the modalities are {data.modalities}")
    for modality, number in latents.items():
        if number < 1:
            raise InputError(f"latents of {modality}: {number}; at least 1")
    check_split(split, len(data))
    least = 10 * (sum(latents.values()) + shared)
    if len(split.train) < least:
        raise InputError(f"{len(split.train)} training rows are too few for the model; at least {least}")
    check_finite(data)
    for modality, arrays in data.measurements.items():
        for number in range(len(arrays)):
            if not data.observed[modality][split.train, number].any():
                raise InputError(
                    f"{modality}, measurement {number + 1}: none of the training people has it; leave it out"
                )
        if not any(_varies(a, data.observed[modality][:, k], split) for k, a in enumerate(arrays)):
            raise InputError(f"{modality}: the same for all training people; leave it out")


def check_split(split: Split, n: int) -> None:
    """Raise InputError unless the parts hold row numbers of n people, and there are validation rows."""
    for part, rows in (("train", split.train), ("validation", split.validation), ("test", split.test)):
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise InputError(f"split, {part}: {rows.dtype} of shape {rows.shape}; must be row numbers")
        if len(rows) and (rows.min() < 0 or rows.max() >= n):
            wrong = rows.min() if rows.min() < 0 else rows.max()
            raise InputError(f"split, {part}: row {wrong}, but rows are 0 to {n - 1}")
    if not len(split.validation):
        raise InputError("no validation rows; at least 1 is needed, because they decide when training stops")


def check_finite(data: MultiViewData) -> None:
    """Raise InputError for NaN or inf in a measurement that a person has; it names the row."""
    for modality, arrays in data.measurements.items():
        for number, array in enumerate(arrays):
            seen = data.observed[modality][:, number]
            finite = np.concatenate(
                [np.isfinite(part).all(tuple(range(1, array.ndim))) for part in _parts(array)]
            )
            if not finite[seen].all():
                row = int(np.flatnonzero(seen & ~finite)[0])
                raise InputError(
                    f"{modality}, measurement {number + 1}, row {row + 1}: NaN or inf; mark it unobserved"
                )


def _varies(array: Shaped[np.ndarray, "n ..."], observed: Bool[np.ndarray, " n"], split: Split) -> bool:
    """Whether a measurement (n, ...) differs between any of the training people who have it."""
    rows = split.train[observed[split.train]]
    return any(bool((array[some] != array[rows[:1]]).any()) for some in _parts(rows))


def _parts(array: Shaped[np.ndarray, "n ..."]) -> list[Shaped[np.ndarray, "_ ..."]]:
    """An array in parts of so few rows that something can be computed from one; at least one part."""
    return [array[start : start + ROWS_OF_A_PART] for start in range(0, max(1, len(array)), ROWS_OF_A_PART)]
