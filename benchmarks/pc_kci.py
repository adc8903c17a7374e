"""PC with KCI beside PC with Fisher's z on random nonlinear graphs: structural Hamming distance and time.

    python benchmarks/pc_kci.py                       # 12 graphs of 12 nodes, n = 4,000
    python benchmarks/pc_kci.py --graphs 2 --n 1000   # a minute

Each finished graph is a line in results/pc_kci/graphs.csv; the same command continues a run that was stopped.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from personax.graphs.choices import Test
from personax.graphs.discovery import Discovery, discover
from personax.graphs.graph import Graph, adjacency_from_marks
from personax.graphs.graph_scores import scores_of_graphs
from personax.independence.threads import one_blas_thread
from personax.runs.command_line import run_command
from personax.runs.environment import record_environment
from personax.runs.growing_table import grown_table
from personax.runs.markdown import markdown_table

DEGREE = 2.0  # mean number of neighbours of a node
SHAPES = (np.tanh, np.sin, lambda t: t, lambda t: 0.5 * (t**2 - 1.0))


@dataclass
class PcKciConfig:
    """PC with KCI and with Fisher's z."""

    graphs: int = 12
    """Number of random graphs."""
    nodes: int = 12
    """Nodes of each graph."""
    n: int = 4000
    """Rows."""
    alpha: float = 0.05
    """Level of each test."""
    seed: int = 0
    """Seed of the first graph; the others follow."""
    output: str = "results/pc_kci"
    """Folder of the run."""


def random_table(nodes: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Adjacency (d, d) of a random graph, and a table (n, d): sums of functions of the parents and noise."""
    rng = np.random.default_rng(seed)
    adjacency = np.triu(rng.random((nodes, nodes)) < DEGREE / (nodes - 1), 1).astype(int)
    table = 0.7 * rng.standard_normal((n, nodes))
    for child in range(nodes):
        for parent in np.flatnonzero(adjacency[:, child]):
            table[:, child] += SHAPES[rng.integers(len(SHAPES))](1.5 * table[:, parent])
        table[:, child] = (table[:, child] - table[:, child].mean()) / table[:, child].std()
    order = rng.permutation(nodes)  # the order of the columns says nothing about causes
    return adjacency[np.ix_(order, order)], table[:, order]


def compare(config: PcKciConfig, graph: int) -> list[dict[str, Any]]:
    """Scores of both tests on one graph."""
    adjacency, table = random_table(config.nodes, config.n, graph)
    names = [f"X{place + 1}" for place in range(config.nodes)]
    truth, rows = Graph(names, adjacency), list[dict[str, Any]]()
    tests: tuple[Test, ...] = ("fisherz", "kci")
    for test in tests:
        started = perf_counter()
        with one_blas_thread():
            marks = discover(table, Discovery("pc", test, config.alpha))
        scores = scores_of_graphs(truth, Graph(names, adjacency_from_marks(marks)))
        rows.append({"test": test, "seconds": perf_counter() - started, **scores})
    return rows


def compare_graphs_of_tests(config: PcKciConfig) -> None:
    """Compare on every graph that is not done yet."""
    file = Path(config.output) / f"graphs-{config.nodes}-{config.n}-{config.alpha:g}.csv"
    wanted = [{"graph": seed} for seed in range(config.seed, config.seed + config.graphs)]
    done = grown_table(file, wanted, partial(compare, config), title="graphs")
    means = done.groupby("test")[["shd_cpdag", "skeleton_f1", "seconds"]].agg(["mean", "std"])
    means.columns = [" ".join(words) for words in means.columns]
    print(markdown_table(means.reset_index(), digits=2), record_environment(file), sep="\n\n")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(PcKciConfig, compare_graphs_of_tests, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
