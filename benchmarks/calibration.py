"""Level and power of the independence tests, compared with causal-learn and hyppo.

    python benchmarks/calibration.py            # 1,000 nulls a cell; about 35 minutes on 2 cores
    python benchmarks/calibration.py --quick    # 100 nulls, no n = 4,181; a minute

Writes results/calibration/calibration.md, level.csv, power.csv and power.png/.svg.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from tqdm import tqdm

from personax.independence import TESTS, Kind, run_test
from personax.independence.reference import REFERENCE
from personax.runs.command_line import run_command
from personax.runs.figure_style import new_figure, save_figure
from personax.runs.files import write_text
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import open_run

Pair = tuple[np.ndarray, np.ndarray]
# (kinds, rng, pair) -> p-value
Judge = Callable[[tuple[Kind, Kind], np.random.Generator, Pair], float]

SCORES, SCORE_SHARES = np.array([1.0, 1.5, 2.0, 2.5, 3.0]), np.array([0.10, 0.05, 0.50, 0.05, 0.30])
PERIOD = 12.0


@dataclass
class CalibrationConfig:
    """Calibration of the tests."""

    nulls: int = 1000
    """Number of independent pairs per cell (test x kinds x n)."""
    peer_nulls: int = 200
    """The same for causal-learn and hyppo, which need up to a second per pair; their n is at most 1,000."""
    replicates: int = 300
    """Number of dependent pairs per point of a power curve."""
    quick: bool = False
    """A tenth of the pairs, n up to 1,000, without causal-learn and hyppo (the peers)."""
    seed: int = 0
    """Seed of all random numbers."""
    jobs: int = 2
    """Number of processes, each with one BLAS thread."""
    output: str = "results/calibration"
    """Folder of the run."""
    overwrite: bool = False
    """Replace an earlier run."""


def draw_kind(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) a column like those of the tables: heights, birth years, occupations, months."""
    if kind == "continuous":
        return rng.normal(175.0, 10.0, n)
    if kind == "ordinal":
        return np.round(rng.normal(1965.0, 15.0, n))
    if kind == "nominal":
        shares = 0.75 ** np.arange(15)
        return rng.choice(15, n, p=shares / shares.sum()).astype(float)
    return rng.integers(0, 12, n).astype(float)


def draw_scores(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n,) aggregated trait scores."""
    return rng.choice(SCORES, n, p=SCORE_SHARES)


# Columns against trait scores, and two continuous columns, the hardest case for the null of a kernel.
NULL_PAIRS: dict[str, tuple[Kind, Kind]] = {
    "continuous x score": ("continuous", "ordinal"),
    "ordinal x score": ("ordinal", "ordinal"),
    "nominal x score": ("nominal", "ordinal"),
    "circular x score": ("circular", "ordinal"),
    "continuous x continuous": ("continuous", "continuous"),
}


def null_pair(name: str, n: int, rng: np.random.Generator) -> Pair:
    """Two independent columns of the named kinds."""
    kind = NULL_PAIRS[name][0]
    other = rng.standard_exponential(n) if name.endswith("continuous") else draw_scores(n, rng)
    return draw_kind(kind, n, rng), other


def _step(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.asarray(np.digitize(x + noise, [-0.5, 0.8]), dtype=float)


def _circle(x: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return np.sin(np.arccos(np.clip(x / 2.5, -1, 1))) * np.where(noise > 0, 1.0, -1.0) + 0.3 * noise


SHAPES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "linear": lambda x, e: 0.35 * x + e,
    "quadratic": lambda x, e: 0.35 * x**2 + e,
    "sine": lambda x, e: np.sin(4.0 * x) + 1.2 * e,
    "circle": _circle,
    "variance": lambda x, e: e * np.exp(0.4 * x),
    "three-level score": lambda x, e: _step(0.35 * x, e),
}
POWER_SIZES = (50, 100, 200, 400)


def ours(
    test: str, null: str | None, kinds: tuple[Kind, Kind], rng: np.random.Generator, pair: Pair
) -> float:
    """Our p-value."""
    periods = (PERIOD, None)
    return run_test(test, *pair, kinds=kinds, periods=periods, null=null, rng=rng, resamples=999).pvalue


def theirs(peer: str, kinds: tuple[Kind, Kind], rng: np.random.Generator, pair: Pair) -> float:
    """A peer's p-value."""
    return run_test(REFERENCE[peer], *pair, kinds=kinds, periods=(PERIOD, None), rng=rng).pvalue


