"""Level I: test every trait against every feature, and draw the paper's heatmap.

    python independence_testing/run_independence_tests.py --dataset celeb
    python independence_testing/run_independence_tests.py --dataset athlete --source simulated
    python independence_testing/run_independence_tests.py --table people.csv --columns map.yaml --tests paper

Writes results/independence/<dataset>/: pvalues.csv, table.md, figures/*.png and *.svg, config.yaml,
manifest.json. Exit code 2 and one line for bad input.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

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
    decide,
    markdown,
    negative_controls,
    votes_table,
)
from personax.independence import DEFAULT_TESTS, PAPER_TESTS, TESTS, Correction, Procedure, run_grid
from personax.independence.procedure import MIN_ROWS
from personax.independence.reference import REFERENCE
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.run_folder import RunFolder, existing_path, open_run, project_path
from personax.runs.seeds import numpy_rng
from personax.tables import HubSource, PeopleTable, SimulatedSource, load_table

log = logging.getLogger(__name__)

SOURCES = ("aggregated", "chatgpt", "gemini", "llama")
LARGEST_STRATIFICATION = 100


@dataclass
class Config:
    """Options of the independence tests."""

    dataset: Literal["athlete", "celeb"] | None = None
    """AthlePersona or CelebPersona; may be left out with --table."""
    source: Literal["hub", "simulated"] = "hub"
    """The released table from the hub, or simulated people with known truth."""
    table: Path | None = None
    """A table of your own (.csv, .parquet) instead of the hub's."""
    columns: Path | None = None
    """YAML file that says what the columns of the table are."""
    tests: str = "default"
    """default (KCI, HSIC, distance correlation, chi-square, Fisher's z), paper (KCI, RCIT, HSIC, chi-square,
    G-square), all, or names with commas between: kci, hsic, distance_correlation, chi_square, fisher_z, rcit,
    g_square."""
    scores: str = "aggregated"
    """Trait scores: aggregated, chatgpt, gemini, llama, several with commas between, or all."""
    aggregate: Literal["median", "majority", "mean"] = "median"
    """How the language models' scores become the aggregated one."""
    alpha: float = 0.05
    """Level of the decisions, in (0, 1)."""
    correction: Correction = "none"
    """Correction for multiplicity within each test and source of scores (the paper has none)."""
    implementation: Literal["exact", "reference"] = "exact"
    """exact: ours; reference: causal-learn, hyppo and scipy (slow, several GB at full size)."""
    given: str | None = None
    """Column that defines strata: tests within each, p-values combined (Fisher)."""
    resamples: int = 1999
    """Permutations or Monte-Carlo tables where a p-value needs them (sparse tables of counts)."""
    seed: int = 0
    """Seed of the tests' randomness."""
    data_seed: int = 0
    """Seed of the simulated table."""
    n: int | None = None
    """Number of people of a simulated table (default: as many as the released one has)."""
    revision: str | None = None
    """Commit of the hub's table."""
    data_dir: Path | None = None
    """Folder for downloads (default: data/ of the project)."""
    jobs: int = 1
    """Processes. The celebrity grid takes 2 s in one; more pay off with several sources of scores."""
    output: Path | None = None
    """Folder of the run (default: results/independence/<dataset>)."""
    overwrite: bool = False
    """Replace an earlier run."""


def chosen_tests(text: str) -> tuple[str, ...]:
    """Names of tests from the --tests option; InputError for unknown, empty or repeated ones."""
    named = {"default": DEFAULT_TESTS, "paper": PAPER_TESTS, "all": tuple(TESTS)}
    if text in named:
        return named[text]
    return _names(text, "--tests", tuple(TESTS), ("default", "paper", "all"))


