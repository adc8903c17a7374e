"""Level and power of the conditional tests beside causal-learn, on nulls that are hard for a regression on Z.

    python benchmarks/conditional_calibration.py            # 400 draws a cell; several hours on 2 cores
    python benchmarks/conditional_calibration.py --quick    # 50 draws, n = 200; some minutes

A cell is a kind of null, a number of columns of Z, a test and n. Each finished cell is a file in cells/, so
that the same command continues a run that was stopped. Writes results/conditional_calibration/cells.csv and
conditional_calibration.md.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from personax.independence import run_conditional
from personax.independence.threads import one_blas_thread
from personax.runs.command_line import run_command
from personax.runs.environment import record_environment
from personax.runs.files import atomic_path, write_text
from personax.runs.markdown import markdown_table

OURS = ("kci", "rcit", "rcot", "gcm", "distance_correlation")
PEER, PEER_SIZES = "kci (causal-learn)", (200, 1000)  # 2 s a test with 1,000 rows
COLUMNS = (1, 2, 3, 5)
DEPENDENCE = 0.15  # correlation of the noise of x and y under the alternative
Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class ConditionalCalibrationConfig:
    """Calibration of the conditional tests."""

    draws: int = 400
    """Draws per cell under the null hypothesis; a quarter of them under the alternative."""
    peer_draws: int = 100
    """The same for causal-learn."""
    quick: bool = False
    """50 draws, only n = 200, without causal-learn."""
    seed: int = 0
    """Seed of all random numbers; 1000 and above were used for choosing the settings."""
    jobs: int = 2
    """Processes, one BLAS thread each."""
    output: str = "results/conditional_calibration"
    """Folder of the run."""


class Cell(NamedTuple):
    """One cell of the table."""

    null: str
    columns: int
    test: str
    n: int
    draws: int
    seed: int

    @property
    def file(self) -> str:
        """Name of its file."""
        test = self.test.split(" ")[0] + ("_peer" if self.test == PEER else "")
        return f"{self.null}-{self.columns}-{test}-{self.n}-{self.draws}-{self.seed}.csv"


def _shape(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A random function of Z: linear, a sine, a step, a parabola."""
    shapes: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda t: t,
        lambda t: np.sin(1.5 * t),
        lambda t: np.tanh(2.0 * t),
        lambda t: 0.7 * (t**2 - 1.0),
    ]
    return shapes[rng.integers(len(shapes))]


