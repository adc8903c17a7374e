"""How many threads a command computes with."""

import pytest
import torch

from personax.runs.environment import environment
from personax.runs.processor import DEFAULT, thread_count, threads_unless_chosen, use_threads


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


@pytest.mark.parametrize(
    ("variable", "told", "expected"), [(None, None, DEFAULT), ("3", None, 3), (None, 2, 2)]
)
def test_a_training_from_python_uses_the_default_unless_somebody_has_chosen(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, told: int | None, expected: int
) -> None:
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if variable:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    try:
        torch.set_num_threads(told or 3)
        with threads_unless_chosen(by_torch=3):
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == (told or 3)
    finally:
        torch.set_num_threads(before)
