"""A YAML file that says what your arrays are, and the arrays that it names.

    measurements:                       # modality -> its measurements
      face: [face_1.npy, "arrays.npz:face_2"]
      voice: ["people.csv:voice_*", voice_2.parquet]
    ids: "people.csv:id"                # all that follows may be left out
    split: split.npy                    # train, validation or test for each row
    observed: {voice: seen.npy}         # (n, measurements) of 0 and 1; 0: the person lacks it
    truth:                              # of simulated rows: latents of each block, and their graph
      latents: {face: "truth.csv:z11,z12", voice: "truth.csv:z21,z22"}
      graph: graph.csv
    simulated: true

Behind a colon stand the name of an array of an .npz file, or the columns of a table, separated by commas,
where * stands for any letters. A column of vectors is named alone. Files are looked up beside the YAML
file. Row i is the same person in all of them. A row of nothing but NaN is a measurement that the person
lacks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from personax.learning.latent_names import latent_names
from personax.runs.errors import InputError
from personax.runs.files import read_npy, read_npz, read_yaml, sha256_arrays
from personax.views import SHARED, MultiViewData, Split, Truth

STAYS_IN_FILE = 2**32  # bytes of a .npy file from which it is not read into memory (mapped_people.py)
ARRAY_FORMATS = (".npy", ".npz", ".parquet", ".csv")
KEYS = ("measurements", "ids", "split", "observed", "truth", "simulated")
SPLIT_PARTS = ("train", "validation", "test")

Found = Shaped[np.ndarray, "..."] | pd.DataFrame
"""What a file holds: an array of any shape, or a table."""


class OwnArrays(NamedTuple):
    """The arrays of a description.

    Attributes:
        data: all rows.
        split: the split that the description names, or None.
        checksum: SHA-256 of all measurements, masks and latents.
        simulated: the description says that these people do not exist.
    """

    data: MultiViewData
    split: Split | None
    checksum: str
    simulated: bool


def read_arrays(path: Path) -> OwnArrays:
    """Read a description and its arrays. Raises InputError, which names the file and what would be right."""
    described = read_yaml(path)
    if not isinstance(described, dict) or not isinstance(described.get("measurements"), dict):
        raise InputError(f"{path}: no description; it needs 'measurements: {{face: [face.npy]}}'")
    for key in described:
        if key not in KEYS:
            raise InputError(f"{path}: unknown key {key!r}; the keys are {', '.join(KEYS)}")
    measurements: dict[str, list[Any]] = {
        str(modality): [
            _measurement_in(text, path) for text in _file_texts(given, f"measurements of {modality}", path)
        ]
        for modality, given in described["measurements"].items()
    }
    if not any(measurements.values()):
        raise InputError(f"{path}: no measurements; give at least one, as 'face: [face.npy]'")
    masks = {m: np.asarray(read_reference(t, path)) for m, t in _named_files(described, "observed", path)}
    truth = _described_truth(described["truth"], list(measurements), path) if "truth" in described else None
    data = MultiViewData(measurements, observed=masks, truth=truth, source=str(path))
    if "ids" in described:
        data = replace(data, ids=_identifiers(described["ids"], path))
    data = without_rows_of_nan(data)
    split = (
        _described_split(_one_column(described["split"], path), len(data), path)
        if "split" in described
        else None
    )
    simulated = described.get("simulated", False)
    if not isinstance(simulated, bool):
        raise InputError(f"{path}: simulated: {simulated!r}; must be true or false")
    return OwnArrays(data, split, _own_checksum(data, split), simulated)


def without_rows_of_nan(data: MultiViewData) -> MultiViewData:
    """The same people; a measurement that holds nothing but NaN of a person is not observed."""
    observed = {
        modality: data.observed[modality]
        & np.column_stack([~np.isnan(array).reshape(len(data), -1).all(1) for array in arrays])
        for modality, arrays in data.measurements.items()
    }
    return replace(data, observed=observed)


def read_reference(text: str, described_in: Path) -> Found:
    """The array, or the columns of the table, that a text such as "people.csv:x,y" names.

    described_in: the description, beside which files are looked up. Raises InputError.
    """
    file, names = _file_and_names(text)
    path = described_in.parent / Path(file).expanduser()
    where = f"{described_in}: {text!r}"
    if path.suffix not in ARRAY_FORMATS:
        raise InputError(f"{where}: must be a {', '.join(ARRAY_FORMATS)} file")
    if not path.exists():
        raise InputError(f"{where}: no file {path}")
    try:
        if path.suffix == ".npy":
            array = read_npy(path)
            return array if path.stat().st_size >= STAYS_IN_FILE else np.array(array)
        if path.suffix == ".npz":
            return read_npz(path, names)
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not a text in UTF-8; save it as UTF-8") from error
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{where}: cannot be read ({str(error).splitlines()[0]})") from error
    return _columns_of(table, names, where) if names else table


def _file_and_names(text: str) -> tuple[str, str]:
    """What stands before and behind the colon that follows the name of a file.

    >>> _file_and_names("a.npz:face"), _file_and_names("C:/a.npy")
    (('a.npz', 'face'), ('C:/a.npy', ''))
    """
    file, colon, names = text.rpartition(":")
    return (file, names) if colon and Path(file).suffix in ARRAY_FORMATS else (text, "")


def _columns_of(table: pd.DataFrame, names: str, where: str) -> Found:
    """The columns with these names, where * stands for any letters, in the order of the names.

    A single column of vectors, as extract_embeddings writes it, becomes one column for each number.
    """
    chosen: list[str] = []
    columns = [str(column) for column in table.columns]
    for name in (part.strip() for part in names.split(",")):
        found = [column for column in columns if fnmatchcase(column, name) and column not in chosen]
        if not found:
            raise InputError(f"{where}: no column {name!r}; there are {', '.join(columns[:12])}")
        chosen += found
    named = table.set_axis(columns, axis=1)[chosen]
    return _unpacked_vectors(named[chosen[0]], where) if _is_packed(named) else named


def _is_packed(table: pd.DataFrame) -> bool:
    """Whether a table has one column, whose first cell with a value is a vector."""
    first = table.iloc[:, 0].dropna().head(1)
    return table.shape[1] == 1 and any(isinstance(cell, np.ndarray | list) for cell in first)


def _unpacked_vectors(column: pd.Series, where: str) -> Shaped[np.ndarray, "n d"]:
    """(n, d) numbers from vectors; a cell without a value becomes a row of NaN. Raises InputError."""
    cells = [None if cell is None else np.asarray(cell) for cell in column]
    shapes = {cell.shape for cell in cells if cell is not None}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise InputError(f"{where}: vectors of shapes {sorted(shapes)[:3]}; one length is expected")
    out = np.full((len(cells), *shapes.pop()), np.nan, dtype=np.float32)
    for row, cell in enumerate(cells):
        if cell is not None:
            try:
                out[row] = cell
            except (TypeError, ValueError) as error:
                raise InputError(f"{where}, row {row + 1}: no vector of numbers") from error
    return out


def _measurement_in(text: str, path: Path) -> Found:
    """A measurement; pictures of whole numbers 0 to 255 become numbers in [0, 1]."""
    found = read_reference(text, path)
    if isinstance(found, pd.DataFrame) or found.ndim != 4:
        return found
    if found.dtype == np.uint8:
        return (found / np.float32(255)).astype(np.float32)
    if np.nanmin(found, initial=0) < 0 or np.nanmax(found, initial=1) > 1:
        raise InputError(f"{path}: {text!r}: pictures must be numbers in [0, 1], or uint8 from 0 to 255")
    return found


def _one_column(text: object, path: Path) -> Shaped[np.ndarray, " n"]:
    """One value for each row."""
    values = np.asarray(read_reference(str(text), path))
    values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1:
        raise InputError(f"{path}: {text!r}: shape {values.shape}; one value a row, as 'people.csv:id'")
    return values


def _identifiers(text: object, path: Path) -> Shaped[np.ndarray, " n"]:
    """One identifier for each row, each only once: the same person in two rows could be in two splits."""
    ids = _one_column(text, path)
    again = pd.Series(ids).duplicated().to_numpy()
    if again.any():
        row = int(again.argmax())
        raise InputError(f"{path}: ids, row {row + 1}: {str(ids[row])[:40]!r} is in an earlier row, too")
    return ids


def _file_texts(given: object, what: str, path: Path) -> list[str]:
    """One text, or a list of different ones."""
    texts: list[Any] = given if isinstance(given, list) else [given]
    if not all(isinstance(text, str) for text in texts):
        raise InputError(f"{path}: {what}: {given!r}; a list of files, as [face_1.npy, face_2.npy]")
    for text in texts:
        if texts.count(text) > 1:
            raise InputError(f"{path}: {what}: {text!r} is given twice; a copy is no second measurement")
    return texts


def _named_files(described: Mapping[str, Any], key: str, path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of a key such as observed, which maps names to files."""
    given = described.get(key) or {}
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise InputError(f"{path}: {key}: must map names to files, as {{voice: file.npy}}")
    return iter({str(name): text for name, text in given.items()}.items())


