"""How long a small training takes with one thread and with more, on idle cores and on cores that others use.

    python benchmarks/threads.py            # half a minute to some minutes

How to read it: a row is a number of threads, a column what else the machine does. The default of the project
(personax/runs/processor.py) should be the row that is about the fastest with busy cores and not much slower
than the others without. The first line says how busy the machine was before: the column "nothing else" means
something only if that load is below about 0.3. Writes results/benchmarks/threads.md.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

from personax.runs.bounds import Between, FilePath
from personax.runs.command_line import run_command
from personax.runs.environment import record_environment
from personax.runs.files import write_text
from personax.runs.processor import VARIABLE
from personax.runs.run_folder import path_or_default


@dataclass
class ThreadsConfig:
    """What is measured."""

    limit: Annotated[float, Between(1, 3600)] = 60.0
    """Seconds after which a training is given up; loading counts, too."""
    output: FilePath | None = None
    """File of the result. Default: results/benchmarks/threads.md."""


def train_here() -> float:
    """Seconds that a small training of both phases takes in this process; loading is not counted."""
    import numpy as np

    from personax.crl import CRL, CRLConfig
    from personax.crl.model_config import Phase1Config, Phase2Config
    from personax.variant_mnist.image_sources import stand_in_images
    from personax.variant_mnist.scenes import make_variant_mnist
    from personax.variant_mnist.scm import variant_mnist_scm
    from personax.views import split_rows

    data = make_variant_mnist(stand_in_images(), variant_mnist_scm(), n=1000)
    config = CRLConfig(
        latents={"digit": 2, "garment": 2},
        phase1=Phase1Config(epochs=3),
        phase2=Phase2Config(starts=16, generations=1, generation_steps=10, final_steps=20),
    )
    split = split_rows(len(data), np.random.default_rng(0))
    started = perf_counter()
    CRL(config, device="cpu").fit(data, split)
    return perf_counter() - started


@contextmanager
def busy_cores(number: int) -> Iterator[None]:
    """Keep so many cores busy with other processes while the block runs."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds_of(threads: int, busy: int, limit: float) -> str:
    """Seconds of a training with so many threads while so many cores are busy, or that it was given up."""
    command = [sys.executable, str(Path(__file__).resolve()), "--train"]
    with busy_cores(busy):
        try:
            done = subprocess.run(
                command,
                env=os.environ | {VARIABLE: str(threads)},
                stdout=subprocess.PIPE,
                text=True,
                timeout=limit,
                check=True,
            )
        except subprocess.TimeoutExpired:
            return f"over {limit:.0f}"
    return f"{float(done.stdout):.1f}"


def measure_threads(config: ThreadsConfig) -> None:
    """Train with 1, 2, 4, ... threads, on idle cores and with all cores but one busy; print and write."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0]
    counts = [2**power for power in range(cores.bit_length()) if 2**power <= cores]
    lines = [
        f"{cores} cores; load of the machine before {load:.1f} (0: idle). Seconds of a small training:\n",
        f"| threads | nothing else | {cores - 1} of {cores} cores busy |",
        "| ---: | ---: | ---: |",
    ]
    for threads in counts:
        cells = [seconds_of(threads, busy, config.limit) for busy in (0, cores - 1)]
        lines.append(f"| {threads} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    output = path_or_default(config.output, "results/benchmarks/threads.md")
    write_text(output, text)
    print(text, record_environment(output), sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(ThreadsConfig, measure_threads, argv, description=__doc__ or "")


if __name__ == "__main__":
    if sys.argv[1:] == ["--train"]:  # a process of `seconds_of`
        print(train_here())
        sys.exit(0)
    sys.exit(main())
