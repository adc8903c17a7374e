"""Folders with answers, as infer_traits.py writes them."""

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from personax.runs.files import write_json
from personax.runs.run_folder import RESPONSES
from personax.tables.schema import TRAITS
from personax.traits.answers import Answer


def write_answers(folder: Path, answers: pd.DataFrame, *, simulated: bool = False) -> Path:
    """Write rows with the columns of `read_answers` as responses.jsonl, and a manifest."""
    folder.mkdir(parents=True)
    records = [
        Answer(
            scores={trait: int(row[trait]) for trait in TRAITS},
            descriptions=dict.fromkeys(TRAITS, ""),
            asked_at="2026-01-01T00:00:00+00:00",
            key=f"{row['id']}{row['model']}{row['format']}{row['repeat']}",
            **{name: row[name] for name in answers.columns if name not in TRAITS},
        )
        for row in answers.to_dict("records")
    ]
    lines = [json.dumps(asdict(record)) + "\n" for record in records]
    (folder / RESPONSES).write_text("".join(lines), encoding="utf-8")
    write_json(folder / "manifest.json", {"state": "finished", "simulated": simulated})
    return folder
