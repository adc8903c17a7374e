"""How the cost of phase 1 grows with people, modalities, measurements and latents; data larger than memory.

Embeddings of simulated people are written to .npy files and stay there during the training
(mapped_people.py). For each case: people per second of the training and the processor time per epoch; how
much of both is reading and compressing; and the largest anonymous memory of the process, which is all its
memory but pages of files.

    python benchmarks/scale.py                                       6 GB on disk for a million people
    python benchmarks/scale.py --n 2000,4000 --at 2000 --width 32    a minute
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase2Config
from personax.crl.representation import REPRESENTATION
from personax.learning.batches import Batch
from personax.learning.mapped_people import PeopleReader
from personax.learning.training import History
from personax.runs.bounds import FilePath, Positive, Seed
from personax.runs.command_line import run_command
from personax.runs.environment import record_environment
from personax.runs.errors import InputError
from personax.runs.files import make_folder, write_text
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import path_or_default
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData, Split

ROWS_WRITTEN_AT_ONCE = 10_000
OTHER_VALUES = {"modalities": (1, 4), "measurements": (1, 6), "latents": (1, 10)}


@dataclass(frozen=True)
class Case:
    """How many people, and how they are seen."""

    n: int
    modalities: int
    measurements: int
    latents: int
    width: int


@dataclass(frozen=True)
class BenchmarkConfig:
    """The cases, and the training."""

    n: str = "10000,100000,1000000"
    """Numbers of people."""
    at: Positive = 10_000
    """Number of people where modalities, measurements and latents are varied."""
    modalities: Positive = 2
    """Number of modalities."""
    measurements: Positive = 3
    """Number of measurements of each modality."""
    latents: Positive = 3
    """Number of latents of each modality."""
    width: Positive = 256
    """Length of the embeddings."""
    epochs: Positive = 2
    """Passes over the people."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda."""
    seed: Seed = 0
    """Seed of people and model."""
    folder: FilePath | None = None
    """Folder for the embeddings, which are removed again. Default: results/benchmarks."""
    output: FilePath | None = None
    """File of the table. Default: results/benchmarks/scale.md."""


def cases_of(config: BenchmarkConfig) -> list[Case]:
    """Different numbers of people, then other values of each kind. Raises InputError."""
    try:
        numbers = [int(text) for text in config.n.split(",")]
    except ValueError as error:
        raise InputError(f"n {config.n!r}: must be numbers with commas between, as 10000,100000") from error
    if min(*numbers, config.at) < 1000:
        raise InputError(f"n {config.n!r}, at {config.at}: at least 1000")
    base = Case(config.at, config.modalities, config.measurements, config.latents, config.width)
    varied = [replace(base, **{name: value}) for name, values in OTHER_VALUES.items() for value in values]
    return [*(replace(base, n=n) for n in numbers), *varied]


def write_people(case: Case, folder: Path, seed: int) -> MultiViewData:
    """Embeddings that depend on the latents of their modality, plus noise; written part by part."""
    measurements: dict[str, list[np.ndarray]] = {}
    for m in range(case.modalities):
        measurements[f"modality {m + 1}"] = []
        for k in range(case.measurements):
            mixing = numpy_rng(seed, f"mixing {m} {k}").standard_normal((case.latents, case.width))
            path = folder / f"{m}-{k}.npy"
            array = np.lib.format.open_memmap(path, "w+", np.float32, (case.n, case.width))
            for start in range(0, case.n, ROWS_WRITTEN_AT_ONCE):
                count = min(ROWS_WRITTEN_AT_ONCE, case.n - start)
                z = numpy_rng(seed, f"latents {m} {start}").standard_normal((count, case.latents))
                noise = numpy_rng(seed, f"noise {m} {k} {start}").standard_normal((count, case.width))
                array[start : start + count] = np.tanh(z) @ mixing + 0.3 * noise
            array.flush()
            measurements[f"modality {m + 1}"].append(np.load(path, mmap_mode="r"))
    return MultiViewData(measurements, source="simulated")


