"""Run folders: refused, resumed, replaced; one process at a time; nothing left of refusals and kills."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from personax.runs.errors import InputError, TrainingDiverged
from personax.runs.files import write_json, write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.options import where_or_how
from personax.runs.run_folder import CONFIG, HISTORY, MANIFEST, METRICS, RESPONSES, RunFolder, open_run
from personax.runs.run_records import read_finished, read_options


@dataclass
class RunOptions:
    """What a command was told: one option that makes the result, three that only say where and how."""

    seed: int = 1
    device: str = where_or_how("cpu")
    resume: bool = where_or_how(False)
    overwrite: bool = where_or_how(False)


@dataclass
class OptionsWithoutResume:
    """The options of a command that cannot continue."""

    overwrite: bool = where_or_how(False)


@dataclass
class NestedOptions:
    """Options of a version that has more of them than an earlier one."""

    seed: int = 1
    nested: RunOptions = field(default_factory=RunOptions)
    ways: dict[str, int] = field(default_factory=lambda: {"a": 1})
    resume: bool = where_or_how(False)


def make_run(
    path: Path,
    config: RunOptions | NestedOptions | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> RunFolder:
    """A run whose only result is the file `made`."""
    with open_run(path, config or RunOptions(), resume=resume, overwrite=overwrite) as folder:
        write_text(folder / "made", "x")
    return folder


def state_of(path: Path) -> str:
    return str(json.loads((path / MANIFEST).read_text())["state"])


def files_of(path: Path) -> dict[str, bytes]:
    """Every file below a folder and what is in it."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


# What exists.


