"""The options of the independence tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from personax.independence import TESTS, Correction, Procedure
from personax.independence.reference import REFERENCE
from personax.runs.bounds import Between, Level, PlaceOfFile, Positive, Seed
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
    """YAML file that says what the columns of the table hold."""
    tests: str = "default"
    """default (KCI, HSIC, distance correlation, chi-square, Fisher's z), paper (KCI, RCIT, HSIC, chi-square,
    G-square), all, or names with commas between: kci, hsic, distance_correlation, chi_square, fisher_z, rcit,
    g_square."""
    scores: str = "aggregated"
    """Trait scores: aggregated, chatgpt, gemini, llama, several with commas between, or all."""
    aggregate: Literal["median", "majority", "mean"] = "median"
    """How the scores of the language models are combined into the aggregated score."""
    alpha: Level = 0.05
    """Level of the decisions, in (0, 1)."""
    correction: Correction = "none"
    """Correction for multiplicity within each test and source of scores (the paper uses none)."""
    implementation: Literal["exact", "reference"] = "exact"
    """exact: our own tests; reference: causal-learn, hyppo and scipy (slow, several GB at full size)."""
    given: str | None = None
    """Column that defines strata (disjoint groups of people): the tests are done within each stratum, and
    their p-values are combined (Fisher)."""
    resamples: Annotated[int, Between(1, 1e7)] = 1999
    """Largest number of Monte-Carlo tables for the p-values that need them (sparse tables of counts)."""
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
    """Folder for downloads (default: data/ of the project)."""
    jobs: Annotated[int, Between(-1, 1024)] = where_or_how(1)
    """Number of processes. One process tests the celebrity table in 2 s; more pay off with several sources of
    scores."""
    output: Annotated[Path, PlaceOfFile()] | None = where_or_how(None)
    """Folder of the run (default: results/independence/<dataset>)."""
    overwrite: bool = where_or_how(False)
    """Replace an earlier run."""

    @property
    def procedures(self) -> Mapping[str, Procedure]:
        """The tests of the chosen implementation."""
        return TESTS if self.implementation == "exact" else REFERENCE