def _described_split(labels: Shaped[np.ndarray, " rows"], n: int, path: Path) -> Split:
    """The split that one label for each row says."""
    if len(labels) != n:
        raise InputError(f"{path}: split: {len(labels)} rows, but the measurements have {n}")
    found = np.array([str(label) for label in labels])
    for label in found:
        if label not in SPLIT_PARTS:
            raise InputError(f"{path}: split: {str(label)!r}; each row is one of {', '.join(SPLIT_PARTS)}")
    return Split(*(np.flatnonzero(found == part) for part in SPLIT_PARTS))


def _described_truth(given: object, modalities: Sequence[str], path: Path) -> Truth:
    """The true latents of each block, and their graph."""
    if not isinstance(given, dict) or set(given) - {"latents", "graph"} or "latents" not in given:
        raise InputError(f"{path}: truth: must have the keys latents and graph, or latents alone")
    tables = {block: read_reference(text, path) for block, text in _named_files(given, "latents", path)}
    for block in tables:
        if block not in (SHARED, *modalities):
            raise InputError(f"{path}: truth of {block!r}: the blocks are s, {', '.join(modalities)}")
    names = latent_names({block: _width(found) for block, found in _shared_first(tables).items()})
    blocks = {
        block: list(map(str, found.columns)) if isinstance(found, pd.DataFrame) else names[block]
        for block, found in tables.items()
    }
    latents = pd.concat(
        [
            pd.DataFrame(_true_numbers(found, f"{path}: truth of {block!r}"), columns=blocks[block])
            for block, found in tables.items()
        ],
        axis=1,
    )
    graph = np.asarray(read_reference(given["graph"], path)) if "graph" in given else None
    return Truth(latents, blocks, graph)


def _true_numbers(found: Found, where: str) -> Shaped[np.ndarray, "..."]:
    """The numbers of an array or a table. Raises InputError for anything else."""
    values = np.asarray(found)
    if values.dtype.kind not in "fiub":
        raise InputError(f"{where}: {values.dtype}, not numbers; leave out columns of labels")
    return values


def _width(found: Found) -> int:
    return 1 if found.ndim == 1 else int(found.shape[1])


def _shared_first(tables: Mapping[str, Found]) -> dict[str, Found]:
    return dict(sorted(tables.items(), key=lambda pair: pair[0] != SHARED))


def _own_checksum(data: MultiViewData, split: Split | None) -> str:
    """SHA-256 of everything that a run depends on."""
    arrays: Sequence[np.ndarray] = [array for views in data.measurements.values() for array in views]
    known: list[np.ndarray] = []
    if data.truth is not None:
        known.append(data.truth.latents.to_numpy(dtype=float))
        if data.truth.graph is not None:
            known.append(data.truth.graph)
    given = [] if split is None else [split.train, split.validation, split.test]
    return sha256_arrays(*arrays, *data.observed.values(), *known, *given)
