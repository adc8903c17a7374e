"""What a result says of the environment that it was made in."""

import json
from importlib.metadata import version
from pathlib import Path

from personax.runs.environment import environment, record_environment
from personax.runs.run_folder import ROOT


def test_the_environment_is_written_beside_a_result_and_said_in_a_line(tmp_path: Path) -> None:
    line = record_environment(tmp_path / "graphs-0.05.csv")
    (written,) = tmp_path.iterdir()
    assert written.name == "graphs-0.05.environment.json"
    assert json.loads(written.read_text(encoding="utf-8")) == environment()
    assert f"torch {version('torch')}" in line
    assert "\n" not in line


def test_every_benchmark_records_its_environment() -> None:
    ways = ("record_environment(", "environment_line()", "environment()", "open_run(")
    without = [
        path.name
        for path in (ROOT / "benchmarks").glob("*.py")
        if not any(way in path.read_text(encoding="utf-8") for way in ways)
    ]
    assert without == []
