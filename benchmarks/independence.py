"""Time and memory of the independence tests, ours beside causal-learn and hyppo.

    python benchmarks/independence.py            # about 3 minutes on 2 cores; the peers need 6 GB
    python benchmarks/independence.py --quick    # n = 1,000 and the grid; half a minute

Each measurement runs in its own process, which imports, makes the data, notes its memory, runs once and
reports wall time, processor time and peak memory (of the whole process, and what it had before). Medians
over --repeats.
Prints Markdown and writes results/benchmarks/independence.md and .json.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

TRAIT_NAMES = ("Openness", "Conscientiousness", "Extraversion", "Agreeableness", "Neuroticism")


@dataclass
class Config:
    """Speed and memory of the independence tests."""

    repeats: int = 3
    """Processes per measurement; the median is reported (one for the peers at n = 9,444)."""
    quick: bool = False
    """Only n = 1,000, the celebrity grid, no peers above."""
    output: Path = Path("results/benchmarks")
    """Folder for independence.md and independence.json."""


def scores(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) aggregated trait scores."""
    return rng.choice([1.0, 1.5, 2.0, 2.5, 3.0], n, p=[0.10, 0.05, 0.50, 0.05, 0.30])


def pair(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A continuous column and trait scores, weakly dependent."""
    rng = np.random.default_rng(0)
    y = scores(n, rng)
    return rng.normal(175.0, 10.0, n) + 0.3 * y, y


def celebrity_grid() -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any], dict[str, float]]:
    """Five traits and 23 features with the kinds, numbers of values and missing rows of CelebPersona."""
    rng, n = np.random.default_rng(0), 9444
    traits = pd.DataFrame({name: scores(n, rng) for name in TRAIT_NAMES})
    columns: dict[str, tuple[Any, np.ndarray, float]] = {
        "Birthyear": ("ordinal", np.round(rng.normal(1963, 17, n)), 0.03),
        "Birthmonth": ("circular", rng.integers(1, 13, n), 0.08),
        "Birthday": ("ordinal", rng.integers(1, 32, n), 0.09),
        "Day_of_year": ("circular", rng.integers(1, 366, n), 0.09),
        "Day_sin": ("continuous", np.sin(rng.integers(1, 366, n) / 58.1), 0.09),
        "Day_cos": ("continuous", np.cos(rng.integers(1, 366, n) / 58.1), 0.09),
        "Latitude": ("continuous", rng.normal(38, 12, n), 0.1),
        "Longitude": ("continuous", rng.normal(-60, 60, n), 0.1),
        "Weight": ("continuous", np.round(rng.normal(70, 14, n)), 0.4),
        "Height": ("continuous", np.round(rng.normal(174, 10, n)), 0.2),
        "Occupation": ("nominal", rng.choice(15, n, p=0.7 ** np.arange(15) / sum(0.7 ** np.arange(15))), 0.0),
        "Gender": ("nominal", rng.integers(0, 2, n), 0.0),
    }
    columns |= {f"Face_{i}": ("nominal", rng.random(n) < 0.1 + 0.05 * i, 0.0) for i in range(11)}
    frame = {}
    for name, (_, values, missing) in columns.items():
        column = values.astype(float)
        column[rng.random(n) < missing] = np.nan
        frame[name] = column
    kinds = {name: kind for name, (kind, _, _) in columns.items()}
    return traits, pd.DataFrame(frame), kinds, {"Birthmonth": 12.0, "Day_of_year": 365.25}


def _ours(test: str, **options: Any) -> Callable[[int], Callable[[], Any]]:
    def prepare(n: int) -> Callable[[], Any]:
        from personax.independence import run_test

        x, y = pair(n)
        run_test(test, x[:50], y[:50], kinds=("continuous", "ordinal"))  # first calls of the libraries
        return lambda: run_test(test, x, y, kinds=("continuous", "ordinal"), **options).pvalue

    return prepare


def _peer(test: str) -> Callable[[int], Callable[[], Any]]:
    def prepare(n: int) -> Callable[[], Any]:
        from personax.independence.reference import REFERENCE
        from personax.independence.registry import run_test

        x, y = pair(n)
        call: dict[str, Any] = {"kinds": ("continuous", "ordinal"), "procedures": REFERENCE}
        run_test(test, x[:50], y[:50], **call)  # imports and compiles
        return lambda: run_test(test, x, y, **call).pvalue

    return prepare


def _grid(n: int) -> Callable[[], Any]:
    from personax.independence import run_grid

    traits, features, kinds, periods = celebrity_grid()

    def call() -> int:
        found = run_grid(
            traits,
            features,
            trait_kinds=dict.fromkeys(TRAIT_NAMES, "ordinal"),
            feature_kinds=kinds,
            periods=periods,
            progress=False,
        )
        return len(found)

    return call


CASES: dict[str, Callable[[int], Callable[[], Any]]] = {
    "ours: KCI": _ours("kci"),
    "ours: KCI, gamma null": _ours("kci", null="gamma"),
    "causal-learn: KCI": _peer("kci"),
    "ours: HSIC": _ours("hsic"),
    "hyppo: HSIC": _peer("hsic"),
    "ours: distance correlation": _ours("distance_correlation"),
    "hyppo: Dcorr": _peer("distance_correlation"),
    "grid": _grid,
}
PEER_OF = {
    "ours: KCI": "causal-learn: KCI",
    "ours: HSIC": "hyppo: HSIC",
    "ours: distance correlation": "hyppo: Dcorr",
}


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB (Linux).

    Not `getrusage`: its peak survives exec and is at least that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024.0


def measure_here(case: str, n: int) -> None:
    """Run one case in this process and print JSON."""
    call = CASES[case](n)
    before = peak_mb()
    started, busy = perf_counter(), process_time()
    call()
    seconds, cpu = perf_counter() - started, process_time() - busy
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak_mb(), "before_mb": before}))


def measure(case: str, n: int, repeats: int) -> dict[str, Any]:
    """Median of `repeats` processes."""
    runs = []
    for _ in range(repeats):
        answer = subprocess.run(
            [sys.executable, __file__, "--measure", case, str(n)], capture_output=True, text=True, check=True
        )
        runs.append(json.loads(answer.stdout.splitlines()[-1]))
    row: dict[str, Any] = {"case": case, "n": n, "repeats": repeats}
    row |= {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    print(f"  {case}, n = {n:,}: {row['seconds']:.3g} s, {row['peak_mb']:.0f} MB", file=sys.stderr)
    return row


def report(rows: list[dict[str, Any]]) -> str:
    """Markdown of the measurements."""
    at = {(row["case"], row["n"]): row for row in rows}

    def cell(row: dict[str, Any]) -> str:
        return f"{row['seconds']:.3f} / {row['cpu']:.3f} / {row['peak_mb']:.0f}"

    lines = [
        "One pair, continuous x score: seconds on the clock / processor seconds / peak MB of the process. On "
        "a machine that does other things too, processor seconds are what to compare.",
        "",
        "| n | test | ours | peer | | times less processor time |",
        "|---|---|---|---|---|---|",
    ]
    for n in sorted({row["n"] for row in rows if row["n"] < 1_000_000 and row["case"] != "grid"}):
        for own, peer in PEER_OF.items():
            a, b = at.get((own, n)), at.get((peer, n))
            if a and b:
                test, name = own.removeprefix("ours: "), peer.split(":")[0]
                ratio = b["cpu"] / a["cpu"]
                lines.append(f"| {n:,} | {test} | {cell(a)} | {cell(b)} | {name} | {ratio:,.1f} |")
    grid = at["grid", 9444]
    lines += [
        "",
        "The celebrity grid (5 tests x 5 traits x 23 features, n = 9,444): "
        f"{grid['seconds']:.2f} s after import ({grid['cpu']:.2f} processor seconds), "
        f"peak {grid['peak_mb']:.0f} MB.",
    ]
    for (case, n), row in at.items():
        if n == 1_000_000:
            name = case.removeprefix("ours: ")
            lines.append(
                f"{name}, n = 1,000,000: {row['seconds']:.1f} s ({row['cpu']:.1f} processor seconds), "
                f"peak {row['peak_mb']:.0f} MB."
            )
    return "\n".join(lines)


def benchmark(config: Config) -> None:
    """Measure, print and write."""
    from personax.runs.files import write_json, write_text
    from personax.runs.run_folder import environment, project_path

    rows = [measure("grid", 9444, config.repeats)]
    for n in (1000,) if config.quick else (1000, 4181, 9444):
        for case in CASES:
            if case != "grid":
                heavy = n == 9444 and not case.startswith("ours")
                rows.append(measure(case, n, 1 if heavy else config.repeats))
    if not config.quick:
        rows += [measure(case, 1_000_000, config.repeats) for case in ("ours: KCI", "ours: HSIC")]
    text = report(rows)
    folder = project_path(config.output)
    write_json(folder / "independence.json", {"environment": environment(), "rows": rows})
    write_text(folder / "independence.md", text + "\n")
    print(text)


def main(argv: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    from personax.runs.command_line import run_command

    return run_command(Config, benchmark, argv, description=__doc__ or "")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:  # a process of `measure`: no imports but those measured
        measure_here(sys.argv[2], int(sys.argv[3]))
        raise SystemExit(0)
    raise SystemExit(main())
