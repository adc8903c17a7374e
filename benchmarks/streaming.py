"""How fast Level I counts a table that no memory holds, and how that compares with SQL.

It writes made-up people to parquet files (13 columns: five traits; eight features of all kinds, of which
two have as many different numbers as people), tests them part by part, and prints rows a second, processor
seconds and the largest memory of all processes. With DuckDB (pip install duckdb) it also counts the same
tables for chi-square with
SQL: one GROUP BY for each trait and feature; the two continuous features are cut into 4,096 cells there.

    python benchmarks/streaming.py --rows 1e7 --jobs 2
    python benchmarks/streaming.py --rows 1e8 --jobs 2      (needs 2.5 GB of disk; 3e8: 7.5 GB; 1e9: 25 GB)

These people are simulated.
"""

import json
import os
import resource
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from personax.independence import DEFAULT_TESTS, TESTS
from personax.runs.bounds import Between, PlaceOfFile, Processes
from personax.runs.command_line import run_command
from personax.runs.environment import record_environment
from personax.runs.files import atomic_path, write_text
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import path_or_default
from personax.streaming.local_engine import LocalEngine
from personax.streaming.streamed_table import StreamingRequest, grid_of_counts, stream_table
from personax.tables.reading import METADATA_KEY
from personax.tables.schema import TRAITS

ROWS_OF_GROUP = 2**20
GROUPS_OF_FILE = 10
CONTINUOUS = ("reaction", "income")
COLUMNS = """
features:
  Height: {column: height, kind: continuous, unit: cm}
  Born: {column: born, kind: ordinal}
  Month: {column: month, kind: circular, period: 12}
  Minute: {column: minute, kind: circular, period: 1440}
  League: {column: league, kind: nominal}
  Captain: {column: captain, kind: nominal}
  Reaction: {column: reaction, kind: continuous, unit: ms}
  Income: {column: income, kind: continuous, unit: EUR}
targets:
""" + "".join(f"  {trait}: {{column: {trait.lower()}, kind: ordinal}}\n" for trait in TRAITS)


@dataclass(frozen=True)
class BenchmarkConfig:
    """How many people, and where."""

    rows: Annotated[float, Between(100, 1e10)] = 1e6
    """Number of people."""
    jobs: Processes = 2
    """Number of processes."""
    folder: Annotated[Path, PlaceOfFile()] | None = None
    """Folder of the files (default: results/benchmarks/people-ROWS); files that are there are used again."""
    sql: bool = True
    """Also count with DuckDB, if it is installed."""
    output: Annotated[Path, PlaceOfFile()] | None = None
    """File of the table. Default: results/benchmarks/streaming.md."""


def people(rng: np.random.Generator, n: int) -> pa.Table:
    """n made-up people: five traits with missing scores, and eight features; some depend on the traits."""
    traits = {trait.lower(): rng.integers(1, 4, n, dtype=np.int8) for trait in TRAITS}
    first, second = (traits[trait.lower()].astype(np.float32) for trait in TRAITS[:2])
    noise = rng.standard_normal((3, n), dtype=np.float32)
    columns: dict[str, Any] = {
        name: pa.array(scores, mask=rng.random(n, dtype=np.float32) < 0.03) for name, scores in traits.items()
    }
    columns |= {
        "height": np.round(178 + 0.05 * first + 9 * noise[0], 1).astype(np.float64),
        "born": (1975 + 12 * noise[1]).astype(np.int16),
        "month": rng.integers(1, 13, n, dtype=np.int8),
        "minute": rng.integers(0, 1440, n, dtype=np.int16),
        "league": pa.DictionaryArray.from_arrays(
            rng.integers(0, 12, n, dtype=np.int8), [f"league {letter}" for letter in "ABCDEFGHIJKL"]
        ),
        "captain": (noise[2] + 0.01 * second > 0.5).astype(np.int8),
        "reaction": rng.standard_normal(n) ** 2 * 80 + 250 + 0.1 * second,
        "income": np.exp(rng.standard_normal(n) * 1.1 + 10),
    }
    return pa.table(columns)


def write_people(folder: Path, rows: int) -> None:
    """Write the people in files of GROUPS_OF_FILE row groups, unless they are there."""
    for number, first in enumerate(range(0, rows, ROWS_OF_GROUP * GROUPS_OF_FILE)):
        path = folder / f"part-{number:05d}.parquet"
        if path.exists():
            continue
        last = min(rows, first + ROWS_OF_GROUP * GROUPS_OF_FILE)
        starts = range(first, last, ROWS_OF_GROUP)
        facts = {METADATA_KEY: json.dumps({"simulated": True}).encode()}
        schema = people(np.random.default_rng(0), 1).schema.with_metadata(facts)
        with atomic_path(path) as temporary, pa.parquet.ParquetWriter(temporary, schema) as writer:
            for start in starts:
                size = min(ROWS_OF_GROUP, last - start)
                part = people(np.random.default_rng([7, start]), size).cast(schema)
                writer.write_table(part, row_group_size=ROWS_OF_GROUP)


