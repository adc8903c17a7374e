"""The command: its file, what it refuses, and the run that its page tells how to make again."""

import re
from pathlib import Path

import html5lib
import pandas as pd
import pytest
from commands import run_script
from experiments.html_report.example_runs import write_level_one, write_level_two, write_other
from experiments.independence.people_table import write_athletes
from filelock import FileLock

from personax.runs.folder_lock import LOCK

SCRIPT = "real_world_experiment/report.py"


def test_the_page_goes_into_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_level_one(tmp_path / "one")
    assert run_script(SCRIPT, folder) == 0
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert re.match(r"SIMULATED DATA. 1 run, 0\.\d MB: ", capsys.readouterr().out)


def test_several_folders_share_the_page_in_their_home(tmp_path: Path) -> None:
    folders = [write_level_one(tmp_path / "one"), write_other(tmp_path / "two")]
    assert run_script(SCRIPT, *folders) == 0
    assert (tmp_path / "report.html").exists()


def test_the_home_of_seeds_stands_for_all_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (2, 10):
        write_level_two(tmp_path / "runs" / f"seed-{seed}", seed=seed)
    assert run_script(SCRIPT, tmp_path / "runs", "--figures", "false") == 0
    assert "2 runs" in capsys.readouterr().out
    page = (tmp_path / "runs" / "report.html").read_text()
    assert page.index("runs/seed-2") < page.index("runs/seed-10")
    assert "2 runs of athlete compared" in page


def test_an_existing_page_is_only_replaced_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_level_one(tmp_path / "one")
    (folder / "report.html").write_text("mine")
    assert run_script(SCRIPT, folder) == 2
    assert "replace it with --overwrite" in capsys.readouterr().err
    assert (folder / "report.html").read_text() == "mine"
    assert run_script(SCRIPT, folder, "--overwrite") == 0


def test_no_page_is_written_while_another_process_works_in_the_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_level_one(tmp_path / "one")
    with FileLock(folder / LOCK):
        assert run_script(SCRIPT, folder) == 2
        assert "another process is working in it" in capsys.readouterr().err
        assert not (folder / "report.html").exists()
        assert run_script(SCRIPT, folder, "--output", tmp_path / "elsewhere.html") == 0


def test_a_page_half_written_by_a_killed_process_is_removed(tmp_path: Path) -> None:
    folder = write_level_one(tmp_path / "one")
    half = folder / ".report.partial-0123abcd.html"
    half.write_text("<!DOC")
    assert run_script(SCRIPT, folder) == 0
    assert not half.exists()
    assert not (folder / LOCK).exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (("pvalues.csv", "trait,scores\n1,2\n"), "pvalues.csv: no column 'feature'"),
        (("pvalues.csv", '"a\n'), "pvalues.csv: "),
        (("metrics.json", "[1]"), "metrics.json: holds no names with values"),
        (("graph.json", "{}"), "graph.json: the key 'adjacency' is missing"),
        (("diagnostics.json", '{"findings": 3}'), "diagnostics.json: no findings"),
        (("config.yaml", "a: [1"), "config.yaml"),
    ],
)
def test_a_damaged_file_is_one_line(
    damage: tuple[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_level_one(tmp_path / "one")
    (folder / damage[0]).write_text(damage[1])
    assert run_script(SCRIPT, folder) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no folder given"),
        (("nowhere",), "no such folder"),
        (("empty",), "not a run folder"),
        (("one", "one"), "given twice"),
        (("one", "--output", "page.pdf"), "must end with .html"),
        (("one", "--output", "folder.html"), "is a folder"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_level_one(tmp_path / "one")
    for name in ("empty", "folder.html"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert run_script(SCRIPT, *words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_run_is_made_again_from_its_page(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv")
    script = "independence_testing/run_independence_tests.py"
    words = [
        "--dataset",
        "athlete",
        "--table",
        table,
        "--tests",
        "chi_square",
        "--resamples",
        99,
        "--seed",
        7,
    ]
    assert run_script(script, *words, "--output", tmp_path / "first") == 0
    assert run_script(SCRIPT, tmp_path / "first", "--figures", "false") == 0
    document = html5lib.parse((tmp_path / "first" / "report.html").read_text(), namespaceHTMLElements=False)
    listings = ["".join(each.itertext()) for each in document.iter("pre")]
    (tmp_path / "again.yaml").write_text(next(text for text in listings if "resamples: 99" in text))
    assert any("personax independence --config config.yaml" in text for text in listings)
    assert run_script(script, "--config", tmp_path / "again.yaml", "--output", tmp_path / "second") == 0
    first, second = (pd.read_csv(tmp_path / name / "pvalues.csv") for name in ("first", "second"))
    pd.testing.assert_frame_equal(first.drop(columns="seconds"), second.drop(columns="seconds"))
    counts = pd.read_csv(tmp_path / "first" / "score_counts.csv")
    assert set(counts.groupby(["rater", "trait"])["people"].sum()) == {40}
