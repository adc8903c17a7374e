"""The options that choose the scenes, for all commands on Variant-MNIST, and how the scenes are made."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from personax.runs.bounds import FAR, Between, FilePath, Seed
from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays
from personax.runs.memory import require_memory
from personax.runs.options import where_or_how
from personax.runs.run_folder import existing_path
from personax.runs.seeds import numpy_rng
from personax.variant_mnist.image_sources import load_images
from personax.variant_mnist.official_layout import read_dataset
from personax.variant_mnist.scenes import COLOURS, Nuisance, make_variant_mnist
from personax.variant_mnist.scm import SCMS, ScmName
from personax.views import MultiViewData, Split, split_rows

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
    data_dir: FilePath = where_or_how("data")
    """Folder with MNIST/raw and FashionMNIST/raw. Missing files are downloaded into it."""
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


def load_scenes(config: SceneConfig, model_seed: int) -> MultiViewData:
    """The scenes that the configuration chooses, read from a folder or drawn. Raises InputError."""
    if config.dataset is not None:
        return read_dataset(existing_path(config.dataset), size=config.size)
    return make_variant_mnist(
        load_images(config.source, existing_path(config.data_dir)),
        SCMS[config.scm](),
        n=config.n,
        measurements=measurement_counts(config),
        nuisance=config.nuisance,
        size=config.size,
        data_seed=scene_seed(config, model_seed),
    )


def split_scenes(config: SceneConfig, model_seed: int, data: MultiViewData) -> Split:
    """Training, validation and test rows of the scenes."""
    return split_rows(len(data), numpy_rng(scene_seed(config, model_seed), "split"))


def scenes_checksum(data: MultiViewData) -> str:
    """SHA-256 of the true latents and of every picture."""
    return sha256_arrays(
        data.true_latents.to_numpy(), *(array for arrays in data.measurements.values() for array in arrays)
    )
