"""How many threads a command computes with."""

import pytest
import torch

from personax.runs.environment import environment
from personax.runs.processor import DEFAULT, thread_count, use_threads


@pytest.mark.parametrize(
    ("said", "expected"), [("3", 3), ("4,2", 4), ("", DEFAULT), ("0", DEFAULT), ("many", DEFAULT)]
)
def test_the_variable_is_honoured(monkeypatch: pytest.MonkeyPatch, said: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert thread_count() == expected


def test_without_the_variable_there_is_a_default_that_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    try:
        use_threads()
        assert torch.get_num_threads() == DEFAULT == environment()["threads"]
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        use_threads()
        assert torch.get_num_threads() == 2 == environment()["threads"]
    finally:
        torch.set_num_threads(before)
