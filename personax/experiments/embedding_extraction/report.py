"""What the command prints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from personax.experiments.embedding_extraction.run import EMBEDDINGS, FAILED_CELLS
from personax.runs.markdown import markdown_table


def extraction_report(metrics: Mapping[str, Any], path: Path) -> str:
    """A table of the columns of vectors, and where the files are."""
    people, failed = int(metrics["people"]), metrics["failed"]
    table = pd.DataFrame(
        {
            "numbers": {name: int(width) for name, width in metrics["columns"].items()},
            "people": {name: people - int(failed[name]) for name in metrics["columns"]},
            "missing": {name: int(failed[name]) for name in metrics["columns"]},
        }
    )
    lines = [markdown_table(table, index="column", digits=0), ""]
    if any(failed.values()):
        lines.append(f"missing embeddings and their reasons: {path / FAILED_CELLS}")
    mark = "SIMULATED DATA. " if metrics.get("simulated") else ""
    lines.append(f"{mark}{path / EMBEDDINGS}")
    return "\n".join(lines)
