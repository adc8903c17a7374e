"""People in parquet files, and how a table in memory tests them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from personax.independence import TESTS, run_grid
from personax.independence.procedure import Null, Procedure
from personax.streaming.local_engine import LocalEngine, sums_of_task
from personax.streaming.partial_sums import Pass, Sums
from personax.streaming.parts import TablePart
from personax.tables import PeopleTable

ONE_PROCESS = LocalEngine(1, parts_of_task=1)
COLUMNS = """
features:
  Height: {column: height, kind: continuous, unit: cm, missing: ["-9"]}
  Team: {column: team, kind: nominal}
  Month: {column: month, kind: circular, period: 12}
  Born: {column: born, kind: date, part: year}
targets:
  Grip: {column: grip, kind: ordinal}
  Speed: {column: speed, kind: ordinal, order: [slow, fast]}
"""


def frame_of_people(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    grip = rng.integers(0, 5, n)
    return pd.DataFrame(
        {
            "height": np.where(rng.random(n) < 0.1, -9.0, np.round(rng.normal(170 + grip, 8), 1)),
            "team": rng.choice(["red", "green", "blue", "NA"], n),
            "month": rng.integers(1, 13, n),
            "born": pd.to_datetime("1960-03-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
            "grip": pd.array(np.where(rng.random(n) < 0.05, np.nan, grip), dtype="Int8"),
            "speed": rng.choice(["slow", "fast"], n),
        }
    )


def write_files(folder: Path, frame: pd.DataFrame, sizes: Sequence[int]) -> Path:
    """Write the rows in files of these sizes and small row groups; returns the pattern of the files."""
    folder.mkdir(parents=True, exist_ok=True)
    start = 0
    for number, size in enumerate(sizes):
        table = pa.Table.from_pandas(frame.iloc[start : start + size], preserve_index=False)
        pq.write_table(table, folder / f"part-{number}.parquet", row_group_size=100)
        start += size
    return folder / "*.parquet"


def write_columns(folder: Path, text: str = COLUMNS) -> Path:
    path = folder / "columns.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def chosen(*names: str) -> dict[str, tuple[Procedure, Null]]:
    return {name: (TESTS[name], TESTS[name].choose_null(None)) for name in names}


def grid_in_memory(
    table: PeopleTable, source: str, tests: Sequence[str], given: str | None = None
) -> pd.DataFrame:
    tested = table.to_test()[source]
    renamed = tested.frame.rename(columns=lambda name: f"{source}|{name}")
    kinds = {f"{source}|{name}": tested.kinds[str(name)] for name in tested.frame}
    features = table.features if given is None else table.features.drop(columns=given)
    return run_grid(
        type(tested)(renamed, kinds, tested.periods),
        type(tested)(features, table.kinds, table.periods),
        tests=tests,
        given=None if given is None else table.features[given],
        rng=3,
        resamples=99,
    )


def assert_same_grid(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert found["feature"].tolist() == expected["feature"].tolist()
    assert (found["scores"] + "|" + found["trait"]).tolist() == expected["trait"].tolist()
    for name in ("test", "n", "null", "bound"):
        assert found[name].tolist() == expected[name].tolist(), name
    np.testing.assert_allclose(found["log10_pvalue"], expected["log10_pvalue"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found["statistic"], expected["statistic"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found["effect_high"], expected["effect_high"], rtol=1e-7, atol=1e-7)


class StoppingEngine:
    """Works on one part after the other, and is stopped before the one with number `last`."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.done: list[int] = []

    def sums(
        self, work: Pass[Sums], parts: Sequence[TablePart], numbers: Sequence[int]
    ) -> Iterable[tuple[tuple[int, ...], Sums]]:
        for number in numbers:
            if number == self.last:
                raise KeyboardInterrupt
            self.done.append(number)
            yield sums_of_task(work, [parts[number]], (number,))