def level_row(label: str, judge: Judge, pairs: str, n: int, count: int, seed: list[int]) -> dict[str, Any]:
    """Share of p below .05 and .01 over `count` nulls, and the Kolmogorov-Smirnov p of uniformity."""
    data, own = np.random.default_rng(seed).spawn(2)  # the data do not depend on what a test draws
    p = np.array([judge(NULL_PAIRS[pairs], own, null_pair(pairs, n, data)) for _ in range(count)])
    row: dict[str, Any] = {"test": label, "columns": pairs, "n": n, "nulls": count}
    if np.isnan(p).all():
        return row | {"level_05": np.nan, "level_01": np.nan, "uniformity": np.nan}
    p = p[~np.isnan(p)]
    uniformity = stats.kstest(p, "uniform").pvalue
    return row | {
        "level_05": np.mean(p <= 0.05),
        "level_01": np.mean(p <= 0.01),
        "uniformity": uniformity,
    }


def power_row(label: str, judge: Judge, shape: str, n: int, count: int, seed: list[int]) -> dict[str, Any]:
    """Share of p <= .05 over `count` dependent pairs."""
    data, own = np.random.default_rng(seed).spawn(2)
    kinds: tuple[Kind, Kind] = ("continuous", "ordinal" if "score" in shape else "continuous")
    rejected = 0
    for _ in range(count):
        x, noise = data.standard_normal(n), data.standard_normal(n)
        rejected += judge(kinds, own, (x, SHAPES[shape](x, noise))) <= 0.05
    return {"test": label, "shape": shape, "n": n, "replicates": count, "power": rejected / count}


def contenders() -> dict[str, Judge]:
    """Label -> judge for each of our tests with each of its nulls except permutation."""
    found: dict[str, Judge] = {}
    for name, test in TESTS.items():
        for null in test.nulls:
            if null != "permutation":  # exact by construction
                found[f"{name} ({null})"] = partial(ours, name, null)
    return found


def peers() -> dict[str, Judge]:
    """Label -> judge for every test of the peers."""
    return {f"{peer} (peer)": partial(theirs, peer) for peer in REFERENCE}


def in_parallel(calls: Iterable[Any], jobs: int, what: str) -> pd.DataFrame:
    """Rows of delayed calls as a frame, with a progress bar."""
    listed = list(calls)
    workers = Parallel(n_jobs=jobs, backend="loky", inner_max_num_threads=1, return_as="generator")
    return pd.DataFrame(list(tqdm(workers(listed), total=len(listed), desc=what, disable=None)))


def level_table(config: CalibrationConfig) -> pd.DataFrame:
    """Level of every test, for all pairs of kinds and n."""
    sizes = (100, 1000) if config.quick else (100, 1000, 4181)
    nulls = config.nulls // 10 if config.quick else config.nulls
    jobs = [(label, judge, nulls, sizes) for label, judge in contenders().items()]
    if not config.quick:
        jobs += [(label, judge, config.peer_nulls, (100, 1000)) for label, judge in peers().items()]
    calls = [
        # The seed depends only on the columns and n: every test gets the same data.
        delayed(level_row)(label, judge, pairs, n, count, [config.seed, place, n])
        for n in (4181, 1000, 100)
        for label, judge, count, sizes_here in jobs
        if n in sizes_here
        for place, pairs in enumerate(NULL_PAIRS)
    ]
    return in_parallel(calls, config.jobs, "level")


