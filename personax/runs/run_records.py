"""What a run has written is read back here, and checked, because a file may be cut off, edited or another's.

Every reader raises InputError with one line: the file, what is wrong with it, and what to do.
"""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personax.runs.errors import InputError, advising
from personax.runs.files import read_json, read_json_lines, read_yaml, write_json
from personax.runs.folder_lock import has_traces, locked_folder
from personax.runs.options import FORMER_OPTIONS
from personax.runs.run_folder import CONFIG, HISTORY, MANIFEST, METRICS, refuse_other_config

if TYPE_CHECKING:
    import torch
    from _typeshed import DataclassInstance

MAKE_ANEW = "copy the run's folder again, or make the run anew with --overwrite"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_numbers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_number, value.values()))


# Words for what an entry must be, as messages have them.
KINDS_OF_ENTRY: Mapping[str, Callable[[Any], bool]] = {
    "a number": _is_number,
    "names with numbers": _are_numbers,
    "names with values": lambda value: isinstance(value, Mapping),
    "a text": lambda value: isinstance(value, str),
    "true or false": lambda value: isinstance(value, bool),
}


def read_options(folder: Path) -> dict[str, Any]:
    """The options in config.yaml, name -> value, without former ones; the values are not checked."""
    with advising(MAKE_ANEW):
        written = read_yaml(folder / CONFIG)
    options = _mapping(written, folder / CONFIG)
    return {name: value for name, value in options.items() if name not in FORMER_OPTIONS}


def read_manifest(folder: Path) -> dict[str, Any]:
    """The entries of manifest.json, `state` among them; `data_sha256` and `simulated` are right if there."""
    path = folder / MANIFEST
    known = {"data_sha256": "a text", "simulated": "true or false"}
    return _checked(_json_entries(path), path, {"state": "a text"}, known)


def read_metrics(
    folder: Path, needed: Mapping[str, str], known: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The entries of metrics.json.

    Args:
        folder: the run folder.
        needed: dotted key, such as "heldout.r2" -> what must be there, a key of `KINDS_OF_ENTRY`.
        known: the same for what may be absent or null.
    """
    path = folder / METRICS
    return _checked(_json_entries(path), path, needed, known or {})


def read_finished(
    folder: Path,
    config: "DataclassInstance",
    needed: Mapping[str, str],
    known: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """`read_metrics` of a finished run. Raises InputError also if the run was made with other options.

    If its process was killed between the metrics and the end, the manifest says from now on that it is
    finished, and what was left half-written is removed.
    """
    refuse_other_config(folder, config)
    manifest = read_manifest(folder)
    if manifest.get("state") != "finished" or has_traces(folder):
        with locked_folder(folder):
            write_json(folder / MANIFEST, manifest | {"state": "finished"})
    return read_metrics(folder, needed, known)


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl: at least one, each with the name of its phase, alike within a phase."""
    path = folder / HISTORY
    with advising(MAKE_ANEW):
        rows = read_json_lines(path)
    names: dict[str, set[str]] = {}
    for number, row in enumerate(rows, start=1):
        _checked(row, f"{path}, line {number}", {"phase": "a text"}, {})
        if names.setdefault(row["phase"], set(row)) != set(row):
            raise InputError(f"{path}, line {number}: other entries than the lines before; {MAKE_ANEW}")
    if not rows:
        raise InputError(f"{path}: empty; {MAKE_ANEW}")
    return rows


def read_tensors(path: Path, device: "torch.device", remedy: str = MAKE_ANEW) -> dict[str, Any]:
    """What torch.save has written: name -> tensors. No code in the file is run.

    `remedy` says what to do about a damaged file.
    """
    import torch  # takes seconds, and not every command reads tensors

    try:
        _refuse_changed_bytes(path)
        saved = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: missing; {remedy}") from error
    except Exception as error:  # torch lets through whatever damaged bytes lead to, with much advice
        raise InputError(f"{path}: damaged, or not written by this version; {remedy}") from error
    return _mapping(saved, path, remedy)


def _refuse_changed_bytes(path: Path) -> None:
    """Raise BadZipFile if the bytes of a file of tensors are not those of its checksums.

    The format of torch is an archive with the CRC-32 of every tensor, which torch.load does not compare: a
    changed bit would be a changed weight.
    """
    with zipfile.ZipFile(path) as archive:
        if (name := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{name} has changed")


def _json_entries(path: Path) -> dict[str, Any]:
    """The names and values in a JSON file."""
    with advising(MAKE_ANEW):
        value = read_json(path)
    return _mapping(value, path)


def _mapping(value: Any, path: Path, remedy: str = MAKE_ANEW) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: holds no names with values; {remedy}")
    return value


def _checked(
    entries: dict[str, Any], where: Path | str, needed: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, Any]:
    """The entries, if they are what `needed` and `known` say."""
    for key, kind in {**known, **needed}.items():
        value = entry_at(entries, key)
        if (value is None and key in needed) or (value is not None and not KINDS_OF_ENTRY[kind](value)):
            raise InputError(f"{where}: {key} must be {kind}; {MAKE_ANEW}")
    return entries


def entry_at(entries: Mapping[str, Any], key: str) -> Any:
    """The entry of a dotted key, such as "heldout.r2"; None if it is not there.

    >>> entry_at({"heldout": {"r2": 0.9}}, "heldout.r2")
    0.9
    """
    value: Any = entries
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
