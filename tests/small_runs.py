"""Small runs of the commands, used in several tests."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from commands import run_script

from personax.crl import order_search

MNIST_SCRIPT = "synthetic_experiment/run_mnist_3measurement.py"
SMALL_MNIST = """
source: digits
n: 400
ceiling_epochs: 1
device: cpu
figures: false
model:
  hidden: 16
  phase1: {epochs: 3, batch_size: 64}
  phase2:
    {starts: 4, population: 4, generations: 2, generation_steps: 4, finalists: 2, final_steps: 4}
"""

SIMULATED_PEOPLE = ("--source", "simulated", "--n", "300", "--image_dim", "30", "--text_dim", "40")
SMALL_PEOPLE = (
    *("--device", "cpu", "--figures", "false", "--model.phase1.epochs", "3"),
    *("--model.phase1.batch_size", "128", "--model.phase2.starts", "1", "--model.phase2.population", "2"),
    *("--model.phase2.generations", "1", "--model.phase2.generation_steps", "2"),
    *("--model.phase2.finalists", "1", "--model.phase2.final_steps", "4"),
)
# The more latents of people, the longer the search for their order.
FEW_LATENTS = ("--model.shared", "1", "--model.latents", "{image: 2, text: 2}")
FEW_NAMES = ["s1", "z11", "z12", "z21", "z22"]


class SmallRun(NamedTuple):
    """A finished run: its folder, the configuration file it was made from, and what the command printed."""

    folder: Path
    config: Path
    printed: str


@contextmanager
def hasty_order_search() -> Iterator[None]:
    """Inside the with statement, the causal order of many latents is searched from one start only."""
    with pytest.MonkeyPatch.context() as patch:
        for name, less in {"RESTARTS": 0, "SPARSE_RESTARTS": 0, "SHORT_LIST": 2, "CLIMBS": 1}.items():
            patch.setattr(order_search, name, less)
        yield


def small_mnist(home: Path, *words: object) -> SmallRun:
    """A run of Variant-MNIST in home/run."""
    config = home / "small.yaml"
    config.write_text(SMALL_MNIST)
    with redirect_stdout(StringIO()) as printed:
        assert run_script(MNIST_SCRIPT, "--config", config, "--output", home / "run", *words) == 0
    return SmallRun(home / "run", config, printed.getvalue())
