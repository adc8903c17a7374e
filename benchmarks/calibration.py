"""Level and power of the independence tests, compared with causal-learn and hyppo.

    python benchmarks/calibration.py            # 1,000 nulls a cell; about 35 minutes on 2 cores
    python benchmarks/calibration.py --quick    # 100 nulls, no n = 4,181; a minute
    python benchmarks/calibration.py --part hard          # hard columns; an hour or so (estimated)
    python benchmarks/calibration.py --part hard --resume # the same, from where it stopped

Writes results/calibration/calibration.md, level.csv, power.csv and power.png/.svg; for the hard columns
results/calibration_hard/calibration.md and level.csv.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from tqdm import tqdm

from personax.independence import TESTS, Kind, run_test
from personax.independence.columns import complete_column
from personax.independence.reference import REFERENCE
from personax.independence.threads import one_blas_thread
from personax.runs.command_line import run_command
from personax.runs.figure_style import new_figure, save_figure
from personax.runs.files import atomic_path, write_text
from personax.runs.markdown import markdown_table
from personax.runs.options import where_or_how
from personax.runs.run_folder import open_run, path_or_default

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
    part: Literal["ordinary", "hard"] = "ordinary"
    """ordinary: columns as in the tables, with power and peers; hard: heavy tails, ties, rare values."""
    hard_pairs: int = 2000
    """Number of independent pairs of hard columns per cell (columns x n)."""
    quick: bool = False
    """A tenth of the pairs, n up to 1,000, without causal-learn and hyppo (the peers)."""
    seed: int = 0
    """Seed of all random numbers."""
    jobs: int = 2
    """Processes, one BLAS thread each."""
    output: str | None = None
    """Folder of the run. Default: results/calibration, or results/calibration_hard."""
    resume: bool = where_or_how(False)
    """Continue a run of the hard columns: cells that are finished are not computed again."""
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


# Kind and values of columns whose level is hard to keep; both columns of a pair are drawn alike.
Draw = Callable[[int, np.random.Generator], np.ndarray]
HARD: dict[str, tuple[Kind, Draw]] = {
    "Cauchy": ("continuous", lambda n, rng: rng.standard_cauchy(n)),
    "t(1.5)": ("continuous", lambda n, rng: rng.standard_t(1.5, n)),
    "lognormal, sd 2": ("continuous", lambda n, rng: np.exp(2.0 * rng.standard_normal(n))),
    "90 % ties": ("continuous", lambda n, rng: np.where(rng.random(n) < 0.9, 0.0, rng.standard_normal(n))),
    "70 % zeros": (
        "continuous",
        lambda n, rng: np.where(rng.random(n) < 0.7, 0.0, np.exp(rng.standard_normal(n))),
    ),
    "score 2/95/3 %": ("ordinal", lambda n, rng: rng.choice([1.0, 2.0, 3.0], n, p=[0.02, 0.95, 0.03])),
    "1 % ones": ("ordinal", lambda n, rng: (rng.random(n) < 0.01).astype(float)),
    "five values": ("ordinal", lambda n, rng: rng.integers(1, 6, n).astype(float)),
}
# Few values that matter: exact p-values are then coarse, and the level may lie below the limits.
COARSE = ("90 % ties", "70 % zeros", "score 2/95/3 %", "1 % ones", "five values")
HARD_SIZES = (10, 50, 200, 1000, 9444)
LEVELS = (0.05, 0.01, 0.001)
# So many columns are drawn for either side of a block, and each is tested against each: what a test prepares
# for a column is used as often. Given the columns, a right level holds for any order of the rows, so the
# pairs of a block count as independent.
BESIDE = 10


def hard_block(name: str, n: int, rng: np.random.Generator) -> dict[str, list[float]]:
    """Test -> its p-values for BESIDE x BESIDE pairs of independent columns; undefined ones are left out."""
    kind, draw = HARD[name]
    sides = [[complete_column(draw(n, rng), kind) for _ in range(BESIDE)] for _ in range(2)]
    found: dict[str, list[float]] = {}
    for label, test in TESTS.items():
        prepare = cache(test.preparation(np.random.default_rng(0)))
        found[label] = [
            test.test((x, y), (prepare(x), prepare(y)), test.nulls[0], rng, 999).pvalue
            for x in sides[0]
            for y in sides[1]
            if test.refusal(x, y) is None
        ]
    return found


def hard_rows(name: str, n: int, pairs: int, seed: list[int]) -> pd.DataFrame:
    """One row for each test and level: how often p <= level, and the binomial 99 % limits."""
    rng = np.random.default_rng(seed)
    with one_blas_thread():
        blocks = [hard_block(name, n, rng) for _ in range(-(-pairs // BESIDE**2))]
    rows = []
    for test in TESTS:
        p = np.array([value for block in blocks for value in block[test]])
        for level in LEVELS if len(p) else ():
            low, high = (float(stats.binom.ppf(end, len(p), level)) / len(p) for end in (0.005, 0.995))
            size = float(np.mean(p <= level * (1 + 1e-9)))
            verdict = "above" if size > high else "below" if size < low else "inside"
            row = {"test": test, "columns": name, "n": n, "pairs": len(p), "level": level, "size": size}
            rows.append(row | {"low": low, "high": high, "verdict": verdict})
    return pd.DataFrame(rows)


def hard_table(config: CalibrationConfig, folder: Path) -> pd.DataFrame:
    """All cells of the hard columns; each is written to a file of its own when it is done."""
    pairs = config.hard_pairs // 10 if config.quick else config.hard_pairs
    cells = {
        folder / f"cell_{place}_{n}.csv": (name, n, pairs, [config.seed, 7, place, n])
        for n in reversed(HARD_SIZES)
        for place, name in enumerate(HARD)
    }
    missing = [path for path in cells if not path.exists()]
    workers = Parallel(config.jobs, backend="loky", inner_max_num_threads=1, return_as="generator")
    done = workers(delayed(_write_cell)(path, cells[path]) for path in missing)
    for line in tqdm(done, total=len(missing), desc="hard columns", disable=None):
        tqdm.write(line)
        sys.stdout.flush()  # a file or a pipe shows the line at once, too
    return pd.concat([pd.read_csv(path) for path in cells], ignore_index=True)


def _write_cell(path: Path, cell: tuple[str, int, int, list[int]]) -> str:
    """Compute and write a cell; returns a line about it."""
    started = perf_counter()
    rows = hard_rows(*cell)
    with atomic_path(path) as part:
        rows.to_csv(part, index=False)
    outside = rows[rows["verdict"] != "inside"]
    found = [f"{row.test} {row.size:.4f} at {row.level:g}" for row in outside.itertuples()]
    name, n = cell[:2]
    said = f"{name}, n = {n:,}: {perf_counter() - started:.0f} s; outside the binomial limits: "
    return said + (", ".join(found) or "none")


def hard_markdown(level: pd.DataFrame) -> str:
    """The cells outside the limits, and the sizes of all cells at .05 / .01 / .001."""
    too_low = (level["verdict"] == "below") & ~level["columns"].isin(COARSE)
    outside = level[(level["verdict"] == "above") | too_low]
    sizes = (
        level.assign(size=level["size"].map("{:.4f}".format))
        .groupby(["test", "columns", "n"], sort=False)["size"]
        .agg(" / ".join)
        .reset_index()
    )
    wide = sizes.pivot_table(
        index=["test", "columns"], columns="n", values="size", aggfunc="first", sort=False, fill_value="–"
    )
    wide = wide[sorted(wide.columns)].rename(columns=lambda n: f"n = {n:,}").reset_index()
    listed = markdown_table(outside, digits=4) if len(outside) else "None."
    return (
        f"Share of p <= .05 / .01 / .001 for {level['pairs'].max():,} independent pairs, both columns drawn "
        f"alike, default null. {len(level)} sizes; outside the binomial 99 % limits: {len(outside)} (of so "
        f"many right ones, about {0.01 * len(level):.0f} by chance). Columns with few values "
        f"({', '.join(COARSE)}) may lie below: their exact p-values are coarse.\n\nOutside the limits:\n\n"
        f"{listed}\n\n{markdown_table(wide)}\n"
    )


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
    """Run one part and write it."""
    if config.part == "hard":
        calibrate_hard(config)
    else:
        calibrate_ordinary(config)


def calibrate_hard(config: CalibrationConfig) -> None:
    """Run the hard columns and write them."""
    path = path_or_default(config.output, "results/calibration_hard")
    with open_run(path, config, resume=config.resume, overwrite=config.overwrite) as folder:
        level = hard_table(config, folder.path)
        level.to_csv(folder / "level.csv", index=False)
        report = hard_markdown(level)
        write_text(folder / "calibration.md", report)
    print(report)


def calibrate_ordinary(config: CalibrationConfig) -> None:
    """Run the columns of the tables, the power and the peers, and write them."""
    with open_run(
        path_or_default(config.output, "results/calibration"), config, overwrite=config.overwrite
    ) as folder:
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
