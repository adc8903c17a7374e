"""The analysis with each change, every variant in its own folder; finished ones are read back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from personax.experiments.cells import LoadedOnce, Metrics, run_cells
from personax.experiments.independence.choices import chosen_tests
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare_table
from personax.experiments.people.run import run_people_seed
from personax.experiments.sensitivity.claims import KnownTruth, VariantResult
from personax.experiments.sensitivity.config import SensitivityConfig
from personax.experiments.sensitivity.level_one import HowTested, cells_of_level_one, sources_to_test
from personax.experiments.sensitivity.matching import read_recovered
from personax.experiments.sensitivity.plan import BASE, Variant
from personax.graphs.graph import Graph
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, sha256_text
from personax.runs.run_folder import CONFIG, METRICS, TRUE_GRAPH
from personax.tables import PeopleTable

RUNS, LEVEL_ONE = "runs", "level_one.csv"


@dataclass(frozen=True)
class VariantRun:
    """One variant of the analysis.

    Attributes:
        variant: what is changed.
        people: configuration of the base run.
        testing: how Level I is tested.
    """

    variant: Variant
    people: PeopleConfig
    testing: HowTested


def testing_of(config: SensitivityConfig, table: PeopleTable) -> HowTested:
    """How Level I is tested. Raises InputError for unknown tests."""
    sources = sources_to_test(table)
    return HowTested(sources, chosen_tests(config.tests), config.alpha, config.correction, config.resamples)


def run_variants(
    config: SensitivityConfig,
    people: PeopleConfig,
    shared: LoadedOnce[PeopleTable],
    variants: Sequence[Variant],
    home: Path,
) -> dict[str, VariantResult]:
    """Name -> what every variant has found; the base run is the first. Raises InputError if that fails."""
    testing = testing_of(config, shared.get())
    cells = {home / RUNS / variant.folder: VariantRun(variant, people, testing) for variant in variants}
    outcomes = run_cells(cells, config, partial(run_variant, shared))
    return {
        run.variant.name: read_variant(run, path, outcomes[path]["refused"]) for path, run in cells.items()
    }


def run_variant(shared: LoadedOnce[PeopleTable], run: VariantRun, path: Path) -> Metrics:
    """Make a variant in its folder, as far as it is not there. Returns what was refused, and why, or "".

    Half of the people may be too few for the model; that is a result of the variant, not an error of the
    command. Only the base run must not be refused.
    """
    refused: list[str] = []
    if not is_made(run, path):
        table = table_of(run, shared.get())
        for step in (learn_variant, check_variant):
            try:
                step(run, table, path)
            except InputError as error:
                if run.variant.group == BASE:
                    raise
                refused.append(str(error))
    return {"refused": "; ".join(refused)}


def learn_variant(run: VariantRun, table: PeopleTable, path: Path) -> None:
    """Level II of a variant: latents and graph. Raises InputError."""
    if is_learned(run.variant, path) or not table.embeddings:
        return
    config = replace(run.variant.change.of_run(run.people), resume=(path / CONFIG).exists())
    run_people_seed(config, path, prepare_table(config, table))


def check_variant(run: VariantRun, table: PeopleTable, path: Path) -> None:
    """Level I of a variant. Raises InputError."""
    if is_checked(run, path):
        return
    seed = run.variant.change.of_run(run.people).seed
    cells = cells_of_level_one(run.testing, table, seed)
    with atomic_path(path / LEVEL_ONE) as temporary:
        cells.to_csv(temporary, index=False)


def is_learned(variant: Variant, path: Path) -> bool:
    """Whether Level II is there, or is not asked for."""
    return not variant.change.learns or (path / METRICS).exists()


def is_checked(run: VariantRun, path: Path) -> bool:
    """Whether Level I is there, or is not asked for."""
    return not (run.variant.change.tests and run.testing.sources) or (path / LEVEL_ONE).exists()


def is_made(run: VariantRun, path: Path) -> bool:
    """Whether all results of the variant are there."""
    return is_learned(run.variant, path) and is_checked(run, path)


def table_of(run: VariantRun, table: PeopleTable) -> PeopleTable:
    """The table of a variant; source and checksum say that it is not that of the base run."""
    changed = run.variant.change.of_table(table, run.people.drawn_by)
    if changed is table:
        return table
    name = run.variant.name
    return replace(changed, source=f"{table.source}, {name}", sha256=sha256_text(f"{table.sha256} {name}"))


def read_variant(run: VariantRun, path: Path, refused: str) -> VariantResult:
    """What a variant has found; nothing if it was refused."""
    learned = run.variant.change.learns and (path / METRICS).exists()
    tested = run.variant.change.tests and (path / LEVEL_ONE).exists()
    return VariantResult(
        run.variant,
        read_recovered(path) if learned else None,
        pd.read_csv(path / LEVEL_ONE, keep_default_na=False, na_values=[""]) if tested else None,
        refused,
    )


def known_truth(table: PeopleTable, home: Path) -> KnownTruth:
    """What is known of simulated people, after the base run."""
    path = home / RUNS / BASE / TRUE_GRAPH
    return KnownTruth(Graph.from_json(path) if path.exists() else None, table.dependent)
