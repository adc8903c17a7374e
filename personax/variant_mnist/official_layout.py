"""Variant-MNIST on disk, in the layout that the official code reads.

color.csv      z11, z12, path_red, path_green, path_blue   RGB PNGs
fashion.csv    z21, z22, path [, path_2, path_3 ...]       grey PNGs
graph.csv      from, to                                    edges between the latents (we have added this file)

The first two tables have one row per scene, in the same order. Paths are relative to the folder. More latents
z13, z14, ... and z23, z24, ... are allowed. In messages, row 1 is the first row below the header.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from PIL import Image

from personax.runs.errors import InputError
from personax.runs.files import atomic_path
from personax.runs.progress import progress
from personax.views import MultiViewData, Truth

GRAPH_FILE = "graph.csv"
OFFICIAL_EDGES = (("z11", "z12"), ("z11", "z21"), ("z21", "z22"))

_COLOURS = ("path_red", "path_green", "path_blue")
_PICTURES_AT_ONCE = 256  # number of pictures that a thread reads or writes at a time

TextTable = Mapping[str, Sequence[str]]  # column name -> its cells, as text


class _Layout(NamedTuple):
    """How a modality is stored: its table, the prefix of its latents, and the kind of its pictures."""

    modality: str
    table: str
    prefix: str
    mode: str
    channels: int

    def latents(self, names: Sequence[str]) -> list[str]:
        """The latents that a table with the columns `names` must have: at least two, without gaps."""
        return _numbered(names, self.prefix, at_least=2)

    def paths(self, names: Sequence[str]) -> list[str]:
        """The path columns that a table with the columns `names` must have, one per measurement."""
        if self.mode == "RGB":
            return list(_COLOURS)
        return ["path", *_numbered(names, "path_", at_least=1)[1:]]


_LAYOUTS = (
    _Layout("digit", "color.csv", prefix="z1", mode="RGB", channels=3),
    _Layout("garment", "fashion.csv", prefix="z2", mode="L", channels=1),
)


def _numbered(names: Sequence[str], prefix: str, *, at_least: int) -> list[str]:
    """prefix1, prefix2, ... up to the largest number among `names`, but at least up to `at_least`."""
    found = [re.fullmatch(rf"{prefix}([1-9]\d?)", name) for name in names]
    last = max([at_least, *(int(match[1]) for match in found if match)])
    return [f"{prefix}{number}" for number in range(1, last + 1)]


def write_dataset(data: MultiViewData, folder: Path | str) -> None:
    """Write `data` in the official layout. Pixels are rounded to 1/255.

    If anything fails, nothing is left behind.

    Args:
        data: the modalities are "digit" (three measurements (n, 3, h, w): red, green, blue) and "garment"
            (one or more (n, 1, h, w)), with pixels in [0, 1] and nothing missing. The true latents are z11,
            z12, ... and z21, z22, ..., and their graph is known.
        folder: a new or empty folder.

    Raises:
        InputError: `data` do not fit the layout, or the folder is not empty or cannot be written.
    """
    _check_fits(data)
    folder = Path(folder)
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: is not empty; name a new folder to write to")
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            _write_all(data, temporary)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror or error}); name another folder"
        ) from error


def _check_fits(data: MultiViewData) -> None:
    """Raise InputError if `data` are not of the form that `write_dataset` describes."""
    if data.truth is None or data.truth.graph is None:
        raise InputError("the official layout needs true latents and their graph, which these data lack")
    if set(data.modalities) != {layout.modality for layout in _LAYOUTS}:
        raise InputError(f"the official layout has modalities digit and garment, not {data.modalities}")
    columns = list(data.truth.latents.columns)
    expected = [name for layout in _LAYOUTS for name in layout.latents(columns)]
    if set(columns) != set(expected):
        raise InputError(f"the official layout has latents {expected}, not {columns}")
    sizes = {array.shape[2:] for arrays in data.measurements.values() for array in arrays}
    if len(sizes) > 1:
        raise InputError(f"the official layout has pictures of one size, not {sorted(sizes)}")
    for layout in _LAYOUTS:
        arrays = data.measurements[layout.modality]
        if not arrays or (layout.mode == "RGB" and len(arrays) != len(_COLOURS)):
            raise InputError(f"{layout.modality}: {len(arrays)} measurements do not fit {layout.table}")
        if not data.observed[layout.modality].all():
            raise InputError(f"{layout.modality}: the official layout cannot store missing measurements")
        for array in arrays:
            if array.ndim != 4 or array.shape[1] != layout.channels:
                raise InputError(f"{layout.modality}: shape {array.shape}, not (n, {layout.channels}, h, w)")
            if not (array.min() >= 0 and array.max() <= 1):
                raise InputError(f"{layout.modality}: pixels outside [0, 1]")


def _write_all(data: MultiViewData, folder: Path) -> None:
    jobs: list[tuple[np.ndarray, list[Path]]] = []
    for layout in _LAYOUTS:
        arrays = data.measurements[layout.modality]
        table = data.true_latents[layout.latents(list(data.true_latents.columns))].copy()
        columns = layout.paths([f"path_{number}" for number in range(1, len(arrays) + 1)])
        for number, (column, array) in enumerate(zip(columns, arrays, strict=True), start=1):
            name = column.removeprefix("path_") if layout.mode == "RGB" else str(number)
            below = f"{Path(layout.table).stem}/{name}"
            (folder / below).mkdir(parents=True)
            table[column] = [f"{below}/{row:06d}.png" for row in range(len(data))]
            paths = [folder / path for path in table[column]]
            jobs += [
                (array[start : start + _PICTURES_AT_ONCE], paths[start : start + _PICTURES_AT_ONCE])
                for start in range(0, len(data), _PICTURES_AT_ONCE)
            ]
        table.to_csv(folder / layout.table, index=False)
    edges = np.argwhere(np.asarray(data.known_truth.graph))
    names = np.array(data.true_latents.columns, dtype=object)
    pd.DataFrame(names[edges], columns=["from", "to"]).to_csv(folder / GRAPH_FILE, index=False)
    total = sum(len(paths) for _, paths in jobs)
    with ThreadPoolExecutor() as pool, progress(total, "writing", "picture") as bar:
        for written in pool.map(lambda job: _write_pictures(*job), jobs):
            bar.update(written)


def _write_pictures(array: Float[np.ndarray, "b channels h w"], paths: Sequence[Path]) -> int:
    """Write pictures (b, 1 or 3, h, w) in [0, 1]; returns their number."""
    pixels = np.rint(array * 255).astype(np.uint8).transpose(0, 2, 3, 1)
    for picture, path in zip(pixels, paths, strict=True):
        Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture).save(path, "PNG")
    return len(paths)


def read_dataset(folder: Path | str, *, size: int | None = None) -> MultiViewData:
    """Read a folder in the official layout, written by this project or by others.

    Args:
        folder: contains color.csv, fashion.csv and their PNGs, which all have the same size.
        size: side in pixels to which the pictures are resized (bilinear, antialiased); None keeps their size.

    Returns:
        The modalities "digit" (three measurements (n, 3, h, w): red, green, blue) and "garment" (one
        measurement (n, 1, h, w) per path column), with pixels in [0, 1]. The graph is read from graph.csv.
        Without this file it is the official graph if the latents are the four official ones, else None.

    Raises:
        InputError: something is missing, cannot be read or does not fit. The message names table, row and
            column.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; a dataset is a folder with color.csv and fashion.csv")
    tables = [_read_table(folder / layout.table) for layout in _LAYOUTS]
    latents, blocks = _read_latents(folder, tables)
    jobs: list[_PictureColumn] = []
    for layout, table in zip(_LAYOUTS, tables, strict=True):
        for name in layout.paths(list(table)):
            _require(folder / layout.table, table, name)
            jobs.append(_PictureColumn(folder, layout, name, table[name]))
    arrays = _read_pictures(jobs, size)
    return MultiViewData(
        measurements={
            layout.modality: [array for job, array in zip(jobs, arrays, strict=True) if job.layout is layout]
            for layout in _LAYOUTS
        },
        ids=np.arange(len(latents)),
        truth=Truth(latents, blocks, _read_graph(folder / GRAPH_FILE, list(latents.columns))),
        source=f"folder {folder}",
    )


