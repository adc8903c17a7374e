"""Load the table, test every trait against every feature, write the results."""

import logging
from collections.abc import Mapping

import pandas as pd

from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.figures import (
    Caption,
    draw_effects,
    draw_evidence,
    draw_scores,
    draw_votes,
)
from personax.experiments.independence.report import (
    COLUMNS,
    against_truth,
    agreement_lines,
    markdown,
    negative_controls,
)
from personax.independence import Procedure, run_grid
from personax.independence.procedure import MIN_ROWS
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, RunFolder, existing_path
from personax.runs.seeds import numpy_rng
from personax.tables import HubSource, PeopleTable, SimulatedSource, load_table

log = logging.getLogger(__name__)

LARGEST_STRATIFICATION = 100


def load_people(config: IndependenceConfig) -> PeopleTable:
    """The table that the options name."""
    hub = HubSource(config.revision, existing_path(config.data_dir) if config.data_dir else None)
    return load_table(
        config.dataset,
        source=SimulatedSource(config.data_seed) if config.source == "simulated" else hub,
        table=existing_path(config.table) if config.table else None,
        columns=existing_path(config.columns) if config.columns else None,
        aggregate=config.aggregate,
        embeddings=False,
        n=config.n,
    )


def strata_of(table: PeopleTable, given: str | None) -> pd.Series | None:
    """Labels of the strata; InputError for an unknown or continuous column, or too many values."""
    if given is None:
        return None
    if given not in table.features:
        raise InputError(f"--given {given}: no such feature; choose from {', '.join(table.features.columns)}")
    values = table.features[given].nunique()
    if table.kinds[given] == "continuous" or values > LARGEST_STRATIFICATION:
        raise InputError(
            f"--given {given}: {table.kinds[given]} with {values} values; strata need a column of "
            f"at most {LARGEST_STRATIFICATION} categories"
        )
    return table.features[given]


def check_rows(table: PeopleTable, sources: tuple[str, ...]) -> None:
    """InputError if no trait and feature share 5 complete rows; a warning for each constant column."""
    present = table.features.notna().to_numpy().astype(int)
    most = max(
        (int((table.scores[s].notna().to_numpy().astype(int).T @ present).max(initial=0)) for s in sources),
        default=0,
    )
    if most < MIN_ROWS:
        raise InputError(
            f"{table.source}: no trait and feature share {MIN_ROWS} complete rows (at most {most}); "
            "a test needs them"
        )
    for name, column in table.features.items():
        if column.nunique() < 2:
            log.warning("warning: feature %s is constant or missing; its cells are marked undefined", name)
    for source in sources:
        for name, column in table.scores[source].items():
            if column.nunique() < 2:
                log.warning("warning: %s scores of %s are constant; marked undefined", source, name)


def test_people(
    config: IndependenceConfig,
    table: PeopleTable,
    tests: tuple[str, ...],
    sources: tuple[str, ...],
    procedures: Mapping[str, Procedure],
) -> pd.DataFrame:
    """The grid, long, with the source of scores in its own column."""
    label = {f"{source}|{trait}": (source, trait) for source in sources for trait in table.scores[source]}
    traits = pd.DataFrame(
        {name: table.scores[source][trait].to_numpy() for name, (source, trait) in label.items()}
    )
    features = table.features.drop(columns=[config.given] if config.given else [])
    given = strata_of(table, config.given)
    grid = run_grid(
        traits,
        features.reset_index(drop=True),
        trait_kinds=dict.fromkeys(label, "ordinal"),
        feature_kinds=table.kinds,
        periods=table.periods,
        tests=tests,
        given=None if given is None else given.reset_index(drop=True),
        rng=numpy_rng(config.seed, "independence"),
        resamples=config.resamples,
        jobs=config.jobs,
        procedures=procedures,
    )
    grid["scores"] = grid["trait"].map(lambda name: label[name][0])
    grid["trait"] = grid["trait"].map(lambda name: label[name][1])
    return grid


def write_results(
    folder: RunFolder,
    config: IndependenceConfig,
    table: PeopleTable,
    decided: pd.DataFrame,
    procedures: Mapping[str, Procedure],
) -> None:
    """pvalues.csv, agreement.csv, table.md, metrics.json and the figures."""
    agreement = table.agreement()
    with atomic_path(folder / "agreement.csv") as path:
        agreement.to_csv(path)
    with atomic_path(folder / "pvalues.csv") as path:
        decided.reindex(columns=list(COLUMNS)).to_csv(path, index=False)
    within = f", given {config.given}" if config.given else ""
    dependent = None if config.given else table.dependent
    controls = negative_controls(decided, config.alpha, config.correction)
    text = markdown(
        decided,
        title=f"Independence tests: {table.name}{within}",
        simulated=table.simulated,
        alpha=config.alpha,
        correction=config.correction,
        dependent=dependent,
        notes=[
            f"n = {len(table.ids):,}; {config.implementation} implementation; source: {table.source}.",
            *agreement_lines(agreement),
        ],
        procedures=procedures,
    )
    write_text(folder / "table.md", text)
    metrics = {"simulated": table.simulated, "negative_controls": controls}
    if dependent is not None:
        metrics["against_truth"] = against_truth(decided, dependent).to_dict("records")
    write_json(folder / METRICS, metrics)

    caption = Caption(table.name + within, table.source, len(table.ids), table.simulated, controls)
    figures = folder / FIGURES
    draw_votes(decided, caption, config.alpha, config.correction, figures / "rejections.png")
    titles = {test: procedures[test].title for test in dict.fromkeys(decided["test"])}
    for test, title in titles.items():
        draw_evidence(decided, test, title, caption, config.resamples, figures / f"pvalues_{test}.png")
    for source in dict.fromkeys(decided["scores"]):
        draw_effects(decided, source, titles, caption, figures / f"effects_{source}.png")
    draw_scores(table.scores, caption, figures / "scores.png")
