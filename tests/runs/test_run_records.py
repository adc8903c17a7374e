"""What a run has written is checked when it is read back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from personax.runs.errors import InputError
from personax.runs.run_records import (
    entry_at,
    read_manifest,
    read_metrics,
    read_options,
    read_rows,
    read_tensors,
)

DAMAGED = {
    "empty": b"",
    "cut off": b'{"a": ',
    "list": b"[1]",
    "number": b"3",
    "bytes": bytes(range(256)),
    "deep": b"[" * 100_000,
    "UTF-16": "{}".encode("utf-16"),
}
READERS: dict[str, Callable[[Path], Any]] = {
    "config.yaml": read_options,
    "manifest.json": read_manifest,
    "metrics.json": lambda folder: read_metrics(folder, {}),
    "metrics.jsonl": read_rows,
    "weights.pt": lambda folder: read_tensors(folder / "weights.pt", torch.device("cpu")),
}


@pytest.mark.parametrize("damage", DAMAGED)
@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_is_named_in_one_line(tmp_path: Path, name: str, damage: str) -> None:
    (tmp_path / name).write_bytes(DAMAGED[damage])
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as refused:
        READERS[name](tmp_path)
    assert "\n" not in str(refused.value)
    assert "--overwrite" in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("name", READERS)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        READERS[name](tmp_path)


@pytest.mark.parametrize(
    "entry", [{"data_sha256": 3}, {"data_sha256": ["x"]}, {"simulated": "yes"}, {"state": 1}]
)
def test_entries_of_another_type_are_named(tmp_path: Path, entry: dict[str, Any]) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(entry))
    with pytest.raises(InputError, match=f"manifest.json: {next(iter(entry))} must be"):
        read_manifest(tmp_path)


NEEDED = {"heldout.r2": "a number", "heldout.per_latent": "names with numbers", "source": "a text"}
GOOD = {"heldout": {"r2": 0.5, "per_latent": {"z1": 0.5}}, "source": "digits", "seconds": None}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"heldout": None}, "heldout.r2"),
        ({"heldout": [1]}, "heldout.r2"),
        ({"heldout": {"r2": "high", "per_latent": {}}}, "heldout.r2"),
        ({"heldout": {"r2": True, "per_latent": {}}}, "heldout.r2"),
        ({"heldout": {"r2": 0.5, "per_latent": {"z1": None}}}, "heldout.per_latent"),
        ({"source": 3}, "source"),
        ({"seconds": "long"}, "seconds"),
    ],
)
def test_metrics_have_what_is_needed_of_them(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps(GOOD))
    assert read_metrics(tmp_path, NEEDED, {"seconds": "a number"}) == GOOD
    (tmp_path / "metrics.json").write_text(json.dumps(GOOD | change))
    with pytest.raises(InputError, match=f"metrics.json: {named} must be"):
        read_metrics(tmp_path, NEEDED, {"seconds": "a number"})


@pytest.mark.parametrize("lines", ['{"epoch": 1}', '{"phase": "a", "x": 1}\n{"phase": "a"}', '{"phase": 3}'])
def test_rows_of_a_history_name_their_phase_and_are_alike(tmp_path: Path, lines: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(lines)
    with pytest.raises(InputError, match=r"metrics\.jsonl, line \d"):
        read_rows(tmp_path)


def test_tensors_are_names_with_values(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "w.pt")
    assert torch.equal(read_tensors(tmp_path / "w.pt", torch.device("cpu"))["a"], torch.ones(2))
    torch.save([torch.ones(2)], tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w\.pt: holds no names with values; ask"):
        read_tensors(tmp_path / "w.pt", torch.device("cpu"), "ask")


def test_a_tensor_of_which_one_bit_has_changed_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, tmp_path / "w.pt")
    content = bytearray((tmp_path / "w.pt").read_bytes())
    content[content.index(bytes(4000)) + 2000] ^= 1
    (tmp_path / "w.pt").write_bytes(content)
    assert torch.load(tmp_path / "w.pt", weights_only=True)["a"].any()  # torch itself reads it
    with pytest.raises(InputError, match=r"w\.pt: damaged"):
        read_tensors(tmp_path / "w.pt", torch.device("cpu"))


def test_an_entry_that_is_not_there_is_none() -> None:
    assert [entry_at({"a": {"b": 1}}, key) for key in ("a.b", "a.c", "a.b.c", "x")] == [1, None, None, None]
