"""How sure learned edges are: fit the curves of personax/graphs/sureness.py, and check them on other models.

    python benchmarks/sureness.py                            # 136 models; about 20 minutes on 2 cores
    python benchmarks/sureness.py --models 20 --check 10     # a look
    python benchmarks/sureness.py --models 76 --check 40 --seeds 3    # also what several seeds say together

Each model has two modalities of two or three latents, three measurements of each, and a random graph; the
shapes of its effects, its noises and its size vary. The curves are fitted to the edges of the first models,
and checked on the last `check` ones. Writes results/sureness/sureness.md, edges.csv and reliability.png/.svg.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.graphs.direction import support_of_directions
from personax.graphs.sureness import (
    LEAST_GAIN,
    LogisticCurve,
    Sureness,
    edge_gains,
    edge_sureness,
    pooled_sureness,
)
from personax.learning.metrics import match
from personax.runs.bounds import Between, FilePath, Processes
from personax.runs.command_line import run_command
from personax.runs.figure_style import BLUE, COLUMN_WIDTH, new_figure, paper_style, save_figure
from personax.runs.files import write_text
from personax.runs.markdown import markdown_table
from personax.runs.options import where_or_how
from personax.runs.progress import progress
from personax.runs.run_folder import open_run, path_or_default
from personax.views import MultiViewData, Split, Truth, split_rows

SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda x: x,
    "sine": lambda x: 1.3 * np.sin(1.7 * x),
    "tanh": lambda x: 1.3 * np.tanh(2 * x),
    "quadratic": lambda x: x + 0.35 * x**2,
}
NOISES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "laplace": lambda rng, n: rng.laplace(size=n) / 2**0.5,
    "uniform": lambda rng, n: rng.uniform(-(3**0.5), 3**0.5, n),
}
STEPS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)  # of what is said, for the table


@dataclass
class SurenessConfig:
    """Sureness of learned edges."""

    models: Annotated[int, Between(4, 10_000)] = 136
    """Number of simulated models."""
    check: Annotated[int, Between(2, 10_000)] = 100
    """The last so many are for the check only."""
    seeds: Annotated[int, Between(1, 100)] = 1
    """Number of fits of each model that is checked; the curves are for a single fit."""
    jobs: Processes = where_or_how(2)
    """Number of processes."""
    output: FilePath | None = where_or_how(None)
    """Folder of the results. Default: results/sureness."""
    overwrite: bool = where_or_how(False)
    """Replace what is in the folder."""


class Simulated(NamedTuple):
    """People of a random model, their split, and what was drawn for it."""

    data: MultiViewData
    split: Split
    facts: dict[str, Any]


def random_graph(rng: np.random.Generator, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A causal order (d,) and a DAG (d, d) with at least one edge between the blocks of the latents (d,)."""
    d = len(block)
    order = rng.permutation(d)
    pairs = [(order[a], order[b]) for a in range(d) for b in range(a + 1, d)]
    graph = np.zeros((d, d), dtype=int)
    for i, j in pairs:
        graph[i, j] = rng.random() < (0.3 if block[i] == block[j] else 0.22)
    if not (graph * (block[:, None] != block)).any():
        between = [(i, j) for i, j in pairs if block[i] != block[j]]
        graph[between[rng.integers(len(between))]] = 1
    return order, graph


def simulate(seed: int) -> Simulated:
    """The model of a seed and its people."""
    rng = np.random.default_rng([77, seed])
    n = int(rng.choice([600, 1500, 3000]))
    sizes = {"face": int(rng.integers(2, 4)), "voice": int(rng.integers(2, 4))}
    names = [f"z{m}{k + 1}" for m, size in enumerate(sizes.values(), 1) for k in range(size)]
    block = np.repeat([0, 1], list(sizes.values()))
    order, graph = random_graph(rng, block)
    noise, shape = str(rng.choice(list(NOISES))), str(rng.choice([*SHAPES, "mixed"]))
    z = np.zeros((n, len(names)))
    for j in order:
        parents = np.flatnonzero(graph[:, j])
        for i in parents:
            effect = SHAPES[shape if shape != "mixed" else str(rng.choice(list(SHAPES)))]
            strength = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
            z[:, j] += strength * effect(z[:, i]) / np.sqrt(len(parents))
        z[:, j] += (1 if not len(parents) else rng.uniform(0.4, 0.9)) * NOISES[noise](rng, n)
        z[:, j] = (z[:, j] - z[:, j].mean()) / z[:, j].std()
    sd, warped = float(rng.choice([0.05, 0.15, 0.3])), bool(rng.random() < 0.5)
    views = {m: [measure(rng, z[:, block == b], sd, warped) for _ in range(3)] for b, m in enumerate(sizes)}
    blocks = {m: [name for name in names if name[1] == str(b)] for b, m in enumerate(sizes, 1)}
    truth = Truth(pd.DataFrame(z, columns=names), blocks, graph)
    facts = {"model": seed, "n": n, "noise": noise, "shape": shape, "sd": sd, "warped": warped}
    return Simulated(MultiViewData(views, np.arange(n), truth=truth), split_rows(n, rng), facts)