def power_table(config: CalibrationConfig) -> pd.DataFrame:
    """Power of every test of continuous columns, for all shapes and n, with default nulls."""
    count = config.replicates // 10 if config.quick else config.replicates
    names = ("kci", "hsic", "distance_correlation", "rcit", "fisher_z")
    judges: dict[str, Judge] = {name: partial(ours, name, None) for name in names}
    if not config.quick:
        judges |= peers()
    calls = [
        delayed(power_row)(label, judge, shape, n, count, [config.seed, 99, place, n])
        for label, judge in judges.items()
        if label.split(" ")[0] not in ("chi_square", "g_square")
        for place, shape in enumerate(SHAPES)
        for n in POWER_SIZES
    ]
    return in_parallel(calls, config.jobs, "power")


def draw_power(power: pd.DataFrame, stem: Path) -> None:
    """Draw one panel per shape: power against n; peers are dashed."""
    figure = new_figure(10, 6)
    axes = figure.subplots(2, 3, sharex=True, sharey=True)
    names = dict.fromkeys(label.split(" ")[0] for label in power["test"])
    colours = {name: f"C{number}" for number, name in enumerate(names)}
    for axis, shape in zip(axes.flat, SHAPES, strict=True):
        for label, curve in power[power["shape"] == shape].groupby("test", sort=False):
            peer = str(label).endswith("(peer)")
            axis.plot(
                curve["n"],
                curve["power"],
                label=label,
                color=colours[str(label).split(" ")[0]],
                linestyle="--" if peer else "-",
                marker="x" if peer else "o",
                markersize=4,
            )
        axis.set_title(shape)
        axis.set_xscale("log")
        axis.set_xticks(POWER_SIZES, [str(n) for n in POWER_SIZES])
        axis.minorticks_off()
        axis.axhline(0.05, color="0.6", linewidth=0.8)
        axis.grid(alpha=0.25)
    figure.supxlabel("n")
    figure.supylabel("power at 0.05")
    handles = axes.flat[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=5, frameon=False)
    save_figure(figure, stem)


def level_markdown(level: pd.DataFrame) -> str:
    """Rows: test and columns; cells: level at .05 / .01, with a star if p is not uniform."""
    known = level.dropna(subset=["level_05"])
    cells = [
        f"{row['level_05']:.3f} / {row['level_01']:.3f}" + (" *" if row["uniformity"] < 0.001 else "")
        for row in known.to_dict("records")
    ]
    wide = known.assign(cell=cells).pivot_table(
        index=["test", "columns"], columns="n", values="cell", aggfunc="first", sort=False, fill_value="–"
    )
    wide = wide[sorted(wide.columns)].rename(columns=lambda n: f"n = {n:,}")
    return markdown_table(wide.reset_index().rename(columns={"test": "test (null)"}))


def power_markdown(power: pd.DataFrame) -> str:
    """Power at n = 200."""
    wide = power[power["n"] == 200].pivot_table(index="test", columns="shape", values="power", sort=False)
    return markdown_table(wide, index="test", digits=2)


def calibrate(config: CalibrationConfig) -> None:
    """Run everything and write it."""
    folder = open_run(config.output, config, overwrite=config.overwrite)
    with folder.recorded():
        level, power = level_table(config), power_table(config)
        level.to_csv(folder / "level.csv", index=False)
        power.to_csv(folder / "power.csv", index=False)
        draw_power(power, folder / "power")
        report = (
            "Level: share of p <= .05 / p <= .01 under independence (ours: "
            f"{level['nulls'].max():,} pairs a cell; peers: {config.peer_nulls}). Binomial 99 % limits for "
            "1,000: .033-.069 / .003-.020. * = p not uniform (Kolmogorov-Smirnov p < .001).\n\n"
            f"{level_markdown(level)}\n\nPower at .05, n = 200, {power['replicates'].max()} pairs a cell:\n\n"
            f"{power_markdown(power)}\n"
        )
        write_text(folder / "calibration.md", report)
    print(report)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(CalibrationConfig, calibrate, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
