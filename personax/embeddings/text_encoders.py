"""Encoders of texts, through sentence-transformers.

The paper's encoder is gte-Qwen2-7B-instruct (3,584 numbers a text). It has three traps. Without the code of
its repository every word sees only the words before it, and the vectors are close to noise. In float16 they
are, too. With its cache it stops on transformers from 4.56 on. `loading_options` sets it up, and
encoder_checks.py measures whether an encoder works.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from personax.embeddings.encoder_libraries import (
    PACKAGE,
    commit_of,
    encoder_library,
    folder_revision,
    loaded,
    package_folder,
)
from personax.runs.errors import InputError

PAPERS_TEXT_MODEL = "Alibaba-NLP/gte-Qwen2-7B-instruct"
_GTE_QWEN2 = re.compile(r"gte-qwen2", re.IGNORECASE)
_MARK_OF_A_MODEL = "modules.json"  # in the folder of every sentence-transformers model


@dataclass(frozen=True)
class TextEncoder:
    """An encoder of texts.

    Attributes:
        name: as it was asked for.
        network: a SentenceTransformer in evaluation mode.
        batch_size: texts at a time.
        facts: name, revision, preprocessing and versions, for the manifest.
    """

    name: str
    network: Any
    batch_size: int
    facts: dict[str, Any]

    @property
    def context(self) -> int | None:
        """The most tokens (pieces of words) that the encoder reads of a text; None if there is no limit."""
        limit = self.network.max_seq_length
        return None if limit is None else int(limit)

    def token_counts(self, texts: Sequence[str]) -> Int[np.ndarray, " n"]:
        """(n,) tokens of each text, those that mark its beginning and end included."""
        if not texts:
            return np.zeros(0, dtype=np.int64)
        found = self.network.tokenizer(list(texts), truncation=False, padding=False, verbose=False)
        return np.array([len(ids) for ids in found["input_ids"]], dtype=np.int64)

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "n d"]:
        """(n, d) float32 embeddings of n texts, in their order; longer ones are cut off at `context`."""
        vectors = self.network.encode(
            list(texts), batch_size=self.batch_size, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32)


def load_text_encoder(
    name: str, *, revision: str | None = None, trust_code: bool = False, device: str, batch_size: int = 32
) -> TextEncoder:
    """The encoder with this name.

    Args:
        name: a model of the hub, a folder, or `package:NAME` for weights inside an installed Python package.
        revision: commit, branch or tag on the hub; None for its newest.
        trust_code: run the Python code of the model's repository. gte-Qwen2 needs it.
        device: as torch names it.
        batch_size: texts at a time.

    Raises:
        InputError: sentence-transformers or the model is missing or damaged, or the model needs `trust_code`.
    """
    options = loading_options(name, trust_code=trust_code)
    folder = model_folder(name)
    library = encoder_library("sentence_transformers")
    place = name if folder is None else str(folder)
    network = loaded(
        name, lambda: library.SentenceTransformer(place, revision=revision, device=device, **options)
    )
    network.eval()
    found = commit_of(network[0].auto_model.config) if folder is None else folder_revision(folder)
    facts = {
        "encoder": name,
        "revision": found or revision,
        "library": f"sentence-transformers {library.__version__}",
        "preprocessing": {
            "most_tokens": network.max_seq_length,
            "layers": " ".join(str(network).split()),
            "numbers": str(next(network.parameters()).dtype).removeprefix("torch."),
            "prompt": None,
        },
    }
    return TextEncoder(name, network, batch_size, facts)


def loading_options(name: str, *, trust_code: bool) -> dict[str, Any]:
    """How sentence-transformers must load a model. Raises InputError if it needs code that is not trusted."""
    if not _GTE_QWEN2.search(name):
        return {"trust_remote_code": trust_code}
    if not trust_code:
        raise InputError(
            f"{name}: without the code of its repository its vectors are close to noise; read that code, "
            "then give --trust_code true, and --text_revision with the commit that you have read"
        )
    # bfloat16, because float16 overflows; no cache, because its code asks for a method that is gone.
    numbers = {"dtype": encoder_library("torch").bfloat16}
    return {"trust_remote_code": True, "model_kwargs": numbers, "config_kwargs": {"use_cache": False}}


def model_folder(name: str) -> Path | None:
    """The folder of a model that is on this machine; None for one of the hub. Raises InputError."""
    if not name.startswith(PACKAGE):
        path = Path(name).expanduser()
        return path if path.is_dir() else None
    package = package_folder(name.removeprefix(PACKAGE))
    found = sorted(package.glob(f"**/{_MARK_OF_A_MODEL}"))
    if not found:
        raise InputError(f"{name}: the package holds no sentence-transformers model ({_MARK_OF_A_MODEL})")
    return found[0].parent
