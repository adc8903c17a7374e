"""A pass that was stopped goes on behind the parts that are done."""

from pathlib import Path

import numpy as np
import pytest
from streaming.parquet_people import ONE_PROCESS, StoppingEngine, frame_of_people, write_columns, write_files

from personax.runs.errors import InputError
from personax.streaming import partial_sums
from personax.streaming.parts import open_parts
from personax.streaming.streamed_table import StreamingRequest, stream_table


@pytest.fixture
def request_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamingRequest:
    monkeypatch.setattr(partial_sums, "SECONDS_BETWEEN_FILES", 0.0)
    pattern = write_files(tmp_path / "files", frame_of_people(600), [100] * 6)
    return StreamingRequest(pattern, columns=write_columns(tmp_path), folder=tmp_path / "sums")


def test_a_stopped_run_counts_only_the_parts_that_are_left(request_of_files: StreamingRequest) -> None:
    stopped = StoppingEngine(4)
    with pytest.raises(KeyboardInterrupt):
        stream_table(request_of_files, stopped)
    assert stopped.done == [0, 1, 2, 3]
    rest = StoppingEngine(99)
    resumed = stream_table(request_of_files, rest)
    assert rest.done == [4, 5, *range(6)]  # the rest of the first pass, and the second
    again = StoppingEngine(99)
    stream_table(request_of_files, again)
    assert again.done == []
    whole = stream_table(
        StreamingRequest(request_of_files.pattern, columns=request_of_files.columns), ONE_PROCESS
    )
    for group, table in whole.counted.tables.items():
        np.testing.assert_array_equal(resumed.counted.tables[group], table)


def test_a_second_pass_is_resumed_too(request_of_files: StreamingRequest) -> None:
    stream_table(request_of_files, StoppingEngine(99))
    file = next(request_of_files.folder.glob("counts*.arrow"))  # type: ignore[union-attr]
    file.unlink()
    with pytest.raises(KeyboardInterrupt):
        stream_table(request_of_files, StoppingEngine(2))
    rest = StoppingEngine(99)
    stream_table(request_of_files, rest)
    assert rest.done == [2, 3, 4, 5]


def test_damaged_sums_are_refused(request_of_files: StreamingRequest) -> None:
    stream_table(request_of_files, ONE_PROCESS)
    for file in request_of_files.folder.glob("*.arrow"):  # type: ignore[union-attr]
        file.write_bytes(b"ARROW1" + b"\0" * 50)
    with pytest.raises(InputError, match="damaged sums of an earlier run; remove it, or start again"):
        stream_table(request_of_files, ONE_PROCESS)


def test_other_contents_have_another_checksum(tmp_path: Path) -> None:
    sums = {
        open_parts(write_files(tmp_path / str(seed), frame_of_people(50, seed), [50])).checksum
        for seed in (0, 1)
    }
    assert len(sums) == 2
