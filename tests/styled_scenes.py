"""Small scenes whose style may be shared, a model that is quickly trained on them, and a reading."""

import pytest
import torch

from personax.crl import CRLConfig, picture_readings, styled_pictures
from personax.crl.code_functions import FEATURES, CodeFeatures, CodeFunction
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.crl.picture_codes import CODES, PictureCodes
from personax.crl.picture_readings import PictureReading
from personax.crl.regression import FourierBasis
from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder
from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.scene_config import Nuisance
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import variant_mnist_scm
from personax.views import MultiViewData

TWO = {"digit": 2, "garment": 2}
QUICK = CRLConfig(
    latents=TWO,
    noise=1,
    hidden=8,
    phase1=Phase1Config(epochs=1, batch_size=64),
    phase2=Phase2Config(
        starts=2, population=2, generations=1, generation_steps=2, finalists=1, final_steps=2, batch_size=64
    ),
)


def scenes(nuisance: Nuisance, measurements: tuple[int, int], n: int = 400) -> MultiViewData:
    return make_variant_mnist(
        stand_in_images(), variant_mnist_scm(), n=n, measurements=measurements, nuisance=nuisance, size=8
    )


def as_batch(data: MultiViewData) -> Batch:
    return Batch.of(data, channels={"digit": [[k] for k in range(3)], "garment": [[0]] * 3})


def accept_scalar_codes(patch: pytest.MonkeyPatch) -> None:
    """Codes of one epoch tell nothing but chance; let them pass all the same."""
    patch.setattr(picture_readings, "told_information", lambda *_, **__: torch.inf)
    patch.setattr(picture_readings, "missing_in_rival", lambda *_: torch.inf)


def read_small_scenes(patch: pytest.MonkeyPatch) -> None:
    """Let a few hundred scenes be read, and let what is read be clear."""
    patch.setattr(styled_pictures, "STYLED_ROWS", 100)
    patch.setattr(PictureReading, "is_clear", property(lambda _: True))
    accept_scalar_codes(patch)


def random_reading(clarity: float) -> PictureReading:
    """A reading by networks that are not trained, whose companion is so clear."""
    torch.manual_seed(0)
    scalar, pictures = make_encoder((1, 8, 8), 1, 8), PictureCodes((1, 8, 8), 8, 0.1)
    basis = FourierBasis.draw(3, torch.Generator().manual_seed(0), FEATURES)
    turn = torch.randn(CODES, 3).double()
    offset, weights = torch.randn(2, 3 + FEATURES).double()
    companion = CodeFunction(CodeFeatures(torch.randn(CODES).double(), turn, basis, offset), weights)
    return PictureReading(scalar, 0.5, 2.0, pictures, companion, [clarity, 1.0, 0.5], is_coordinate=True)