def chosen_scores(text: str, available: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Sources of scores from the --scores option; InputError if unknown or not in the table."""
    if text == "all":
        return tuple(available)
    wanted = _names(text, "--scores", SOURCES, ("all",))
    for name in wanted:
        if name not in available:
            raise InputError(f"--scores {name}: the table has {', '.join(available) or 'none'}")
    return wanted


def _names(text: str, option: str, known: tuple[str, ...], short: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(f"{option}: {name!r} is unknown; choose from {', '.join((*known, *short))}")
    if len(set(names)) != len(names):
        raise InputError(f"{option} {text}: a name is repeated; give each once")
    return names


def check(config: Config) -> None:
    """Raise InputError for options that are wrong whatever the table."""
    if not 0 < config.alpha < 1:
        raise InputError(f"--alpha {config.alpha:g}: must lie between 0 and 1, both excluded")
    if config.resamples < 1:
        raise InputError(f"--resamples {config.resamples}: must be at least 1")
    if config.jobs == 0:
        raise InputError("--jobs 0: give a number of processes, or -1 for one a core")
    if config.dataset is None and config.table is None:
        raise InputError("give --dataset athlete or celeb, or a --table of your own")


def output_folder(config: Config) -> Path:
    """Where the run goes; InputError if something is there and may not be replaced."""
    default = config.dataset if config.table is None else Path(config.table).stem
    path = project_path(config.output or Path("results") / "independence" / str(default))
    if path.is_dir() and any(path.iterdir()) and not config.overwrite:
        raise InputError(f"{path}: exists; replace it with --overwrite or choose another --output")
    return path


def load(config: Config) -> PeopleTable:
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


def strata(table: PeopleTable, given: str | None) -> pd.Series | None:
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


def test_all(
    config: Config,
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
    given = strata(table, config.given)
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


def write_all(
    folder: RunFolder,
    config: Config,
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
    write_json(folder / "metrics.json", metrics)

    caption = Caption(table.name + within, table.source, len(table.ids), table.simulated, controls)
    figures = folder / "figures"
    draw_votes(decided, caption, config.alpha, config.correction, figures / "rejections.png")
    titles = {test: procedures[test].title for test in dict.fromkeys(decided["test"])}
    for test, title in titles.items():
        draw_evidence(decided, test, title, caption, config.resamples, figures / f"pvalues_{test}.png")
    for source in dict.fromkeys(decided["scores"]):
        draw_effects(decided, source, titles, caption, figures / f"effects_{source}.png")
    draw_scores(table.scores, caption, figures / "scores.png")


def agreement_lines(agreement: pd.DataFrame) -> list[str]:
    """How far the language models agree on each trait, a line each (quadratic weighted kappa, ICC)."""
    return [
        f"Agreement of the language models on {trait}: "
        + ", ".join(
            f"{name} {value:,.0f}" if name == "n" else f"{name} {value:.2f}" for name, value in row.items()
        )
        + "."
        for trait, row in agreement.iterrows()
        if row.drop("n", errors="ignore").notna().any()
    ]


def run(config: Config) -> None:
    """Load, test, decide, write, and say what came out."""
    check(config)
    tests = chosen_tests(config.tests)
    path = output_folder(config)
    table = load(config)
    sources = chosen_scores(config.scores, table.scores)
    strata(table, config.given)
    check_rows(table, sources)
    log.info("%s", table.report)
    procedures = TESTS if config.implementation == "exact" else REFERENCE
    folder = open_run(path, config, overwrite=config.overwrite)
    with folder.recorded(
        data_source=table.source,
        data_sha256=table.sha256,
        data_revision=table.revision,
        simulated=table.simulated,
        people=len(table.ids),
    ) as manifest:
        grid = test_all(config, table, tests, sources, procedures)
        grid["data"] = "simulated" if table.simulated else "real"
        decided = decide(grid, config.alpha, config.correction)
        manifest["tests_seconds"] = round(float(decided["seconds"].sum()), 2)
        write_all(folder, config, table, decided, procedures)
    print(f"{table.name}, {sources[0]} scores: tests that reject / tests that apply")
    print(votes_table(decided, sources[0]))
    print(negative_controls(decided, config.alpha, config.correction))
    print(f"{'SIMULATED DATA. ' if table.simulated else ''}Written to {folder.path}")


def main(argv: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    return run_command(Config, run, argv, description=__doc__ or "")


if __name__ == "__main__":
    raise SystemExit(main())