def measure(rng: np.random.Generator, z: np.ndarray, sd: float, warped: bool) -> np.ndarray:
    """(n, 12) a measurement of latents (n, k), with a style of its own and noise."""
    n, k = z.shape
    x = z @ np.linalg.qr(rng.normal(size=(12, k)))[0].T * np.sqrt(12 / k)
    x = np.tanh(0.6 * x) / 0.6 if warped else x
    style = rng.normal(size=(n, 1)) @ rng.normal(size=(1, 12)) * 0.3
    return np.asarray((x + style + sd * rng.normal(size=x.shape)).astype(np.float32))


def fitted_edges(number: int, seed: int = 0) -> list[dict[str, Any]]:
    """A row for every edge that a fit of a model has: measures of its sureness, and whether it is right."""
    data, split, facts = simulate(number)
    truth = data.known_truth
    config = CRLConfig(
        latents={m: len(names) for m, names in truth.blocks.items()},
        hidden=32,
        noise=1,
        phase1=Phase1Config(epochs=40, batch_size=64),
        phase2=Phase2Config(
            starts=16, population=8, generations=2, generation_steps=80, finalists=2, final_steps=300
        ),
    )
    model = CRL(config, seed=seed, device="cpu").fit(data, split)
    found, columns = model.transform(data), list(truth.latents.columns)
    place: dict[str, int] = {}
    for block, names in truth.blocks.items():
        own = model.blocks[block]
        chosen, _ = match(found[own].to_numpy()[split.test], truth.latents[names].to_numpy()[split.test])
        place |= {name: model.names.index(own[k]) for name, k in zip(names, chosen, strict=True)}
    order = [place[name] for name in columns]
    z, graph = found.to_numpy(dtype=float)[:, order], model.graph[np.ix_(order, order)]
    gains, support = edge_gains(z, graph), support_of_directions(z, graph, compelled=True)
    true = truth.graph
    assert true is not None
    return [
        facts
        | {
            "seed": seed,
            "source": columns[i],
            "target": columns[j],
            "gain": gains[i, j],
            "support": support[i, j],
            "adjacent": bool(true[i, j] or true[j, i]),
            "right": bool(true[i, j]),
        }
        for i, j in np.argwhere(graph == 1).tolist()
    ]


def curve_of(x: pd.Series, right: pd.Series) -> LogisticCurve:
    """The logistic curve of the share that is right at x, with a right and a wrong case added at each end.

    The added cases keep the curve from saying 1 where no case happened to be wrong.
    """
    ends = [x.min(), x.max()] * 2
    fit = LogisticRegression(C=np.inf).fit(np.r_[x, ends][:, None], np.r_[right, [1, 1, 0, 0]])
    return LogisticCurve(float(fit.intercept_[0]), float(fit.coef_[0, 0]))


