"""Data that a model cannot be fitted to, named before training starts."""

from collections.abc import Mapping

import numpy as np

from personax.crl.config import CRLConfig
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


def check_config(config: CRLConfig) -> None:
    """Raise InputError for values that no training can have, by the names they have below --model."""
    one, two = config.phase1, config.phase2
    least = {
        "shared": (config.shared, 0),
        "noise": (config.noise, 0),
        "hidden": (config.hidden, 1),
        "phase1.epochs": (one.epochs, 1),
        "phase1.batch_size": (one.batch_size, 2),
        "phase1.patience": (one.patience, 1),
        "phase2.starts": (two.starts, 1),
        "phase2.population": (two.population, 1),
        "phase2.generations": (two.generations, 1),
        "phase2.generation_steps": (two.generation_steps, 1),
        "phase2.finalists": (two.finalists, 1),
        "phase2.final_steps": (two.final_steps, 1),
        **{f"latents.{modality}": (number, 1) for modality, number in config.latents.items()},
        **{f"nuisance.{modality}": (number, 0) for modality, number in config.nuisance.items()},
    }
    for name, (value, smallest) in least.items():
        if value < smallest:
            raise InputError(f"model.{name} {value}: at least {smallest}")
    rates = {
        "observation_sd": config.observation_sd,
        "phase1.learning_rate": one.learning_rate,
        "phase2.learning_rate": two.learning_rate,
    }
    for name, rate in rates.items():
        if not rate > 0:
            raise InputError(f"model.{name} {rate}: must be positive")
    if not 0 <= one.kl_warm_up <= 1:
        raise InputError(f"model.phase1.kl_warm_up {one.kl_warm_up}: a share of the epochs, between 0 and 1")


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
    """Whether a measurement (n, ...) differs between any of the training people of whom it is observed."""
    rows = split.train[observed[split.train]]
    return len(rows) > 0 and bool((array[rows] != array[rows[:1]]).any())
