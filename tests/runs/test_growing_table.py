"""A growing table: what is done is not made again, and what is stopped is kept so far."""

from pathlib import Path
from typing import Any

import pytest

from personax.runs.growing_table import grown_table

NAMES = [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
WANTED = [{"case": case, "seed": seed} for case, seed in NAMES]


def test_every_run_is_made_once_and_kept_when_a_later_one_stops(tmp_path: Path) -> None:
    file = tmp_path / "new" / "runs.csv"
    made: list[tuple[str, int]] = []

    def rows_of(case: str, seed: int) -> list[dict[str, Any]]:
        if len(made) == 3:
            raise KeyboardInterrupt
        made.append((case, seed))
        return [{"part": part, "value": seed + part / 2} for part in (0, 1)]

    with pytest.raises(KeyboardInterrupt):
        grown_table(file, WANTED, rows_of, title="runs")
    assert len(file.read_text().splitlines()) == 1 + 3 * 2
    kept = list(made)
    made.clear()
    table = grown_table(file, WANTED, rows_of, title="runs")
    assert kept + made == NAMES
    assert table[["case", "seed", "part", "value"]].values.tolist() == [
        [case, seed, part, seed + part / 2] for case, seed in NAMES for part in (0, 1)
    ]
    assert grown_table(file, WANTED[:1], rows_of, title="runs").equals(table)
