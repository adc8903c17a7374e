"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.experiments.embedding_extraction.cells_to_encode import read_cells
from personax.experiments.embedding_extraction.config import ExtractionConfig
from personax.experiments.embedding_extraction.report import extraction_report
from personax.experiments.embedding_extraction.run import extract
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.run_folder import METRICS, path_or_default, typed_path
from personax.runs.run_records import read_finished

EXTRACTION_NEEDED = {"columns": "names with numbers", "failed": "names with numbers", "people": "a number"}


def run_extraction(config: ExtractionConfig) -> Path:
    """Embed a table, print what was made, and return the folder of results. Raises InputError."""
    if not config.table:
        raise InputError("--table: name the table of people whose texts or pictures are embedded")
    resolve_device(config.device)
    path = path_or_default(config.output, f"results/embeddings/{config.name}")
    people = read_cells(typed_path(config.table), config.texts, config.images, config.keep)
    if config.resume and (path / METRICS).exists():
        metrics = read_finished(path, config, EXTRACTION_NEEDED)
    else:
        metrics = extract(config, path, people)
    print(extraction_report(metrics, path))
    return path
