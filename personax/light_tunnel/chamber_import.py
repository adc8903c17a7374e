"""Import the simulators of `causalchamber`, here and nowhere else."""

import io
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd

from personax.variant_mnist.torchvision_import import torchvision_module


def chamber_simulators() -> ModuleType:
    """The module `causalchamber.simulators.lt`: the simulators of the light tunnel.

    Two things stand in the way. The package prints its citation when it is imported, which would be among
    the results of a command. And it imports torchvision for a simulator that we do not use (its weights would
    have to be downloaded), so that this import has to work before.

    Raises ModuleNotFoundError without the package (extra `tunnel`).
    """
    torchvision_module("transforms")
    with redirect_stdout(io.StringIO()):
        return import_module("causalchamber.simulators.lt")


def simulated(simulator: Any, inputs: pd.DataFrame) -> Any:
    """What a simulator makes of its inputs (one row each); numpy's warnings about its code are not shown."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Arrays of 2-dimensional vectors", DeprecationWarning)
        return simulator.simulate_from_inputs(inputs)