def reliability(said: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    """What was said of edges, in steps, beside the share that was right and the 99 % bounds of that share."""
    rows = []
    for low, high in pairwise(STEPS):
        here = (said > low) & (said <= high)
        if here.any():
            n, mean = int(here.sum()), float(said[here].mean())
            bounds = [float(binom(n, mean).ppf(q)) / n for q in (0.005, 0.995)]
            row = {"said": f"{low:g} to {high:g}", "edges": n, "mean said": mean, "right": right[here].mean()}
            rows.append(row | {"99 % from": bounds[0], "to": bounds[1]})
    return pd.DataFrame(rows)


def matrices_of(edges: pd.DataFrame, names: list[str]) -> Sureness:
    """What the library says of the edges of one fit."""
    gains, support = np.full((2, len(names), len(names)), np.nan)
    adjacency = np.zeros(gains.shape, dtype=int)
    places = [[names.index(name) for name in edges[end]] for end in ("source", "target")]
    adjacency[*places], gains[*places], support[*places] = 1, edges["gain"], edges["support"]
    return edge_sureness(gains, support, adjacency)


def said_together(held: pd.DataFrame, seeds: int) -> pd.DataFrame:
    """What the fits of each model say together of the edges that at least half of them have.

    Of each edge the likelier direction, and whether it is right.
    """
    rows = []
    for _, model in held.groupby("model"):
        names = sorted({*model["source"], *model["target"]})
        fits = [matrices_of(model[model["seed"] == seed], names) for seed in range(seeds)]
        true = {(row.source, row.target) for row in model.itertuples() if row.right}
        true |= {(row.target, row.source) for row in model.itertuples() if row.adjacent and not row.right}
        adjacent, direction = pooled_sureness(fits)
        share = np.mean([fit.adjacent > 0 for fit in fits], axis=0)
        for i, j in np.argwhere((share >= 0.5) & (direction >= direction.T)).tolist():
            said, right = adjacent[i, j] * direction[i, j], (names[i], names[j]) in true
            rows.append({"said": said, "adjacency": adjacent[i, j], "right": right})
    return pd.DataFrame(rows)


def run(config: SurenessConfig) -> None:
    """Simulate, fit, print the curves and the check."""
    with open_run(
        path_or_default(config.output, "results/sureness"), config, overwrite=config.overwrite
    ) as home:
        checked_from = config.models - config.check
        fits = [(model, 0) for model in range(config.models)]
        fits += [(m, seed) for m in range(checked_from, config.models) for seed in range(1, config.seeds)]
        tasks = (delayed(fitted_edges)(*fit) for fit in fits)
        rows: list[dict[str, Any]] = []
        with progress(len(fits), "fits", "fit") as bar:
            for edges in Parallel(n_jobs=config.jobs, return_as="generator_unordered")(tasks):
                rows += edges
                bar.update()
        table = pd.DataFrame(rows).sort_values(["model", "seed", "gain"])
        table.to_csv(home / "edges.csv", index=False)
        text, checked = report(table[table["seed"] == 0], checked_from)
        if config.seeds > 1:
            text += report_of_several(table[table["model"] >= checked_from], config.seeds)
        write_text(home / "sureness.md", text)
        draw_reliability(checked, home / "reliability")
    print(text)


def report(table: pd.DataFrame, first_checked: int) -> tuple[str, pd.DataFrame]:
    """The curves of the models before `first_checked`, and how what they say fares on the others."""
    tuned, held = table[table["model"] < first_checked], table[table["model"] >= first_checked]
    known = tuned[tuned["adjacent"]]
    curves = {
        "ADJACENT": curve_of(np.log(tuned["gain"].clip(lower=LEAST_GAIN)), tuned["adjacent"]),
        "DIRECTED": curve_of(known["support"], known["right"]),
    }
    said = curves["ADJACENT"].at(np.log(held["gain"].clip(lower=LEAST_GAIN)).to_numpy())
    said = said * curves["DIRECTED"].at(held["support"].to_numpy())
    right = held["right"].to_numpy()
    ours = reliability(said, right)
    lines = [f"{name} = LogisticCurve({c.intercept:.2f}, {c.slope:.2f})" for name, c in curves.items()]
    lines += ["", f"Sureness on {held['model'].nunique()} models that the curves were not fitted to:", ""]
    return "\n".join([*lines, markdown_table(ours, digits=3)]) + "\n", ours


def report_of_several(held: pd.DataFrame, seeds: int) -> str:
    """How what several fits say together fares."""
    several = said_together(held, seeds)
    checked = reliability(several["said"].to_numpy(), several["right"].to_numpy())
    return f"\n{seeds} fits of each model together:\n\n{markdown_table(checked, digits=3)}\n"


@paper_style()
def draw_reliability(checked: pd.DataFrame, stem: Any) -> None:
    """Said against right."""
    figure = new_figure(COLUMN_WIDTH, 3.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", lw=1)
    axes.vlines(checked["mean said"], checked["99 % from"], checked["to"], color="0.7", lw=3)
    axes.plot(checked["mean said"], checked["right"], "o", color=BLUE)
    axes.set(xlabel="said", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02))
    save_figure(figure, stem)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(SurenessConfig, run, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
