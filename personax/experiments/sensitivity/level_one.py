"""Level I of a variant: every trait against every feature, with the direction of each dependence."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.run import grid_of_people
from personax.independence import Variables, decide
from personax.tables import PeopleTable
from personax.tables.column_map import TARGETS

CELL = ("scores", "trait", "feature", "test")
KEPT = (*CELL, "n", "pvalue", "q_value", "effect", "rejected", "sign")
ORDERED = ("continuous", "ordinal")
CLEAR_SIGN = 0.05  # level at which Spearman's correlation says whether a dependence rises or falls


@dataclass(frozen=True)
class HowTested:
    """How traits are tested against features.

    Attributes:
        sources: whose scores are tested, in the base run.
        tests: names of the tests.
        alpha: level of the decisions.
        correction: for multiplicity.
        resamples: largest number of random orders of the rows.
    """

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    alpha: float
    correction: Literal["none", "fdr_bh", "holm"]
    resamples: int


def sources_to_test(table: PeopleTable) -> tuple[str, ...]:
    """What is tested: targets if there are any, else the aggregated score, else all raters; () if nothing."""
    if not len(table.features.columns):
        return ()
    available = tuple(table.to_test())
    usual = next((source for source in (TARGETS, "aggregated") if source in available), None)
    return (usual,) if usual else available


def cells_of_level_one(testing: HowTested, table: PeopleTable, seed: int) -> pd.DataFrame:
    """One row per scores, trait, feature and test, with its decision and the sign of the dependence."""
    sources = [source for source in testing.sources if source in table.to_test()]
    if not sources:
        return pd.DataFrame(columns=list(KEPT))
    config = IndependenceConfig(seed=seed, resamples=testing.resamples)
    grid = grid_of_people(config, table, testing.tests, sources, ())
    decided = decide(grid, testing.alpha, testing.correction)
    tested = table.to_test()
    signs = {
        (source, trait, feature): sign_of(tested[source], trait, table, feature)
        for source, trait, feature in dict.fromkeys(zip(*(decided[key] for key in CELL[:3]), strict=True))
    }
    keys = zip(*(decided[key] for key in CELL[:3]), strict=True)
    return decided.assign(sign=[signs[key] for key in keys])[list(KEPT)]


def sign_of(traits: Variables, trait: str, table: PeopleTable, feature: str) -> int:
    """1 if the feature rises with the trait, -1 if it falls, 0 if neither is clear or it has no order."""
    if traits.kinds[trait] not in ORDERED or table.kinds[feature] not in ORDERED:
        return 0
    both = pd.DataFrame(
        {
            "x": traits.frame[trait].to_numpy(dtype=float),
            "y": table.features[feature].to_numpy(dtype=float),
        }
    ).dropna()
    if len(both) < 3 or both.nunique().min() < 2:
        return 0
    correlation, p = spearmanr(both["x"], both["y"])
    return int(np.sign(correlation)) if p <= CLEAR_SIGN else 0