def anonymous_memory() -> float:
    """Bytes of memory of this process that are in no file; 0 where the system does not tell (Linux does)."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
    return 1024.0 * int(line.split()[1])


@contextmanager
def watched_memory() -> Iterator[Callable[[], float]]:
    """Within the block memory is looked at every tenth of a second; what is yielded tells the most so far."""
    found, ended = [anonymous_memory()], Event()

    def watch() -> None:
        while not ended.wait(0.1):
            found[0] = max(found[0], anonymous_memory())

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield lambda: found[0]
    finally:
        ended.set()
        watcher.join()


def measure(case: Case, config: BenchmarkConfig, folder: Path) -> dict[str, float]:
    """Train on one case; its row of the table."""
    data = write_people(case, folder, config.seed)
    held = case.n // 20
    split = Split(np.arange(2 * held, case.n), np.arange(held), np.arange(held, 2 * held))
    search = Phase2Config(
        starts=1, population=1, generations=1, generation_steps=1, finalists=1, final_steps=1
    )
    model_config = CRLConfig.embeddings(dict.fromkeys(data.modalities, case.latents))
    phase1 = replace(model_config.phase1, epochs=config.epochs, patience=config.epochs)
    model = CRL(replace(model_config, phase1=phase1, phase2=search), seed=config.seed, device=config.device)
    times: list[tuple[float, ...]] = []

    def note(history: History) -> None:
        if history[-1]["phase"] == REPRESENTATION:
            times.append((perf_counter(), process_time(), *reading()))

    with watched_memory() as most, timed_reading() as reading:
        model.fit(data, split, on_progress=note)
        peak = most()
    epochs = np.diff(times, axis=0)
    wall, processor, waited, worked = epochs[np.argmin(epochs[:, 0])].tolist()
    return {
        "people per second": len(split.train) / wall,
        "processor seconds per epoch": processor,
        "reading, % of the time": 100 * waited / wall,
        "reading, % of the processor": 100 * worked / processor,
        "memory, MB": peak / 1e6,
        "data, MB": sum(a.nbytes for arrays in data.measurements.values() for a in arrays) / 1e6,
    }


@contextmanager
def timed_reading() -> Iterator[Callable[[], tuple[float, float]]]:
    """Within the block, what is yielded tells the seconds of reading so far: on the clock, of the processor.

    Both are looked at in the training itself, so a disk that must be waited for counts, and other programs
    slow reading and computing alike.
    """
    spent, read = np.zeros(2), PeopleReader.__call__

    def timed(reader: PeopleReader, rows: np.ndarray) -> Batch:
        started = np.array([perf_counter(), process_time()])
        batch = read(reader, rows)
        spent[:] += np.array([perf_counter(), process_time()]) - started
        return batch

    with patch.object(PeopleReader, "__call__", timed):
        yield lambda: (float(spent[0]), float(spent[1]))


def run_benchmark(config: BenchmarkConfig) -> None:
    """Measure every case; print and write the table."""
    if config.epochs < 2:
        raise InputError(f"epochs {config.epochs}: at least 2; the first ends with what is done once")
    folder = path_or_default(config.folder, "results/benchmarks")
    make_folder(folder)
    rows: dict[str, dict[str, Any]] = {}
    for case in cases_of(config):
        shape = f"{case.modalities} x {case.measurements} x {case.width}"
        name = f"{case.n:,} people, {shape}, {case.latents} latents"
        with TemporaryDirectory(dir=folder) as files:
            rows[name] = measure(case, config, Path(files))
        print(name, {key: round(value, 1) for key, value in rows[name].items()}, flush=True)
    table = markdown_table(pd.DataFrame.from_dict(rows, orient="index").round(1), index="case")
    text = (
        "people, modalities x measurements x length of an embedding, latents of each modality; "
        f"{config.epochs} epochs, {torch.get_num_threads()} threads\n\n{table}\n"
    )
    output = path_or_default(config.output, "results/benchmarks/scale.md")
    write_text(output, text)
    print(text, record_environment(output), sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(BenchmarkConfig, run_benchmark, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