def _read_table(path: Path) -> TextTable:
    """The columns of a CSV file with a header and at least one row, as text. Raises InputError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = [line for line in csv.reader(stream) if line]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; a dataset has color.csv and fashion.csv") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error})") from error
    if not lines:
        raise InputError(f"{path}: empty; it needs a header and one row per scene")
    header, *rows = lines
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InputError(f"{path}, row {number}: {len(row)} cells, but the header has {len(header)}")
    return {name: [row[place] for row in rows] for place, name in enumerate(header)}


def _require(path: Path, table: TextTable, name: str) -> None:
    if name not in table:
        raise InputError(f"{path}: no column {name!r}; it has {', '.join(table) or 'none'}")


def _read_latents(folder: Path, tables: Sequence[TextTable]) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """All latents (n, k) and modality -> names of its latents. Raises InputError."""
    blocks: dict[str, list[str]] = {}
    values: dict[str, list[float]] = {}
    for layout, table in zip(_LAYOUTS, tables, strict=True):
        path = folder / layout.table
        blocks[layout.modality] = layout.latents(list(table))
        for name in blocks[layout.modality]:
            _require(path, table, name)
            values[name] = [_number(cell, path, row, name) for row, cell in enumerate(table[name], start=1)]
    counts = {layout.table: len(values[blocks[layout.modality][0]]) for layout in _LAYOUTS}
    if len(set(counts.values())) > 1 or not all(counts.values()):
        text = " and ".join(f"{name} has {n} rows" for name, n in counts.items())
        raise InputError(f"{folder}: {text}; both need one row for each scene")
    return pd.DataFrame(values), blocks


def _number(cell: str, path: Path, row: int, column: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{path}, row {row}, column {column}: {cell!r} is not a finite number")
    return value


def _read_graph(path: Path, names: Sequence[str]) -> Int[np.ndarray, "k k"] | None:
    """(k, k) adjacency matrix over `names`, or None (see `read_dataset`). Raises InputError."""
    edges: list[tuple[str, str]]
    if path.exists():
        table = _read_table(path)
        for column in ("from", "to"):
            _require(path, table, column)
            for row, name in enumerate(table[column], start=1):
                if name not in names:
                    place = f"{path}, row {row}, column {column}"
                    raise InputError(f"{place}: {name!r} is not one of the latents {', '.join(names)}")
        edges = list(zip(table["from"], table["to"], strict=True))
    elif list(names) == ["z11", "z12", "z21", "z22"]:
        edges = list(OFFICIAL_EDGES)
    else:
        return None
    digraph = nx.DiGraph(edges)
    digraph.add_nodes_from(names)
    if not nx.is_directed_acyclic_graph(digraph):
        raise InputError(f"{path}: the graph of the latents has a cycle; a causal graph has none")
    return np.asarray(nx.to_numpy_array(digraph, nodelist=list(names), dtype=np.dtype(int)))


class _PictureColumn(NamedTuple):
    """A path column of a table: the pictures of one measurement."""

    folder: Path
    layout: _Layout
    name: str
    paths: Sequence[str]

    def read(self, row: int) -> Image.Image:
        """The decoded picture in a row (the first is 0), in the mode of the layout. Raises InputError."""
        cell = self.paths[row]
        if not cell:
            raise self.error(row, "is empty; it needs the path of a PNG file")
        try:
            with Image.open(self.folder / cell, formats=("PNG",)) as picture:
                picture.load()
        except FileNotFoundError as error:
            raise self.error(row, "no such file") from error
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise self.error(row, "cannot be read as a PNG file; it is damaged or of another kind") from error
        if picture.mode != self.layout.mode:
            raise self.error(row, f"mode {picture.mode}, but {self.layout.table} needs {self.layout.mode}")
        return picture

    def error(self, row: int, fault: str) -> InputError:
        """The error about the picture in a row."""
        place = f"{self.folder / self.layout.table}, row {row + 1}, column {self.name}"
        return InputError(f"{place}: {self.paths[row]}: {fault}" if self.paths[row] else f"{place}: {fault}")


def _read_pictures(
    columns: Sequence[_PictureColumn], size: int | None
) -> list[Float[np.ndarray, "n channels h w"]]:
    """One array (n, channels, h, w) float32 in [0, 1] per column. Raises InputError if sizes differ."""
    original = columns[0].read(0).size
    width, height = original if size is None else (size, size)
    n = len(columns[0].paths)
    arrays = [np.empty((n, column.layout.channels, height, width), dtype=np.float32) for column in columns]

    def read_block(job: tuple[_PictureColumn, Float[np.ndarray, "n channels h w"], int]) -> int:
        column, array, start = job
        rows = range(start, min(start + _PICTURES_AT_ONCE, n))
        for row in rows:
            picture = column.read(row)
            if picture.size != original:
                found, first = ("{} x {}".format(*each) for each in (picture.size, original))
                raise column.error(row, f"{found} pixels, but the first picture has {first}")
            pixels = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
            array[row] = pixels.reshape(height, width, -1).transpose(2, 0, 1)
        array[rows.start : rows.stop] /= 255
        return len(rows)

    jobs = [
        (column, array, start)
        for column, array in zip(columns, arrays, strict=True)
        for start in range(0, n, _PICTURES_AT_ONCE)
    ]
    total = n * len(columns)
    with ThreadPoolExecutor() as pool, progress(total, "reading", "picture") as bar:
        for done in pool.map(read_block, jobs):
            bar.update(done)
    return arrays
