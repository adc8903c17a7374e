"""Simulated people who are not as the method assumes: what is still found, and does the verdict say so?

    python benchmarks/hard_people.py                                       # 14 cases, seeds 0-1: 10 minutes
    python benchmarks/hard_people.py --dataset celeb                       # half an hour
    python benchmarks/hard_people.py --cases '[normal noise]' --seeds 0    # half a minute

Each case changes one thing: the noise of the latents, the shape of effects or embeddings, the graph, the
embeddings by an invertible map, who was described by all three language models, or the number of people.
Embeddings have 128 (image) and 256 (text) numbers. Each run is a line in results/hard_people/DATASET.csv;
the same command continues a run that was stopped.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from personax.crl import CRL, CRLConfig
from personax.experiments.block_scores import score_against_truth
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare_table
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.environment import record_environment
from personax.runs.errors import InputError
from personax.runs.growing_table import grown_table
from personax.runs.markdown import markdown_table
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable, simulate_table
from personax.tables.schema import DatasetName
from personax.tables.simulation import AS_ASSUMED, DESIGNS, Assumptions, Design

IMAGE, TEXT = 128, 256  # numbers of an embedding
MOST_PARENTS = 4
WORST_CONDITION = 100.0  # of the maps that scramble embeddings


@dataclass(frozen=True)
class Case:
    """What is different. `edges` is a number of random edges; `change` is made to the finished table."""

    assumptions: Assumptions = AS_ASSUMED
    edges: int | None = None
    n: int | None = None
    change: Callable[[PeopleTable, np.random.Generator], PeopleTable] = lambda table, _: table


def scrambled(table: PeopleTable, rng: np.random.Generator) -> PeopleTable:
    """Every embedding is multiplied by a matrix of its own, whose condition number is WORST_CONDITION."""

    def scramble(array: np.ndarray) -> np.ndarray:
        dim = array.shape[1]
        left, right = (np.linalg.qr(rng.standard_normal((dim, dim)))[0] for _ in range(2))
        sizes = np.geomspace(1, WORST_CONDITION, dim) / WORST_CONDITION**0.5
        return np.asarray(array @ ((left * sizes) @ right), dtype=np.float32)

    views = {m: [scramble(array) for array in arrays] for m, arrays in table.embeddings.items()}
    return replace(table, embeddings=views)


def without_a_model(table: PeopleTable, rng: np.random.Generator) -> PeopleTable:
    """Half of the people lack the description by the first language model."""
    absent = rng.random(len(table)) < 0.5
    text, *others = table.embeddings["text"]
    seen = table.observed["text"].copy()
    seen[absent, 0] = False
    views = dict(table.embeddings) | {"text": [np.where(absent[:, None], 0, text), *others]}
    return replace(table, embeddings=views, observed=dict(table.observed) | {"text": seen})


CASES: Mapping[str, Case] = {
    "as assumed": Case(),
    "normal noise": Case(Assumptions(noise="normal")),
    "uniform noise": Case(Assumptions(noise="uniform")),
    "straight effects": Case(Assumptions(bend=0.0)),
    "embeddings bent three times as much": Case(Assumptions(curve=3.0)),
    "no edges": Case(edges=0),
    "10 random edges": Case(edges=10),
    "20 random edges": Case(edges=20),
    "30 random edges": Case(edges=30),
    "scrambled embeddings": Case(change=scrambled),
    "one model missing for half": Case(change=without_a_model),
    "500 people": Case(n=500),
    "1,000 people": Case(n=1000),
    "2,000 people": Case(n=2000),
}


@dataclass
class HardPeopleConfig:
    """Simulated people who are not as the method assumes."""

    dataset: DatasetName = "athlete"
    """Which table is simulated."""
    cases: list[str] = field(default_factory=lambda: list(CASES))
    """What is different."""
    seeds: str = "0-1"
    """Seeds of people and models, as 0,1,2 or 0-9."""
    output: str = "results/hard_people"
    """Folder of the run."""


def random_edges(design: Design, number: int, rng: np.random.Generator) -> tuple[tuple[str, str], ...]:
    """This many edges between latents in a random order, of which the shared ones come first."""
    shared = design.blocks["s"]
    own = [name for name in design.latents if name not in shared]
    order = [*shared, *rng.permutation(own).tolist()]
    pairs = [(cause, child) for place, child in enumerate(order) for cause in order[:place] if child in own]
    edges: list[tuple[str, str]] = []
    for place in rng.permutation(len(pairs)):
        cause, child = pairs[place]
        if len(edges) < number and sum(other == child for _, other in edges) < MOST_PARENTS:
            edges.append((cause, child))
    return tuple(edges)


def people_of(dataset: DatasetName, case: Case, seed: int) -> PeopleTable:
    """The table of a case."""
    assumptions = case.assumptions
    if case.edges is not None:
        edges = random_edges(DESIGNS[dataset], case.edges, numpy_rng(seed, "hard people/edges"))
        assumptions = replace(assumptions, edges=edges)
    table = simulate_table(
        dataset, data_seed=seed, n=case.n, image_dim=IMAGE, text_dim=TEXT, assumptions=assumptions
    )
    return case.change(table, numpy_rng(seed, "hard people/change"))


def scores_of_people(dataset: DatasetName, case: str, seed: int) -> list[dict[str, Any]]:
    """Scores and verdict of one run."""
    sizes = DESIGNS[dataset].sizes
    own = {block: size for block, size in sizes.items() if block != "s"}
    model = CRLConfig.embeddings(own, shared=sizes["s"])
    prepared = prepare_table(PeopleConfig(seed=seed, model=model), people_of(dataset, CASES[case], seed))
    started = perf_counter()
    fitted = CRL(model, seed=seed).fit(prepared.data, prepared.split)
    seconds = perf_counter() - started
    latents = fitted.transform(prepared.data)
    graph = fitted.learned(simulated=True)
    scores = score_against_truth(latents, graph, prepared.data, prepared.split)
    assert scores is not None
    mcc = scores.blocks["mcc"]
    row = {"MCC": mcc["all"]} | {f"MCC {block}": mcc[block] for block in ("s", "image", "text")}
    row |= {"F1": scores.graph["f1"], "skeleton F1": scores.graph["skeleton_f1"]}
    return [row | {"SHD": scores.graph["shd"], "verdict": fitted.verdict, "seconds": seconds}]


def run_hard_people(config: HardPeopleConfig) -> None:
    """Make the runs that are not made yet, and print a table. Raises InputError."""
    unknown = [case for case in config.cases if case not in CASES]
    if unknown:
        raise InputError(f"cases: no {unknown[0]!r}; there are {', '.join(CASES)}")
    file = Path(config.output) / f"{config.dataset}.csv"
    wanted = [{"case": case, "seed": seed} for case in config.cases for seed in parse_seeds(config.seeds)]
    done = grown_table(file, wanted, partial(scores_of_people, config.dataset), title="runs")
    numbers = done.drop(columns=["verdict", "seed"]).groupby("case", sort=False).mean()
    verdicts = done.groupby("case", sort=False)["verdict"].agg(lambda of: "; ".join(sorted(set(of))))
    print(markdown_table(numbers.join(verdicts).reset_index(), digits=3))
    print(record_environment(file))


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(HardPeopleConfig, run_hard_people, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
