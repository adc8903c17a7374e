"""Whether what a checkpoint says of a training can be continued."""

from collections.abc import Mapping
from typing import Any

import torch


def check_progress(
    state: Mapping[str, Any], optimiser: torch.optim.Optimizer, schedule: Mapping[str, Any], models: int
) -> None:
    """Raise ValueError, LookupError or TypeError if a checkpoint's parts have not the form of a training's.

    Args:
        state: what the checkpoint holds; its optimiser is already restored.
        optimiser: the restored optimiser. Its options are those that it was made with, and both moments of a
            parameter have its shape.
        schedule: state of a new schedule of learning rates, which has the same names and kinds of values.
        models: number of models, each with a history of epochs and a best loss.
    """
    given = {name: value for name, value in optimiser.defaults.items() if name != "lr"}
    if any(group[name] != value for group in optimiser.param_groups for name, value in given.items()):
        raise ValueError("other options")
    for parameter, moments in optimiser.state.items():
        shapes = [moments[name].shape for name in ("exp_avg", "exp_avg_sq")]
        if shapes != [parameter.shape] * 2 or torch.as_tensor(moments["step"]).numel() != 1:
            raise ValueError("moments of another parameter")
    saved = state["schedule"]
    if any(type(saved[name]) is not type(value) for name, value in schedule.items()):
        raise ValueError("no schedule")
    histories, best = state["histories"], state["best"]
    if not all(isinstance(values, list) and len(values) == models for values in (histories, best)):
        raise ValueError("other models")
    if not all(isinstance(value, float) for value in best):
        raise ValueError("no losses")
    rows = [row for history in histories for row in history]
    if not all(isinstance(row["epoch"], int) and isinstance(row["validation"], float) for row in rows):
        raise ValueError("no history")
