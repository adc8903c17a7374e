"""The device of a run."""

from typing import Any

import pytest
import torch

from personax.runs.device import resolve_device
from personax.runs.errors import InputError


def test_unknown_and_absent_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    assert resolve_device(torch.device("cpu")).type == "cpu"
    odd: tuple[Any, ...] = (
        3,
        None,
        "tpu",
        "cuda:abc",
        "cuda:-1",
        "cuda:",
        "cudaX",
        "cuda:²",
        "cuda:" + "9" * 5000,
        "",
    )
    for name in (*odd, f"cuda:{torch.cuda.device_count() + 7}"):
        with pytest.raises(InputError, match="device"):
            resolve_device(name)
