"""The scenes that the options of a command choose, and their split."""

from personax.runs.run_folder import path_or_default, typed_path
from personax.runs.seeds import numpy_rng
from personax.variant_mnist.image_sources import load_images
from personax.variant_mnist.official_layout import read_dataset
from personax.variant_mnist.scene_config import SceneConfig, measurement_counts, scene_seed
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import SCMS
from personax.views import MultiViewData, Split, split_rows


def load_scenes(config: SceneConfig, model_seed: int) -> MultiViewData:
    """The scenes that the configuration chooses, read from a folder or drawn. Raises InputError."""
    if config.dataset is not None:
        return read_dataset(typed_path(config.dataset), size=config.size)
    return make_variant_mnist(
        load_images(config.source, path_or_default(config.data_dir, "data")),
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
