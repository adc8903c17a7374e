"""The sums of a Dask cluster are those of one process, also if a worker is killed."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster
from streaming.parquet_people import ONE_PROCESS, frame_of_people, write_columns, write_files

from personax.runs.errors import InputError
from personax.streaming.dask_engine import DaskEngine
from personax.streaming.first_pass import FirstPass
from personax.streaming.partial_sums import sum_over_parts
from personax.streaming.parts import TablePart, open_parts
from personax.streaming.streamed_table import StreamingRequest, stream_table


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as started:
        yield started


@dataclass(frozen=True)
class KillsAWorker:
    """The first pass, in which the worker that gets there first ends without a word."""

    work: FirstPass
    traces: str
    title: str = "columns"

    def of_part(self, part: TablePart) -> Any:
        trace = Path(self.traces) / "killed"
        if not trace.exists():
            trace.touch()
            os._exit(1)
        return self.work.of_part(part)

    def merged(self, a: Any, b: Any) -> Any:
        return self.work.merged(a, b)

    def to_arrow(self, sums: Any) -> Any:
        return self.work.to_arrow(sums)

    def from_arrow(self, table: Any) -> Any:
        return self.work.from_arrow(table)


def test_a_cluster_counts_what_one_process_counts(cluster: LocalCluster, tmp_path: Path) -> None:
    pattern = write_files(tmp_path / "files", frame_of_people(900), [90] * 10)
    request = StreamingRequest(pattern, columns=write_columns(tmp_path))
    here = stream_table(request, ONE_PROCESS)
    there = stream_table(request, DaskEngine(cluster.scheduler_address, parts_of_task=1))
    assert list(there.counted.tables) == list(here.counted.tables)
    for group, table in here.counted.tables.items():
        np.testing.assert_array_equal(there.counted.tables[group], table)


def test_a_killed_worker_loses_nothing(cluster: LocalCluster, tmp_path: Path) -> None:
    pattern = write_files(tmp_path / "files", frame_of_people(500), [100] * 5)
    table = open_parts(pattern)
    work = FirstPass(("height", "team"), table.types, {}, 50)
    engine = DaskEngine(cluster.scheduler_address, parts_of_task=1)
    found = sum_over_parts(engine, KillsAWorker(work, str(tmp_path)), table.parts, None)
    assert (tmp_path / "killed").exists()
    expected = sum_over_parts(ONE_PROCESS, work, table.parts, None)
    for name in work.names:
        assert found[name].distinct == expected[name].distinct
        np.testing.assert_array_equal(found[name].sample, expected[name].sample)


def test_a_scheduler_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    table = open_parts(write_files(tmp_path, frame_of_people(50), [50]))
    engine = DaskEngine("tcp://127.0.0.1:9", seconds=1.0)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"--scheduler tcp://127.0.0.1:9: no Dask scheduler answers"):
        sum_over_parts(engine, FirstPass(("height",), table.types, {}, 50), table.parts, None)
    assert time.monotonic() - started < 20
