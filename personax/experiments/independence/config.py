"""The options of the independence tests."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from personax.independence import Correction
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class IndependenceConfig:
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
    """Column that defines strata_of: tests within each, p-values combined (Fisher)."""
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
    data_dir: Path | None = where_or_how(None)
    """Folder for downloads (default: data/ of the project)."""
    jobs: int = where_or_how(1)
    """Processes. The celebrity grid takes 2 s in one; more pay off with several sources of scores."""
    output: Path | None = where_or_how(None)
    """Folder of the run (default: results/independence/<dataset>)."""
    overwrite: bool = where_or_how(False)
    """Replace an earlier run."""