class PeakMemory:
    """The largest memory of this process and its children together, looked at ten times a second."""

    def __enter__(self) -> "PeakMemory":
        self.peak, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.is_set():
            self.peak = max(self.peak, sum(map(private_bytes, family(os.getpid()))))
            sleep(0.1)


def family(process: int) -> list[int]:
    """The process and all that it started (Linux)."""
    found = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it has just ended
            continue
        found += [each for child in children for each in family(int(child))]
    return found


def private_bytes(process: int) -> float:
    """Memory of a process without the pages of mapped files, which the system takes back at will (Linux)."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return 1024.0 * sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def processor_seconds() -> float:
    """Of this process and of the children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + ended.ru_utime + ended.ru_stime


def measure(folder: Path, jobs: int) -> dict[str, float]:
    """Seconds of wall time for counting and for the tests, and the largest memory."""
    request = StreamingRequest(folder / "*.parquet", columns=folder / "columns.yaml")
    tests = {name: (TESTS[name], TESTS[name].choose_null(None)) for name in DEFAULT_TESTS}
    with PeakMemory() as memory:
        started, used = perf_counter(), processor_seconds()
        streamed = stream_table(request, LocalEngine(jobs))
        counted = perf_counter()
        grid = grid_of_counts(streamed, streamed.sources(), tests, 0, 1999)
        ended = perf_counter()
    write_grid(folder, grid)
    return {
        "rows": float(streamed.table.n),
        "counting, s": counted - started,
        "tests, s": ended - counted,
        # The processes of --jobs 2 go on, and are not in it.
        **({"processor, s": processor_seconds() - used} if jobs == 1 else {}),
        "peak memory, MB": memory.peak / 1e6,
        "largest error of a grid": float(grid["route_error"].max()),
    }


def write_grid(folder: Path, grid: pd.DataFrame) -> None:
    """The results, beside the files."""
    with atomic_path(folder / "pvalues.csv") as path:
        grid.to_csv(path, index=False)


def sql_seconds(folder: Path, threads: int) -> dict[str, float]:
    """Seconds of DuckDB for the tables of counts of all pairs; continuous features in 4,096 equal cells."""
    import duckdb

    files = f"read_parquet('{folder}/*.parquet')"
    connection = duckdb.connect(config={"threads": threads})
    ranges = connection.execute(
        "SELECT " + ", ".join(f"min({name}), max({name})" for name in CONTINUOUS) + f" FROM {files}"
    ).fetchone()
    assert ranges is not None
    cells = {
        name: f"CAST(4095 * ({name} - {low!r}) / ({high - low!r}) AS SMALLINT)"
        for name, low, high in zip(CONTINUOUS, ranges[::2], ranges[1::2], strict=True)
    }
    names = ["height", "born", "month", "minute", "league", "captain", *CONTINUOUS]
    started, used = perf_counter(), processor_seconds()
    for feature in names:
        for trait in TRAITS:
            columns = f"{trait.lower()} AS t, {cells.get(feature, feature)} AS f"
            connection.execute(
                f"SELECT t, f, count(*) FROM (SELECT {columns} FROM {files}) GROUP BY t, f"
            ).fetchall()
    return {"SQL, s": perf_counter() - started, "SQL processor, s": processor_seconds() - used}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    return run_command(BenchmarkConfig, run, argv, description=__doc__ or "")


def run(config: BenchmarkConfig) -> None:
    """Write, measure, print."""
    rows = int(config.rows)
    folder = path_or_default(config.folder, Path("results") / "benchmarks" / f"people-{rows}")
    write_people(folder, rows)
    write_text(folder / "columns.yaml", COLUMNS)
    found = measure(folder, config.jobs)
    if config.sql and find_spec("duckdb"):
        found |= sql_seconds(folder, config.jobs)
        found["counting / SQL"] = found["counting, s"] / found["SQL, s"]
    found["rows a second"] = found["rows"] / (found["counting, s"] + found["tests, s"])
    disk = sum(path.stat().st_size for path in folder.glob("*.parquet"))
    found["disk, MB"] = disk / 1e6
    table = markdown_table(
        pd.DataFrame([{"": name, "value": value} for name, value in found.items()]), digits=4
    )
    output = path_or_default(config.output, "results/benchmarks/streaming.md")
    write_text(output, table + "\n")
    print(table, record_environment(output), sep="\n\n")


if __name__ == "__main__":
    sys.exit(main())
