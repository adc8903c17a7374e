"""The options of all commands on Variant-MNIST that choose the scenes. scene_data.py has these scenes."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from personax.runs.bounds import FAR, Between, FilePath, Seed
from personax.runs.errors import InputError
from personax.runs.memory import require_memory
from personax.runs.options import where_or_how

ScmName = Literal["variant_mnist", "reordered", "backwards", "four_latents", "square", "cosine"]
Nuisance = Literal["independent", "shared"]

# Colour channels of the measurements of the digit: red, green and blue (as in the paper), yellow and magenta.
COLOURS = ((0,), (1,), (2,), (0, 1), (0, 2))

SceneCount = Annotated[int, Between(100, FAR)]  # fewer cannot be split into three parts


@dataclass(frozen=True)
class SceneConfig:
    """Options that choose the scenes. The configurations of the commands inherit them."""

    n: SceneCount = 20000
    """Number of scenes: 80 % for training, 10 % for validation (choices such as when to stop), 10 % for the
    test."""
    scm: ScmName = "variant_mnist"
    """Structural causal model of the latents; see personax/variant_mnist/scm.py."""
    measurements: str = "3,3"
    """Number of measurements of the digit (1 to 5: red, green, blue, yellow, magenta) and of the garment. The
    paper has 3,1."""
    nuisance: Nuisance = "independent"
    """independent: every measurement shows its own digit or garment, so that measurements share only the
    latents. shared: all measurements show the same one, as in the paper."""
    size: Annotated[int, Between(8, 28)] = 14
    """Side length of the pictures in pixels, 8 to 28."""
    source: Literal["auto", "mnist", "digits"] = "auto"
    """mnist: MNIST and Fashion-MNIST. digits: scikit-learn's digits. auto: mnist if possible, else digits."""
    data_dir: FilePath | None = where_or_how(None)
    """Folder with MNIST/raw and FashionMNIST/raw. Missing files are downloaded into it. Default: data/ of the
    project."""
    dataset: FilePath | None = None
    """Read the scenes from this folder (color.csv, fashion.csv) instead of drawing them."""
    data_seed: Seed | None = None
    """Seed of the scenes and of their split. If left out, it is the seed of the model."""


def measurement_counts(config: SceneConfig) -> tuple[int, int]:
    """Numbers of measurements of the digit and of the garment. Raises InputError if they are wrong."""
    parts = config.measurements.split(",")
    if len(parts) != 2 or not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", part) for part in parts):
        raise InputError(f"measurements {config.measurements[:40]!r}: give two numbers, such as 3,1 or 3,3")
    digit, garment = (int(part) for part in parts)
    if not 1 <= digit <= len(COLOURS) or garment < 1:
        raise InputError(
            f"measurements {config.measurements!r}: 1 to {len(COLOURS)} digits and at least 1 garment"
        )
    return digit, garment


def require_scene_memory(config: SceneConfig) -> None:
    """Raise InputError if the pictures of the scenes do not fit into the memory of this machine."""
    digits, garments = measurement_counts(config)
    channels = 3 * digits + garments
    require_memory(
        4.0 * config.n * channels * config.size**2,
        f"n {config.n}, size {config.size}, measurements {config.measurements}",
    )


def scene_seed(config: SceneConfig, model_seed: int) -> int:
    """The seed of the scenes: `data_seed`, or the seed of the model if that is left out."""
    return model_seed if config.data_seed is None else config.data_seed