def test_a_run_folder_is_refused_resumed_or_replaced(tmp_path: Path) -> None:
    home = tmp_path / "run"
    make_run(home)
    with pytest.raises(InputError, match="--resume"):
        make_run(home)
    with open_run(home, RunOptions(), resume=True):
        assert (home / "made").exists()
    with open_run(home, RunOptions(seed=2), overwrite=True):
        assert not (home / "made").exists()
    assert yaml.safe_load((home / CONFIG).read_text())["seed"] == 2
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_a_command_that_cannot_continue_does_not_advise_it(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    with (
        pytest.raises(InputError, match="exists; replace it with --overwrite"),
        open_run(tmp_path / "run", OptionsWithoutResume()),
    ):
        pass


def test_a_run_goes_on_with_another_where_or_how_option(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    with open_run(tmp_path / "run", RunOptions(device="cuda", overwrite=True), resume=True):
        assert (tmp_path / "run" / "made").exists()


def test_a_run_of_an_earlier_version_goes_on_without_the_options_that_are_gone(tmp_path: Path) -> None:
    home = make_run(tmp_path / "run").path
    with (home / CONFIG).open("a") as file:
        file.write("ground_truth: true\n")
    assert make_run(home, resume=True).path == home
    (home / CONFIG).write_text("seed: 1\nground_truth: true\n")
    assert read_options(home) == {"seed": 1}


def test_a_run_of_an_earlier_version_goes_on_with_the_defaults_of_the_options_that_are_new(
    tmp_path: Path,
) -> None:
    home = make_run(tmp_path / "run", NestedOptions()).path
    (home / CONFIG).write_text("seed: 1\nnested: {device: cpu}\n")
    with open_run(home, NestedOptions(), resume=True):
        pass
    for other in (NestedOptions(ways={"b": 2}), NestedOptions(nested=RunOptions(seed=2))):
        (home / CONFIG).write_text("seed: 1\nnested: {device: cpu}\n")
        with pytest.raises(InputError, match="was made with"), open_run(home, other, resume=True):
            pass


def test_a_run_does_not_go_on_with_another_option_that_makes_the_result(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    with pytest.raises(InputError, match="seed=1, not 2"):
        make_run(tmp_path / "run", RunOptions(seed=2, device="cuda"), resume=True)


def test_a_run_does_not_go_on_with_other_data_and_stays_as_it_is(tmp_path: Path) -> None:
    with open_run(tmp_path / "run", RunOptions(), data_sha256="a"):
        pass
    before = files_of(tmp_path)
    with (
        pytest.raises(InputError, match="other data"),
        open_run(tmp_path / "run", RunOptions(device="cuda"), resume=True, data_sha256="b"),
    ):
        pass
    assert files_of(tmp_path) == before


def test_a_folder_that_is_no_run_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    for resume, overwrite in ((False, True), (True, False), (False, False)):
        with pytest.raises(InputError, match="not a run folder"):
            make_run(tmp_path, resume=resume, overwrite=overwrite)
    assert files_of(tmp_path) == {"precious": b"x"}


@pytest.mark.parametrize("content", ["{}", "[]", '{"data_sha256": "a"}'])
def test_a_manifest_without_a_state_is_none(content: str, tmp_path: Path) -> None:
    home = tmp_path / "run"
    make_run(home)
    (home / MANIFEST).write_text(content)
    with pytest.raises(InputError, match=r"is not the manifest of a run, it has no state"):
        make_run(home, resume=True)


def test_the_manifest_tells_how_a_run_ended(tmp_path: Path) -> None:
    def broken_run() -> None:
        with open_run(tmp_path / "run", RunOptions(), data_source="here") as folder:
            folder.manifest["extra"] = 1
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        broken_run()
    manifest = json.loads((tmp_path / "run" / MANIFEST).read_text())
    assert manifest["state"] == "failed"
    assert "broken" in manifest["reason"]
    assert manifest["data_source"] == "here"
    assert manifest["extra"] == 1
    assert manifest["threads"] >= 1


# Refusals.


@pytest.mark.parametrize("error", [InputError, TrainingDiverged])
def test_a_refusal_leaves_nothing_of_a_new_run(tmp_path: Path, error: type[Exception]) -> None:
    def refused() -> None:
        with open_run(tmp_path / "new" / "run", RunOptions()) as folder:
            write_text(folder / "prepared", "x")
            raise error("three rows")

    with pytest.raises(error):
        refused()
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_leaves_the_run_that_it_would_have_replaced(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    before = files_of(tmp_path)

    def refused() -> None:
        with open_run(tmp_path / "run", RunOptions(seed=2), overwrite=True) as folder:
            write_text(folder / "prepared", "x")
            raise InputError("three rows")

    with pytest.raises(InputError):
        refused()
    assert files_of(tmp_path) == before


@pytest.mark.parametrize("learned", [HISTORY, RESPONSES])
def test_what_was_learned_before_a_refusal_is_kept(tmp_path: Path, learned: str) -> None:
    def diverges() -> None:
        with open_run(tmp_path / "run", RunOptions()) as folder:
            write_text(folder / learned, "{}\n")
            raise TrainingDiverged("at epoch 7")

    with pytest.raises(TrainingDiverged):
        diverges()
    assert (tmp_path / "run" / learned).exists()
    assert state_of(tmp_path / "run") == "failed"


def test_a_refused_resumption_leaves_the_run(tmp_path: Path) -> None:
    make_run(tmp_path / "run")

    def refused() -> None:
        with open_run(tmp_path / "run", RunOptions(), resume=True):
            raise InputError("no")

    with pytest.raises(InputError):
        refused()
    assert (tmp_path / "run" / "made").exists()


# Two processes.


SECOND_PROCESS = """
import sys
from test_run_folder import InputError, RunOptions, open_run
for options in ({}, {"resume": True}, {"overwrite": True}):
    try:
        with open_run(sys.argv[1], RunOptions(), **options):
            print("entered")
    except InputError as error:
        print(error)
"""


def test_a_second_process_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    home = tmp_path / "run"
    with open_run(home, RunOptions()) as folder:
        write_text(folder / "made", "x")
        before = files_of(home)
        second = [sys.executable, "-c", SECOND_PROCESS, str(home)]
        done = subprocess.run(second, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        plain, resumed, replaced = done.stdout.splitlines()
        assert "exists" in plain
        assert "another process" in resumed
        assert "another process" in replaced
        assert files_of(home) == before
    assert state_of(home) == "finished"


KILLED_IN_A_RUN = """
import os, sys
from test_run_folder import RunOptions, open_run
from personax.runs.files import atomic_path
with open_run(sys.argv[1], RunOptions()) as folder:
    with atomic_path(folder / "made") as temporary:
        temporary.write_text("half")
        os.kill(os.getpid(), 9)
"""


def test_a_killed_process_leaves_a_folder_that_is_resumed_without_its_traces(tmp_path: Path) -> None:
    home = tmp_path / "run"
    done = subprocess.run([sys.executable, "-c", KILLED_IN_A_RUN, str(home)], cwd=Path(__file__).parent)
    assert done.returncode == -9
    assert [path.name for path in home.iterdir() if ".partial-" in path.name]
    make_run(home, resume=True)
    assert sorted(path.name for path in home.iterdir()) == [CONFIG, "made", MANIFEST, "run.log"]
    assert (home / "made").read_text() == "x"


def test_a_process_that_was_killed_while_it_replaced_a_run_is_no_hindrance(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    aside = tmp_path / "run" / ".replaced.partial-00000000"
    aside.mkdir()
    (aside / "made").write_text("before")
    make_run(tmp_path / "run", overwrite=True)
    assert not aside.exists()
    assert (tmp_path / "run" / "made").exists()


def test_a_folder_whose_process_was_killed_at_its_first_write_is_new(tmp_path: Path) -> None:
    home = tmp_path / "run"
    home.mkdir()
    (home / ".lock").touch()
    (home / ".config.partial-0123abcd.yaml").write_text("se")
    make_run(home)
    assert sorted(path.name for path in home.iterdir()) == [CONFIG, "made", MANIFEST, "run.log"]


def test_a_folder_within_that_cannot_be_read_is_no_hindrance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").mkdir()
    listed = Path.iterdir

    def refusing(path: Path) -> Iterator[Path]:
        if path.name == "secret":
            raise PermissionError(path)
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    with locked_folder(tmp_path):
        assert (tmp_path / "secret").exists()


def test_a_process_that_was_killed_after_its_metrics_has_finished(tmp_path: Path) -> None:
    home = make_run(tmp_path / "run").path
    write_json(home / METRICS, {"r2": 1.0})
    write_json(home / MANIFEST, {"state": "running", "commit": "abc"})
    (home / ".manifest.partial-0123abcd.json").touch()
    assert read_finished(home, RunOptions(), {}) == {"r2": 1.0}
    assert json.loads((home / MANIFEST).read_text()) == {"state": "finished", "commit": "abc"}
    assert not list(home.glob(".*"))


def test_reading_a_finished_run_writes_nothing(tmp_path: Path) -> None:
    home = make_run(tmp_path / "run").path
    write_json(home / METRICS, {})
    times = {path: path.stat().st_mtime_ns for path in (home, *home.iterdir())}
    read_finished(home, RunOptions(device="cuda"), {})
    assert {path: path.stat().st_mtime_ns for path in (home, *home.iterdir())} == times


def test_runs_in_different_folders_do_not_wait_for_each_other(tmp_path: Path) -> None:
    with ExitStack() as stack:
        for name in "ab":
            stack.enter_context(open_run(tmp_path / name, RunOptions()))
    assert state_of(tmp_path / "a") == state_of(tmp_path / "b") == "finished"
