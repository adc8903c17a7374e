"""load_table: the hub's table, a file of one's own, or a simulated table."""

from pathlib import Path
from typing import Literal

from personax.runs.errors import InputError
from personax.tables.people import PeopleTable
from personax.tables.schema import DatasetName
from personax.tables.scores import Aggregate
from personax.tables.simulation import simulate_table


def load_table(
    dataset: DatasetName | None,
    *,
    source: Literal["hub", "simulated"] = "hub",
    table: Path | None = None,
    columns: Path | None = None,
    data_seed: int = 0,
    revision: str | None = None,
    data_dir: Path | None = None,
    aggregate: Aggregate = "median",
    embeddings: bool = True,
    image_dim: int = 1024,
    text_dim: int = 3584,
    n: int | None = None,
) -> PeopleTable:
    """One of the two tables."""
    if source == "simulated" and dataset is not None:
        return simulate_table(
            dataset,
            data_seed=data_seed,
            n=n,
            image_dim=image_dim,
            text_dim=text_dim,
            embeddings=embeddings,
            aggregate=aggregate,
        )
    raise InputError("reading files comes next")
