"""The count of verdicts that hold (benchmarks/verdicts.py), by its own command."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from personax.crl.trust import IDENTIFIED
from personax.runs.command_line import EXIT_BAD_INPUT
from personax.runs.run_folder import METRICS, ROOT

TRUSTED, DOUBTED = IDENTIFIED, "latents uncertain: they are"


def finished(folder: Path, metrics: dict[str, Any]) -> None:
    folder.mkdir(parents=True)
    (folder / METRICS).write_text(json.dumps(metrics), encoding="utf-8")


def of_scenes(verdict: str, mcc: float) -> dict[str, Any]:
    return {"verdict": verdict, "heldout": {"mcc_pearson": mcc}}


def of_people(verdict: str, every: float, text: float | None) -> dict[str, Any]:
    return {"verdict": verdict, "truth": {"mcc": {"all": every, "s": 0.99, "text": text}}}


def counted(*places: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/verdicts.py", *map(str, places)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def test_verdicts_are_compared_with_the_truth(tmp_path: Path) -> None:
    for number, metrics in enumerate(
        [
            of_scenes(TRUSTED, 0.9),
            of_scenes(TRUSTED, 0.89),
            of_scenes(DOUBTED, 0.95),
            of_people(TRUSTED, 0.93, 0.8),
            of_people(DOUBTED, 0.5, None),  # no latent of this block
            {"heldout": {"mcc_pearson": 0.99}},  # a baseline has no verdict
            {"verdict": TRUSTED},  # of unknown truth
        ]
    ):
        finished(tmp_path / "runs" / f"seed-{number}", metrics)
    table = tmp_path / "table.csv"
    table.write_text(f"verdict,MCC,MCC text\n{TRUSTED},0.95,0.97\n{DOUBTED},0.2,0.1\n", encoding="utf-8")
    done = counted(tmp_path / "runs", table)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    heads = [cell.strip() for cell in rows[0]]
    numbers = {row[0].strip(): [int(cell) for cell in row[1:]] for row in rows[2:]}
    assert heads[1:] == [
        "runs",
        "trusted",
        "trusted, MCC below 0.9",
        "trusted, worst block below 0.9",
        "good",
        "good and trusted",
    ]
    assert numbers[str(tmp_path / "runs")] == [5, 3, 1, 2, 3, 2]
    assert numbers[str(table)] == [2, 1, 0, 0, 1, 1]
    assert numbers["all"] == [7, 4, 1, 2, 4, 3]


def test_what_cannot_be_counted_is_said_in_one_line(tmp_path: Path) -> None:
    finished(tmp_path / "runs" / "seed-0", of_scenes(TRUSTED, 0.9))
    table = tmp_path / "table.csv"
    table.write_text(f"verdict,MCC\n{TRUSTED},0.95\n{TRUSTED},\n", encoding="utf-8")
    for places, said in (
        ([table], "make these runs again"),
        ([tmp_path / "runs", tmp_path / "runs" / "seed-0"], "count twice"),
        ([tmp_path / "none"], "no such folder"),
    ):
        done = counted(*places)
        assert done.returncode == EXIT_BAD_INPUT
        assert said in done.stderr
        assert "Traceback" not in done.stderr
