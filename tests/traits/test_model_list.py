"""Files of models: labels, defaults, and entries that are refused with their number."""

from pathlib import Path

import pytest

from personax.runs.errors import InputError
from personax.traits.model_list import NO_KEY, read_models

URL = "http://localhost:8080/v1"


def models(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    return path


def test_models_are_read_with_limits_prices_and_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""models:
  - {{model: a-1, base_url: "{URL}", key_env: KEY_OF_TEST, requests_per_minute: 5, price_out: 10}}
  - {{model: a-1, label: second, base_url: "{URL}", extra: {{reasoning_effort: low}}}}
"""
    first, second = read_models(models(tmp_path, text))
    assert (first.label, first.requests_per_minute, first.price_out) == ("a-1", 5, 10)
    assert (second.label, second.extra, second.key()) == ("second", {"reasoning_effort": "low"}, NO_KEY)
    with pytest.raises(InputError, match="no key; put it into the environment variable KEY_OF_TEST"):
        first.key()
    for odd in ("sk-1\nsk-2", "sk-1 sk-2", "sk-1…"):
        monkeypatch.setenv("KEY_OF_TEST", odd)
        with pytest.raises(InputError, match="what is in KEY_OF_TEST is no key") as refusal:
            first.key()
        assert "sk-1" not in str(refusal.value)
    monkeypatch.setenv("KEY_OF_TEST", "sk-1")
    assert first.key() == "sk-1"
    assert "sk-1" not in repr(first)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: []", "must have a list"),
        ("- model: a", "must have a list"),
        ("models: [{model: a}]", "model 1: must have model and base_url"),
        (f"models: [{{model: a, base_url: '{URL}', key: sk-1}}]", "model 1: unknown 'key'"),
        (f"models: [{{model: a, base_url: '{URL}', at_once: 0}}]", "at_once 0: must be from 1"),
        (f"models: [{{model: a/b, base_url: '{URL}'}}]", "label 'a/b'"),
        ("models: [{model: a, base_url: 'https://k:sk@h/v1'}]", "more than an address"),
        ("models: [{model: a, base_url: 'https://h/v1?key=1'}]", "more than an address"),
        (f"models: [{{model: a, base_url: '{URL}'}}, {{model: a, base_url: '{URL}'}}]", "called 'a'"),
    ],
)
def test_wrong_entries_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_models(models(tmp_path, text))
