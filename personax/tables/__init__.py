"""CelebPersona and AthlePersona: schema, hub, files, trait scores, agreement, simulation.

load_table       the hub's table, a file, or a simulated table -> PeopleTable
simulate_table   made-up people with known truth
load_embeddings  .npy files in the authors' names
write_table      a PeopleTable as one parquet file
"""

from personax.tables.embeddings import load_embeddings
from personax.tables.loading import load_table
from personax.tables.people import LoadReport, PeopleTable, Truth
from personax.tables.schema import TRAITS, Kind
from personax.tables.simulation import simulate_table
from personax.tables.writing import write_table

__all__ = [
    "TRAITS",
    "Kind",
    "LoadReport",
    "PeopleTable",
    "Truth",
    "load_embeddings",
    "load_table",
    "simulate_table",
    "write_table",
]
