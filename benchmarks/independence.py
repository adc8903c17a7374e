"""Time and memory of the independence tests, compared with causal-learn and hyppo.

    python benchmarks/independence.py            # about 3 minutes on 2 cores; the peers need 6 GB
    python benchmarks/independence.py --quick    # n = 1,000 and the grid; half a minute

Each measurement runs in its own process, which imports, makes the data, measures its memory and runs once. It
reports wall time, processor time and peak memory (of the whole process, and before the run). The medians over
--repeats are shown.
Prints Markdown and writes results/benchmarks/independence.md and .json.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from personax.independence import Kind, Variables

TRAIT_NAMES = ("Openness", "Conscientiousness", "Extraversion", "Agreeableness", "Neuroticism")
PAIR_KINDS: "tuple[Kind, Kind]" = ("continuous", "ordinal")
MILLION = 1_000_000

# (case, n) -> what was measured
Rows = dict[tuple[str, int], Mapping[str, Any]]


@dataclass
class SpeedConfig:
    """Speed and memory of the independence tests."""

    repeats: int = 3
    """Processes per measurement; the median is reported (one for the peers at n = 9,444)."""
    quick: bool = False
    """Only n = 1,000 and the celebrity grid."""
    output: Path = Path("results/benchmarks")
    """Folder for independence.md and independence.json."""


def draw_scores(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) aggregated trait scores."""
    return rng.choice([1.0, 1.5, 2.0, 2.5, 3.0], n, p=[0.10, 0.05, 0.50, 0.05, 0.30])


def draw_pair(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A continuous column and trait scores, weakly dependent."""
    rng = np.random.default_rng(0)
    y = draw_scores(n, rng)
    return rng.normal(175.0, 10.0, n) + 0.3 * y, y


def celebrity_grid() -> "tuple[Variables, Variables]":
    """Five traits and 23 features with the kinds, numbers of values and missing rows of CelebPersona."""
    from personax.independence import Variables

    rng, n = np.random.default_rng(0), 9444
    traits = pd.DataFrame({name: draw_scores(n, rng) for name in TRAIT_NAMES})
    shares = 0.7 ** np.arange(15)
    # name -> kind, values, share of missing rows
    columns: dict[str, tuple[Kind, np.ndarray, float]] = {
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
        "Occupation": ("nominal", rng.choice(15, n, p=shares / shares.sum()), 0.0),
        "Gender": ("nominal", rng.integers(0, 2, n), 0.0),
    }
    columns |= {f"Face_{i}": ("nominal", rng.random(n) < 0.1 + 0.05 * i, 0.0) for i in range(11)}
    frame = {
        name: np.where(rng.random(n) < missing, np.nan, values.astype(float))
        for name, (_, values, missing) in columns.items()
    }
    kinds = {name: kind for name, (kind, _, _) in columns.items()}
    return (
        Variables(traits, dict.fromkeys(TRAIT_NAMES, "ordinal")),
        Variables(pd.DataFrame(frame), kinds, {"Birthmonth": 12.0, "Day_of_year": 365.25}),
    )


# A call to be measured, which a case prepares for n rows.
Call = Callable[[], object]


def our_test(test: str, null: str | None = None) -> Callable[[int], Call]:
    """One of our tests on one pair of columns."""

    def prepare(n: int) -> Call:
        from personax.independence import run_test

        x, y = draw_pair(n)
        run_test(test, x[:50], y[:50], kinds=PAIR_KINDS)  # the libraries' first calls are slower
        return lambda: run_test(test, x, y, kinds=PAIR_KINDS, null=null)

    return prepare


def peer_test(test: str) -> Callable[[int], Call]:
    """The same test of a peer."""

    def prepare(n: int) -> Call:
        from personax.independence import run_test
        from personax.independence.reference import REFERENCE

        x, y = draw_pair(n)
        run_test(REFERENCE[test], x[:50], y[:50], kinds=PAIR_KINDS)  # imports and compiles
        return lambda: run_test(REFERENCE[test], x, y, kinds=PAIR_KINDS)

    return prepare


def whole_grid(n: int) -> Call:
    """The celebrity grid, whose number of rows does not depend on n."""
    from personax.independence import run_grid

    traits, features = celebrity_grid()
    return lambda: run_grid(traits, features)


CASES: dict[str, Callable[[int], Call]] = {
    "ours: KCI": our_test("kci"),
    "ours: KCI, gamma null": our_test("kci", null="gamma"),
    "causal-learn: KCI": peer_test("kci"),
    "ours: HSIC": our_test("hsic"),
    "hyppo: HSIC": peer_test("hsic"),
    "ours: distance correlation": our_test("distance_correlation"),
    "hyppo: Dcorr": peer_test("distance_correlation"),
    "grid": whole_grid,
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


def pair_table(at: Rows) -> pd.DataFrame:
    """Our tests compared with the peers on one pair of columns, one row for each n and test."""
    found = []
    for n in sorted({n for case, n in at if n < MILLION and case != "grid"}):
        for case, peer_case in PEER_OF.items():
            ours, peer = at.get((case, n)), at.get((peer_case, n))
            if ours and peer:
                found.append(
                    {
                        "n": f"{n:,}",
                        "test": case.removeprefix("ours: "),
                        "ours": cell_text(ours),
                        "peer": f"{cell_text(peer)} ({peer_case.split(':')[0]})",
                        "times less processor time": f"{peer['cpu'] / ours['cpu']:,.1f}",
                    }
                )
    return pd.DataFrame(found)


def cell_text(row: Mapping[str, Any]) -> str:
    """Seconds on the clock / processor seconds / peak MB."""
    return f"{row['seconds']:.3f} / {row['cpu']:.3f} / {row['peak_mb']:.0f}"


def speed_report(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of the measurements."""
    from personax.runs.markdown import markdown_table

    at: Rows = {(row["case"], row["n"]): row for row in rows}
    grid = at["grid", 9444]
    parts = [
        "One pair, continuous x score: seconds on the clock / processor seconds / peak MB of the process. On "
        "a machine that also does other work, compare the processor seconds.",
        markdown_table(pair_table(at)),
        "The celebrity grid (5 tests x 5 traits x 23 features, n = 9,444): "
        f"{grid['seconds']:.2f} s after import ({grid['cpu']:.2f} processor seconds), "
        f"peak {grid['peak_mb']:.0f} MB.",
    ]
    for (case, n), row in at.items():
        if n == MILLION:
            parts.append(
                f"{case.removeprefix('ours: ')}, n = 1,000,000: {row['seconds']:.1f} s "
                f"({row['cpu']:.1f} processor seconds), peak {row['peak_mb']:.0f} MB."
            )
    return "\n\n".join(parts)


def measure_all(config: SpeedConfig) -> None:
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
        rows += [measure(case, MILLION, config.repeats) for case in ("ours: KCI", "ours: HSIC")]
    text = speed_report(rows)
    folder = project_path(config.output)
    write_json(folder / "independence.json", {"environment": environment(), "rows": rows})
    write_text(folder / "independence.md", text + "\n")
    print(text)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    from personax.runs.command_line import run_command

    return run_command(SpeedConfig, measure_all, argv, description=__doc__ or "")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:  # a process of `measure`: no imports but those measured
        measure_here(sys.argv[2], int(sys.argv[3]))
        sys.exit(0)
    sys.exit(main())
