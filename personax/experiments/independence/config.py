"""Level I: test every trait against every feature, and draw the paper's heatmap.

Examples:
  run_independence_tests.py --dataset celeb
  run_independence_tests.py --dataset athlete --source simulated
  run_independence_tests.py --table people.csv --columns auto
  run_independence_tests.py --table people.csv --columns people_columns.yaml --tests paper
  run_independence_tests.py --table 'people/*.parquet' --engine local --jobs 2

Writes pvalues.csv, table.md, config.yaml, manifest.json and figures to results/independence/DATASET.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from personax.runs.bounds import Between, Level, PlaceOfFile, Positive, Processes, Seed
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class IndependenceConfig:
    """Options of the independence tests."""

    dataset: Literal["athlete", "celeb"] | None = None
    """AthlePersona or CelebPersona; may be left out if --table is given."""
    source: Literal["hub", "simulated"] = "hub"
    """The released table from the hub, or simulated people with known truth."""
    table: Annotated[Path, PlaceOfFile()] | None = None
    """Your own table (.csv, .parquet, ...) instead of the hub's."""
    columns: Annotated[Path, PlaceOfFile()] | None = None
    """YAML file that says what the columns of the table are. auto: write such a file for you to correct, and
    stop."""
    tests: str = "default"
    """default (KCI, HSIC, distance correlation, chi-square, Fisher's z), paper (KCI, RCIT, HSIC, chi-square,
    G-square), all, or names with commas between: kci, hsic, distance_correlation, chi_square, fisher_z, rcit,
    g_square."""
    scores: str = "default"
    """What is tested against the features: aggregated, chatgpt, gemini, llama, a rater of the columns file or
    its targets; several with commas between, or all. default: targets if there are any, else aggregated,
    else all."""
    aggregate: Literal["median", "majority", "mean"] = "median"
    """How the scores of the language models are combined into the aggregated score."""
    alpha: Level = 0.05
    """Level of the decisions, in (0, 1)."""
    correction: Literal["none", "fdr_bh", "holm"] = "none"
    """Correction for multiplicity within each test and source of scores (the paper uses none)."""
    implementation: Literal["exact", "reference"] = "exact"
    """exact: our own tests; reference: causal-learn, hyppo and scipy (slow, several GB at full size)."""
    null: Literal["auto", "asymptotic", "permutation"] = "auto"
    """How p-values are computed. auto: from the distribution that the data bear (asymptotic where no few rows
    decide, else exact or from random orders of the rows); asymptotic or permutation: always so, where a test
    offers it: of the conditional tests, only chi_square and g_square have a choice."""
    given: str | None = None
    """Features on which the tests are conditional, separated by commas: does a trait say anything about a
    feature among people with the same values of these? A single column of at most 100 categories defines
    strata: the tests are done within each, and their p-values are combined (Fisher). For other columns,
    conditional tests are used (kci, distance_correlation, chi_square, fisher_z, rcit, rcot, g_square, gcm),
    and figures show each test without the condition beside the test with it."""
    resamples: Annotated[int, Between(1, 1e7)] = 1999
    """Largest number of random orders of the rows, or of random tables, for the p-values that need them; ten
    times as many where none of them is as extreme as the data, but not for tables of over 10,000 cells."""
    seed: Seed = 0
    """Seed of the random numbers of the tests."""
    data_seed: Seed = 0
    """Seed of the simulated table."""
    n: Positive | None = None
    """Number of people of a simulated table (default: as many as in the released table); of any other table,
    only the first n rows are used."""
    revision: str | None = None
    """Commit of the hub's table."""
    data_dir: Annotated[Path, PlaceOfFile()] | None = where_or_how(None)
    """Folder for downloads (default: data/hub of the project)."""
    engine: Literal["local", "dask"] | None = where_or_how(None)
    """Read --table (parquet files, as 'people/*.parquet') part by part in bounded memory, for tables that no
    memory holds: on this machine (local, with --jobs processes), or on a Dask cluster (dask). Not given: the
    table is read into memory."""
    scheduler: str | None = where_or_how(None)
    """Address of the Dask cluster's scheduler, for --engine dask."""
    jobs: Processes = where_or_how(1)
    """Number of processes; -1: one per core. One process tests the celebrity table in 2 s; more pay off with
    several sources of scores."""
    output: Annotated[Path, PlaceOfFile()] | None = where_or_how(None)
    """Folder of the run (default: results/independence/<dataset>)."""
    resume: bool = where_or_how(False)
    """With --engine: continue an interrupted run behind the parts that were counted."""
    overwrite: bool = where_or_how(False)
    """Replace an earlier run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        IndependenceConfig,
        "personax.experiments.independence.command:run_independence",
        argv,
        description=__doc__ or "",
        usual="dataset source table columns tests scores alpha correction given engine output overwrite",
    )