def _distortion(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """A random increasing function of the sum of signal and noise."""
    distortions: list[Callable[[np.ndarray], np.ndarray]] = [lambda t: t, lambda t: t**3, np.tanh, np.exp]
    return distortions[rng.integers(len(distortions))]


def _direction(z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random direction of Z, so that all of its columns matter."""
    weights = rng.standard_normal(z.shape[1])
    return np.asarray(z @ (weights / np.linalg.norm(weights)))


def _post_nonlinear(z: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Triple:
    x, y = (_distortion(rng)(_shape(rng)(_direction(z, rng)) + 0.5 * noise) for noise in (a, b))
    return x, y, z


def _heteroscedastic(z: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Triple:
    spread = 0.2 + np.abs(z[:, 0])
    return _shape(rng)(z[:, 0]) + spread * a, _shape(rng)(z[:, 0]) + spread * b, z


def _discrete(z: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Triple:
    scores = np.round(3.0 + z)
    return np.round(scores[:, 0] + a), (scores[:, 0] - 3.0 + b > 0).astype(float), scores


def _chain(z: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Triple:
    middle = np.column_stack([_shape(rng)(a) + 0.5 * z[:, 0], z[:, 1:]])
    return a, _shape(rng)(middle[:, 0]) + 0.5 * b, middle


def _fork(z: np.ndarray, a: np.ndarray, b: np.ndarray, rng: np.random.Generator) -> Triple:
    x, y = (_shape(rng)(z).sum(axis=1) / np.sqrt(z.shape[1]) + 0.5 * noise for noise in (a, b))
    return x, y, z


NULLS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], Triple]] = {
    "post-nonlinear": _post_nonlinear,
    "heteroscedastic": _heteroscedastic,
    "discrete": _discrete,
    "chain": _chain,
    "fork": _fork,
}


def draw(cell: Cell, number: int, dependence: float) -> Triple:
    """x, y and Z (n, columns); the noise of x and y has the correlation `dependence`."""
    place = list(NULLS).index(cell.null)
    rng = np.random.default_rng([cell.seed, number, cell.n, cell.columns, place])
    z = rng.standard_normal((cell.n, cell.columns))
    a, b, common = rng.standard_normal((3, cell.n))
    own, shared = np.sqrt(1.0 - dependence), np.sqrt(dependence)
    return NULLS[cell.null](z, own * a + shared * common, own * b + shared * common, rng)


def p_of(cell: Cell, triple: Triple, number: int) -> float:
    """The p-value of the cell's test."""
    x, y, z = triple
    if cell.test != PEER:
        return run_conditional(cell.test, x, y, z, rng=number).pvalue
    from causallearn.utils.KCI.KCI import KCI_CInd

    return float(KCI_CInd().compute_pvalue(x[:, None], y[:, None], z)[0])


def measure(cell: Cell, folder: Path) -> None:
    """Measure the level and the power of a cell, unless its file is there."""
    file = folder / cell.file
    if file.exists():
        return
    with one_blas_thread():
        null = [p_of(cell, draw(cell, number, 0.0), number) for number in range(cell.draws)]
        other = [p_of(cell, draw(cell, k, DEPENDENCE), k) for k in range(-(-cell.draws // 4))]
    rates = {
        "level_05": np.mean(np.array(null) <= 0.05),
        "level_01": np.mean(np.array(null) <= 0.01),
        "power": np.mean(np.array(other) <= 0.05),
    }
    with atomic_path(file) as path:
        pd.DataFrame([cell._asdict() | rates]).to_csv(path, index=False)


def cells_of(config: ConditionalCalibrationConfig) -> Iterator[Cell]:
    """All cells, the quick ones first."""
    for n in (200,) if config.quick else (200, 1000, 4000):
        for test in OURS if config.quick or n not in PEER_SIZES else (*OURS, PEER):
            draws = 50 if config.quick else config.peer_draws if test == PEER else config.draws
            for null in NULLS:
                yield from (Cell(null, k, test, n, draws, config.seed) for k in COLUMNS)


def report_of(table: pd.DataFrame) -> str:
    """Level and power of each test, and the cells outside .03-.08."""
    table = table.assign(
        cell=[f"{a:.3f} / {b:.2f}" for a, b in zip(table["level_05"], table["power"], strict=True)]
    )
    wide = table.pivot_table(
        index=["null", "columns", "n"],
        columns="test",
        values="cell",
        aggfunc="first",
        sort=False,
        fill_value="–",
    )
    outside = table[(table["level_05"] < 0.03) | (table["level_05"] > 0.08)].groupby("test").size()
    counts = ", ".join(f"{test}: {outside.get(test, 0)}" for test in dict.fromkeys(table["test"]))
    return (
        "Level at .05 / power at .05 (noise of x and y correlated "
        f"{DEPENDENCE}); in a chain, x has no noise of its own, so there is no dependence to find.\n\n"
        f"{markdown_table(wide.reset_index())}\n\nCells with a level outside .03-.08, of "
        f"{len(wide)}: {counts}.\n"
    )


def calibrate_conditional(config: ConditionalCalibrationConfig) -> None:
    """Measure every cell that is not there yet, and write the tables."""
    folder = Path(config.output)
    (folder / "cells").mkdir(parents=True, exist_ok=True)
    cells = list(cells_of(config))
    workers = Parallel(n_jobs=config.jobs, backend="loky", inner_max_num_threads=1, return_as="generator")
    calls = (delayed(measure)(cell, folder / "cells") for cell in cells)
    for _ in tqdm(workers(calls), total=len(cells), desc="cells", disable=None):
        pass
    table = pd.concat([pd.read_csv(folder / "cells" / cell.file) for cell in cells], ignore_index=True)
    with atomic_path(folder / "cells.csv") as path:
        table.to_csv(path, index=False)
    write_text(folder / "conditional_calibration.md", report_of(table))
    print(report_of(table), record_environment(folder / "conditional_calibration.md"), sep="\n")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(ConditionalCalibrationConfig, calibrate_conditional, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
