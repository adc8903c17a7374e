"""What the command `consistency` measures, as three tables."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class Consistency:
    """What was measured.

    Attributes:
        measures: model, format, repeats, measure (std, TARr, TARa, alpha), trait, value, low, high, people.
        spreads: model, format, id, spread: the mean over traits of a person's standard deviation.
        distances: model, pair (a ... f), first, second, value, low, high, people, by_repeats: the distance
            that repeats alone would make.
    """

    measures: pd.DataFrame
    spreads: pd.DataFrame
    distances: pd.DataFrame
