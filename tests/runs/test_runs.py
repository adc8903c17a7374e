"""Commands, files and seeds."""

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from personax.runs.command_line import EXIT_BAD_INPUT, parse, parse_seeds, run_command
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, read_yaml, sha256_arrays, write_json, write_yaml
from personax.runs.run_folder import ROOT, path_or_default, typed_path
from personax.runs.seeds import numpy_rng, torch_rng


@dataclass(frozen=True)
class Options:
    """Options."""

    seed: int = 0
    """Seed."""
    resume: bool = False
    """Resume."""
    name: str = "x"
    """Name."""


def test_flags_override_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("seed: 3\nname: file\n")
    parsed = parse(Options, ["--config", str(tmp_path / "c.yaml"), "--seed", "5"])
    assert parsed == Options(seed=5, name="file")


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["--resume"], True), (["--resume", "false"], False), (["--resume", "--seed", "2"], True), ([], False)],
)
def test_switches_need_no_value(words: list[str], expected: bool) -> None:
    assert parse(Options, words).resume is expected


@pytest.mark.parametrize(
    "words", [["--sede", "1"], ["--seed", "one"], ["--seed", "1.5"], ["--config", "nowhere"]]
)
def test_bad_flags_end_in_one_line_and_exit_code_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(Options, lambda options: None, words) == EXIT_BAD_INPUT
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "error:" in captured.err
    assert not captured.out


def test_an_unknown_key_in_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("sede: 3\n")
    assert (
        run_command(Options, lambda options: None, ["--config", str(tmp_path / "c.yaml")]) == EXIT_BAD_INPUT
    )
    assert "sede" in capsys.readouterr().err


def test_seeds_are_lists_and_ranges() -> None:
    assert parse_seeds("0-3,7") == [0, 1, 2, 3, 7]
    for bad in ("", "a", "3-1", "1,1", "-1", "1;2"):
        with pytest.raises(InputError):
            parse_seeds(bad)


def test_atomic_path_leaves_nothing_when_the_block_fails(tmp_path: Path) -> None:
    def stopped_half_way() -> None:
        with atomic_path(tmp_path / "file.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped_half_way()
    assert list(tmp_path.iterdir()) == []


def full(path: Path, number: int) -> None:
    """Writing a file that ends as the operating system says by this number."""
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_or_closed_place_is_one_line_and_keeps_the_old_file(tmp_path: Path, number: int) -> None:
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(InputError, match=r"file\.txt: cannot be written"):
        full(tmp_path / "file.txt", number)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_place_that_does_not_even_let_nothing_be_removed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only file system refuses to remove a file that is not there, as it refuses to write."""

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with (
        pytest.raises(InputError, match=r"file\.txt: cannot be written \(Read-only"),
        atomic_path(tmp_path / "file.txt"),
    ):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def test_other_failures_of_the_system_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError):
        full(tmp_path / "file.txt", errno.ECONNRESET)


def test_a_typed_path_is_relative_to_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed_path("results") == path_or_default("results", "default") == tmp_path / "results"
    assert path_or_default(None, "results") == ROOT / "results"
    assert typed_path("~") == Path.home()
    with pytest.raises(InputError, match="no such user"):
        typed_path("~nobody-of-this-name/x")


def test_json_has_no_nan_and_takes_numpy(tmp_path: Path) -> None:
    write_json(
        tmp_path / "a.json",
        {"a": np.float32(0.5), "b": np.array([1, 2]), "c": float("nan"), 4: np.bool_(True)},
    )
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 0.5, "b": [1, 2], "c": None, "4": True}


def test_broken_yaml_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("a: 1\nb: [1\nc: 2\n")
    with pytest.raises(InputError, match=r"b\.yaml, line \d"):
        read_yaml(tmp_path / "b.yaml")


def test_checksum_sees_values_shapes_and_types() -> None:
    a = np.arange(6.0)
    sums = {sha256_arrays(x) for x in (a, a.reshape(2, 3), a.astype(np.float32), a + 1e-12)}
    assert len(sums) == 4
    assert sha256_arrays(a) == sha256_arrays(a.copy())


def test_streams_are_apart_and_in_place() -> None:
    assert numpy_rng(1, "a").random() == numpy_rng(1, "a").random()
    assert len({numpy_rng(seed, name).random() for seed in (0, 1) for name in ("a", "b")}) == 4
    assert torch.equal(torch.rand(3, generator=torch_rng(1, "a")), torch.rand(3, generator=torch_rng(1, "a")))


def test_yaml_round_trip(tmp_path: Path) -> None:
    value = {"b": [1, 2], "a": {"x": 0.1}}
    write_yaml(tmp_path / "v.yaml", value)
    assert read_yaml(tmp_path / "v.yaml") == value
