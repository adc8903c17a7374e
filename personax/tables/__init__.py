"""CelebPersona and AthlePersona: schema, hub, files, trait scores, agreement, simulation.

load_table       loads a table from the hub or from a file, or simulates one; returns a PeopleTable
simulate_table   makes up people whose latents and graph are known
load_embeddings  reads embeddings from .npy files that are named as the authors' files
write_table      writes a PeopleTable as one parquet file

The hub is the Hugging Face hub, where both tables are published. Latents are the hidden causes of the
embeddings and of the trait scores.
"""

from personax.tables.embedding_files import load_embeddings
from personax.tables.loading import HubSource, SimulatedSource, load_table
from personax.tables.people_table import LoadReport, PeopleTable
from personax.tables.schema import TRAITS
from personax.tables.simulation import simulate_table
from personax.tables.writing import write_table

__all__ = [
    "TRAITS",
    "HubSource",
    "LoadReport",
    "PeopleTable",
    "SimulatedSource",
    "load_embeddings",
    "load_table",
    "simulate_table",
    "write_table",
]
