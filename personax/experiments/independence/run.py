"""Test a table of people and write the run folder: the grid of tests, the decisions, the files."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.effect_intervals import draw_intervals
from personax.experiments.independence.facts import DataFacts, facts_in_memory
from personax.experiments.independence.figures import (
    Caption,
    draw_effects,
    draw_evidence,
    draw_marginal_beside,
    draw_trait_scores,
    draw_votes,
)
from personax.experiments.independence.report import (
    PVALUE_COLUMNS,
    ROUTE_COLUMNS,
    SCORE_COUNTS,
    against_truth,
    independence_report,
    negative_controls,
    table_of_score_counts,
    title_of_test,
)
from personax.independence import CONDITIONAL_TESTS, TESTS, Variables, decide, run_conditional_grid, run_grid
from personax.independence.procedure import with_null
from personax.independence.reference import procedures_of
from personax.runs.figure_style import fonts_for
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, RunFolder, open_run
from personax.runs.seeds import numpy_rng
from personax.streaming.streamed_table import MOST_STRATA
from personax.tables import PeopleTable


class TestedData(NamedTuple):
    """What was tested.

    Attributes:
        name: of the data.
        simulated: whether these people are made up.
        sources: the sources of scores.
        decided: the grid with its decisions.
    """

    name: str
    simulated: bool
    sources: tuple[str, ...]
    decided: pd.DataFrame


def run_tests(
    config: IndependenceConfig, table: PeopleTable, tests: Sequence[str], sources: Sequence[str], path: Path
) -> pd.DataFrame:
    """Test, decide and write everything to the run folder `path`; returns the grid with its decisions."""
    with open_run(path, config, overwrite=config.overwrite, **table.provenance()) as folder:
        given = names_given(config.given)
        grid = grid_of_people(config, table, tests, sources, given)
        facts = facts_in_memory(config, table)
        decided = write_results(folder, config, facts, grid)
        if given and not defines_strata(given, table):
            write_marginal(folder, config, table, decided, sources)
    return decided


def write_results(
    folder: RunFolder, config: IndependenceConfig, facts: DataFacts, grid: pd.DataFrame
) -> pd.DataFrame:
    """Decide, write the tables and draw the figures; returns the grid with its decisions."""
    decided = decide(grid, config.alpha, config.correction)
    folder.manifest["tests_seconds"] = round(float(decided["seconds"].sum()), 2)
    write_tables(folder, config, facts, decided)
    draw_figures(folder / FIGURES, config, facts, decided)
    return decided


def names_given(text: str | None) -> tuple[str, ...]:
    """The columns of the --given option.

    >>> names_given("Height, League"), names_given(None)
    (('Height', 'League'), ())
    """
    return tuple(part.strip() for part in text.split(",")) if text is not None else ()


def defines_strata(given: Sequence[str], table: PeopleTable) -> bool:
    """Whether the condition is a single column of few categories, within which people can be tested."""
    return (
        len(given) == 1
        and table.kinds[given[0]] != "continuous"
        and table.features[given[0]].nunique() <= MOST_STRATA
    )


def grid_of_people(
    config: IndependenceConfig,
    table: PeopleTable,
    tests: Sequence[str],
    sources: Sequence[str],
    given: Sequence[str],
    *,
    without_condition: bool = False,
) -> pd.DataFrame:
    """The grid of all sources of scores, with the source in the column `scores`.

    The columns `given` are no features of it. `without_condition` leaves the condition itself out.
    """
    tested = table.to_test()
    label = {f"{source}|{name}": (source, str(name)) for source in sources for name in tested[source].frame}
    columns = {name: tested[source].frame[own].to_numpy() for name, (source, own) in label.items()}
    kinds = {name: tested[source].kinds[own] for name, (source, own) in label.items()}
    periods = {
        name: tested[source].periods[own]
        for name, (source, own) in label.items()
        if own in tested[source].periods
    }
    features = table.features.reset_index(drop=True)
    traits = Variables(pd.DataFrame(columns), kinds, periods)
    others = Variables(features.drop(columns=list(given)), table.kinds, table.periods)
    rng = numpy_rng(config.seed, "independence")
    if given and not without_condition and not defines_strata(given, table):
        condition = Variables(features[list(given)], table.kinds, table.periods)
        grid = run_conditional_grid(
            traits,
            others,
            condition,
            tests=tests,
            rng=rng,
            resamples=config.resamples,
            jobs=config.jobs,
            procedures=with_null(CONDITIONAL_TESTS, config.null),
        )
    else:
        grid = run_grid(
            traits,
            others,
            tests=tests,
            given=features[given[0]] if given and not without_condition else None,
            rng=rng,
            resamples=config.resamples,
            jobs=config.jobs,
            procedures=with_null(procedures_of(config.implementation), config.null),
        )
    grid["scores"] = grid["trait"].map(lambda name: label[name][0])
    grid["trait"] = grid["trait"].map(lambda name: label[name][1])
    grid["data"] = "simulated" if table.simulated else "real"
    return grid


def write_tables(
    folder: RunFolder, config: IndependenceConfig, facts: DataFacts, decided: pd.DataFrame
) -> None:
    """pvalues.csv, table.md, metrics.json and, if there are scores, agreement.csv and score_counts.csv."""
    if facts.scores:
        with atomic_path(folder / SCORE_COUNTS) as path:
            table_of_score_counts(facts).to_csv(path, index=False)
    if facts.agreement is not None:
        with atomic_path(folder / "agreement.csv") as path:
            facts.agreement.to_csv(path)
    columns = [*PVALUE_COLUMNS, *(name for name in ROUTE_COLUMNS if name in decided)]
    with atomic_path(folder / "pvalues.csv") as path:
        decided.reindex(columns=columns).to_csv(path, index=False)
    write_text(folder / "table.md", independence_report(config, facts, decided))
    metrics = {
        "simulated": facts.simulated,
        "negative_controls": negative_controls(decided, config.alpha, config.correction),
    }
    if facts.dependent is not None:
        metrics["against_truth"] = against_truth(decided, facts.dependent).to_dict("records")
    write_json(folder / METRICS, metrics)


def caption_of(facts: DataFacts, note: str) -> Caption:
    """What every figure of the run says about its data."""
    return Caption(facts.name, facts.source, facts.n, facts.simulated, note)


def write_marginal(
    folder: RunFolder,
    config: IndependenceConfig,
    table: PeopleTable,
    decided: pd.DataFrame,
    sources: Sequence[str],
) -> None:
    """The same tests without the condition: pvalues_marginal.csv, and both beside each other in a figure."""
    tests = [test for test in dict.fromkeys(decided["test"]) if test in TESTS]
    if not tests:
        return
    given = names_given(config.given)
    grid = grid_of_people(config, table, tests, sources, given, without_condition=True)
    marginal = decide(grid, config.alpha, config.correction)
    with atomic_path(folder / "pvalues_marginal.csv") as path:
        marginal.reindex(columns=list(PVALUE_COLUMNS)).to_csv(path, index=False)
    caption = caption_of(facts_in_memory(config, table), "")
    with fonts_for(words_in_figures(decided, caption)):
        for test in tests:
            cells = marginal[marginal["test"] == test], decided[decided["test"] == test]
            title = title_of_test(test, config.implementation)
            draw_marginal_beside(*cells, title, caption, folder / FIGURES / f"marginal_and_given_{test}")


def words_in_figures(decided: pd.DataFrame, caption: Caption) -> list[str]:
    """All words of people in the figures: names of columns and raters, and where the table is from."""
    named = (str(name) for column in ("trait", "feature", "scores") for name in decided[column].unique())
    return [caption.dataset, caption.source, *named]


def draw_figures(folder: Path, config: IndependenceConfig, facts: DataFacts, decided: pd.DataFrame) -> None:
    """Draw the votes, the evidence of each test, the effects for each source of scores, and the scores."""
    caption = caption_of(facts, negative_controls(decided, config.alpha, config.correction))
    rule = (
        f"q ≤ {config.alpha:g} ({config.correction})"
        if config.correction != "none"
        else f"p ≤ {config.alpha:g}"
    )
    with fonts_for(words_in_figures(decided, caption)):
        draw_votes(decided, rule, caption, folder / "rejections")
        titles = {test: title_of_test(test, config.implementation) for test in dict.fromkeys(decided["test"])}
        for test, title in titles.items():
            cells = decided[decided["test"] == test]
            draw_evidence(cells, title, caption, folder / f"pvalues_{test}")
            draw_intervals(cells, title, caption, folder / f"intervals_{test}")
        for source in dict.fromkeys(decided["scores"]):
            cells = decided[decided["scores"] == source]
            draw_effects(cells, titles, caption, folder / f"effects_{source}")
        if facts.scores:
            draw_trait_scores(facts.scores, caption, folder / "scores")
