"""What a run folder holds, read and checked: options, manifest, metrics and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from personax.runs.errors import InputError, advising
from personax.runs.files import read_json
from personax.runs.run_folder import CONFIG, MANIFEST, METRICS
from personax.runs.run_records import MAKE_ANEW, read_manifest, read_options

HELD_BY_RUNS = "seed-*"  # folders of several seeds, beside their summary


@dataclass(frozen=True)
class RunRecord:
    """A folder and what it says of itself.

    Attributes:
        path: the folder.
        options: config.yaml; empty if the folder only holds other runs.
        manifest: manifest.json; the same.
        metrics: metrics.json; empty if there is none.
        simulated: True if the people do not exist.
    """

    path: Path
    options: dict[str, Any]
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    simulated: bool

    @property
    def name(self) -> str:
        """The end of the path, such as default/seed-0."""
        return "/".join(self.path.parts[-2:]) if self.path.name.startswith("seed-") else self.path.name

    def table(self, name: str, needed: Sequence[str] = ()) -> pd.DataFrame | None:
        """A CSV file of the folder; None if it is not there. Raises InputError if it is damaged."""
        path = self.path / name
        if not path.exists():
            return None
        try:
            table = pd.read_csv(path, keep_default_na=False, na_values=[""])
        except Exception as error:  # pandas lets through whatever damaged bytes lead to
            raise InputError(
                f"{path}: cannot be read as CSV ({' '.join(str(error).split())[:120]}); {MAKE_ANEW}"
            ) from error
        if missing := [column for column in needed if column not in table]:
            raise InputError(f"{path}: no column {missing[0]!r}; make the run again with --overwrite")
        return table

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON file of the folder; None if it is not there. Raises InputError if it holds no object."""
        path = self.path / name
        if not path.exists():
            return None
        with advising(MAKE_ANEW):
            value = read_json(path)
        if not isinstance(value, dict):
            raise InputError(f"{path}: holds no names with values; {MAKE_ANEW}")
        return value


def read_records(folders: Sequence[Path]) -> list[RunRecord]:
    """The runs in these folders; a folder that only holds seeds stands for all of them. Raises InputError."""
    records = [read_record(each) for folder in folders for each in _runs_of(folder)]
    paths = [record.path for record in records]
    if len(set(paths)) < len(paths):
        raise InputError(f"{next(path for path in paths if paths.count(path) > 1)}: given twice")
    return records


def _runs_of(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; name a finished run folder")
    seeds = [path for path in folder.glob(HELD_BY_RUNS) if (path / MANIFEST).exists()]
    return sorted(seeds, key=_seed_of) if seeds and not (folder / MANIFEST).exists() else [folder]


def _seed_of(path: Path) -> tuple[int, str]:
    number = path.name.rpartition("-")[2]
    return (int(number) if number.isdecimal() else -1, path.name)


def read_record(folder: Path) -> RunRecord:
    """Read a folder. Raises InputError if it is no run folder and holds no tables of other runs."""
    whole = (folder / CONFIG).exists() and (folder / MANIFEST).exists()
    tables = not whole and any(folder.glob("*.csv"))
    below = [read_manifest(path.parent) for path in sorted(folder.rglob(MANIFEST))] if tables else []
    if not whole and not below:
        raise InputError(f"{folder}: not a run folder (no {CONFIG} or {MANIFEST})")
    options, manifest = (read_options(folder), read_manifest(folder)) if whole else ({}, {})
    record = RunRecord(folder, options, manifest, {}, False)
    metrics = record.json(METRICS) or {}
    simulated = any(bool(found.get("simulated")) for found in (manifest, metrics, *below))
    return RunRecord(folder, options, manifest, metrics, simulated)
