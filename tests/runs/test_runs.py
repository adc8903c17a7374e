"""Commands, files, run folders and seeds."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from personax.runs.command_line import EXIT_BAD_INPUT, parse, parse_seeds, run_command
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, read_yaml, sha256_arrays, write_json, write_yaml
from personax.runs.options import where_or_how
from personax.runs.run_folder import open_run
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


@dataclass
class RunOptions:
    """Options of a command: one that changes the result, two that only say where and how."""

    seed: int = 1
    device: str = where_or_how("cpu")
    overwrite: bool = where_or_how(False)


def test_a_run_folder_is_refused_resumed_or_replaced(tmp_path: Path) -> None:
    home = tmp_path / "run"
    open_run(home, RunOptions())
    (home / "made").write_text("x")
    with pytest.raises(InputError, match="--resume"):
        open_run(home, RunOptions())
    open_run(home, RunOptions(), resume=True)
    assert (home / "made").exists()
    open_run(home, RunOptions(seed=2), overwrite=True)
    assert not (home / "made").exists()
    assert yaml.safe_load((home / "config.yaml").read_text()) == {
        "seed": 2,
        "device": "cpu",
        "overwrite": False,
    }


def test_a_run_goes_on_with_another_where_or_how_option(tmp_path: Path) -> None:
    open_run(tmp_path / "run", RunOptions())
    (tmp_path / "run" / "made").write_text("x")
    open_run(tmp_path / "run", RunOptions(device="cuda", overwrite=True), resume=True)
    assert (tmp_path / "run" / "made").exists()


def test_a_run_does_not_go_on_with_another_option_that_makes_the_result(tmp_path: Path) -> None:
    open_run(tmp_path / "run", RunOptions())
    with pytest.raises(InputError, match="seed=1, not 2"):
        open_run(tmp_path / "run", RunOptions(seed=2, device="cuda"), resume=True)


def test_a_folder_that_is_no_run_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    for options in ({"overwrite": True}, {"resume": True}, {}):
        with pytest.raises(InputError, match="not a run folder"):
            open_run(tmp_path, RunOptions(), **options)
    assert (tmp_path / "precious").exists()


def test_the_manifest_tells_how_a_run_ended(tmp_path: Path) -> None:
    folder = open_run(tmp_path / "run", RunOptions())

    def broken_run() -> None:
        with folder.recorded(data_source="here") as manifest:
            manifest["extra"] = 1
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        broken_run()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["state"] == "failed"
    assert "broken" in manifest["reason"]
    assert manifest["data_source"] == "here"
    assert manifest["extra"] == 1
    assert manifest["threads"] >= 1


def test_streams_are_apart_and_in_place() -> None:
    assert numpy_rng(1, "a").random() == numpy_rng(1, "a").random()
    assert len({numpy_rng(seed, name).random() for seed in (0, 1) for name in ("a", "b")}) == 4
    assert torch.equal(torch.rand(3, generator=torch_rng(1, "a")), torch.rand(3, generator=torch_rng(1, "a")))


def test_yaml_round_trip(tmp_path: Path) -> None:
    value = {"b": [1, 2], "a": {"x": 0.1}}
    write_yaml(tmp_path / "v.yaml", value)
    assert read_yaml(tmp_path / "v.yaml") == value
