"""Small simulated tables, and what is known about them."""

import numpy as np
import pandas as pd

from personax.tables import PeopleTable, simulate_table
from personax.tables.schema import DatasetName
from personax.views import Truth


def small_table(
    dataset: DatasetName, *, data_seed: int = 0, n: int = 300, image_dim: int = 24, text_dim: int = 40
) -> PeopleTable:
    """A simulated table with few people and short embeddings."""
    return simulate_table(dataset, data_seed=data_seed, n=n, image_dim=image_dim, text_dim=text_dim)


def truth_of(table: PeopleTable) -> Truth:
    """The truth of a simulated table."""
    assert table.truth is not None
    return table.truth


def graph_of(table: PeopleTable) -> np.ndarray:
    """The true graph of a simulated table."""
    graph = truth_of(table).graph
    assert graph is not None
    return graph


def dependent_of(table: PeopleTable) -> pd.DataFrame:
    """Which traits and features of a simulated table depend on each other."""
    assert table.dependent is not None
    return table.dependent
