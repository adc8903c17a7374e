"""Where graphs and latents come from: run folders, files, and the two graphs of the paper."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from personax.graphs.graph import SHARED, Graph
from personax.graphs.scores import check_adjacency
from personax.runs.errors import InputError
from personax.runs.files import read_yaml
from personax.runs.folder import MANIFEST

PUBLISHED = Path(__file__).parent / "published"
LATENTS, GRAPH, TRUTH = "latents.parquet", "graph.json", "truth_graph.json"
LATENT_FILES = (".npy", ".parquet", ".csv")
_NOT_LATENTS = ("id", "split")


@dataclass(frozen=True)
class Latents:
    """Latents of one training, with what is known of them.

    Attributes:
        table: (n, d) latents; index: identifiers of the people.
        blocks: latent -> block.
        learned: the model's own graph, or None.
        truth: the true graph over the same names, or None.
        simulated: True if the people are simulated.
        path: where they were read.
    """

    table: pd.DataFrame
    blocks: Mapping[str, str]
    learned: Graph | None
    truth: Graph | None
    simulated: bool
    path: Path

    @property
    def names(self) -> list[str]:
        """Names of the latents, in order."""
        return list(self.table.columns)


def block_from_name(name: str) -> str:
    """`s1` belongs to "s", `z12` and `z1_10` to "z1"; other names to no block ("")."""
    if re.fullmatch(r"s_?\d+", name):
        return SHARED
    match = re.fullmatch(r"z(\d)\d|z(\d+)[_,]\d+", name)
    return f"z{match[1] or match[2]}" if match else ""


def read_latents(
    path: Path, *, rows: Literal["all", "test"] = "all", names: Sequence[str] | None = None
) -> Latents:
    """Latents of a run folder, or of a .npy, .parquet or .csv file.

    A table's columns are latents, except `id` and `split` (upper or lower case); `rows="test"` keeps those
    whose split is "test". `names` names the columns of a .npy file (else x1, x2, ...) or picks columns of a
    table. Raises InputError, naming the file.
    """
    if not path.exists():
        raise InputError(f"{path}: no such run folder or file")
    folder = path if path.is_dir() else None
    if folder and not (folder / LATENTS).exists():
        raise InputError(f"{folder}: no {LATENTS}; give a finished run folder, or a file of latents")
    table = _read_table(folder / LATENTS if folder else path, names)
    lower = {str(column).lower(): column for column in table.columns}
    if rows == "test":
        if "split" not in lower:
            raise InputError(f"{path}: no column 'split', so --rows test has no meaning; give --rows all")
        table = table[table[lower["split"]] == "test"]
    if "id" in lower:
        table = table.set_index(lower["id"])
    if table.index.has_duplicates:
        raise InputError(f"{path}: id {table.index[table.index.duplicated()][0]!r} occurs twice")
    table = table.drop(columns=[lower[key] for key in _NOT_LATENTS[1:] if key in lower])
    table = _picked(table, names, path)
    return _described(table, path, folder)


def _read_table(path: Path, names: Sequence[str] | None) -> pd.DataFrame:
    if path.suffix not in LATENT_FILES:
        raise InputError(f"{path}: must be a run folder, or a {', '.join(LATENT_FILES)} file of latents")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix == ".csv":
            return pd.read_csv(path)
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: cannot be read ({reason})") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.number):
        raise InputError(f"{path}: holds {array.dtype} of shape {array.shape}; latents are numbers (n, d)")
    if names and len(names) != array.shape[1]:
        raise InputError(f"{path}: {array.shape[1]} columns, but --names has {len(names)}")
    return pd.DataFrame(array, columns=list(names or (f"x{i + 1}" for i in range(array.shape[1]))))


def _picked(table: pd.DataFrame, names: Sequence[str] | None, path: Path) -> pd.DataFrame:
    """The latent columns as floats. Raises InputError for one that is missing or not numeric."""
    table.columns = [str(column) for column in table.columns]
    for name in names or ():
        if name not in table.columns:
            raise InputError(f"{path}: no column {name!r}; columns are {', '.join(table.columns)}")
    chosen = table[list(names)] if names else table
    for name in chosen.columns:
        if not pd.api.types.is_numeric_dtype(chosen[name]):
            raise InputError(f"{path}: column {name!r} is not numeric; pick the latents with --names")
    if len(chosen.columns) < 2:
        raise InputError(f"{path}: {len(chosen.columns)} latents; a graph needs at least 2")
    return chosen.astype(float)


def _described(table: pd.DataFrame, path: Path, folder: Path | None) -> Latents:
    names = list(table.columns)
    learned = _graph_over(folder / GRAPH, names) if folder and (folder / GRAPH).exists() else None
    truth = _graph_over(folder / TRUTH, names) if folder and (folder / TRUTH).exists() else None
    known = learned.blocks if learned else {}
    blocks = {name: known.get(name, "") or block_from_name(name) for name in names}
    return Latents(table, blocks, learned, truth, _simulated(folder), path)


def _simulated(folder: Path | None) -> bool:
    manifest = folder / MANIFEST if folder else None
    if manifest is None or not manifest.exists():
        return False
    try:
        return bool(json.loads(manifest.read_text(encoding="utf-8")).get("simulated", False))
    except (ValueError, AttributeError) as error:
        raise InputError(f"{manifest}: not valid JSON ({error})") from error


def _graph_over(path: Path, names: Sequence[str]) -> Graph:
    """The graph of a file, its nodes in the order of `names`. Raises InputError if they are other nodes."""
    return reordered(Graph.from_json(path), names, str(path))


def reordered(graph: Graph, names: Sequence[str], where: str) -> Graph:
    """`graph` with its nodes in the order of `names`. Raises InputError if they are other nodes."""
    differing = sorted(set(graph.names) ^ set(names))
    if differing:
        raise InputError(f"{where}: node {differing[0]!r} is in one graph only; both need the same nodes")
    return graph.permuted([graph.names.index(name) for name in names])


def read_graph(text: str, path: Path, names: Sequence[str]) -> tuple[Graph, str]:
    """Another graph and its title: `athlete` or `celeb`, a graph.json, a folder with one, or a matrix.

    A .npy or .csv matrix (csv: no header) is an adjacency, A[i, j] = 1 meaning i -> j, over `names`.
    Raises InputError for a missing file, a matrix that is not square, or other nodes than `names`.
    """
    if text in published_names():
        graph, _, title = published(text)
        return reordered(graph, names, f"published graph {text}"), title
    if path.is_dir():
        path = path / GRAPH
    if not path.exists():
        known = ", ".join(published_names())
        raise InputError(f"{path}: no such graph; give {known}, a graph.json, its folder, or a .npy matrix")
    if path.suffix == ".json":
        return reordered(Graph.from_json(path), names, str(path)), path.parent.name
    return Graph(names, _read_matrix(path, names)), path.stem


def _read_matrix(path: Path, names: Sequence[str]) -> np.ndarray:
    if path.suffix not in (".npy", ".csv"):
        raise InputError(f"{path}: a graph is a .json, .npy or .csv file")
    try:
        if path.suffix == ".npy":
            matrix = np.load(path, allow_pickle=False)
        else:
            matrix = np.loadtxt(path, delimiter=",", ndmin=2)
        adjacency = check_adjacency(matrix)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    if len(adjacency) != len(names):
        raise InputError(f"{path}: {len(adjacency)} nodes, the graph to compare with has {len(names)}")
    return adjacency


def published_names() -> list[str]:
    """Names of the published graphs."""
    return sorted(path.stem for path in PUBLISHED.glob("*.yaml"))


def published(name: str) -> tuple[Graph, dict[str, str], str]:
    """A published graph, its labels and its title. Raises InputError for another name."""
    if name not in published_names():
        raise InputError(f"no published graph {name!r}; there are {', '.join(published_names())}")
    value: dict[str, Any] = read_yaml(PUBLISHED / f"{name}.yaml")
    labels = {node: label for members in value["blocks"].values() for node, label in members.items()}
    names = list(labels)
    adjacency = np.zeros((len(names), len(names)), dtype=int)
    for edge in value["edges"]:
        source, mark, target = edge.split()
        i, j = names.index(source), names.index(target)
        adjacency[i, j] = 1
        adjacency[j, i] = int(mark == "---")
    blocks = {node: block for block, members in value["blocks"].items() for node in members}
    return Graph(names, adjacency, blocks=blocks), labels, value["title"]


def read_labels(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Labels from a YAML mapping node -> text. Raises InputError for a node that is not in the graph."""
    value = read_yaml(path)
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: must map nodes to labels, as in 'z11: skin tone'")
    for node in value:
        if node not in names:
            raise InputError(f"{path}: {node!r} is no node of this graph; nodes are {', '.join(names)}")
    return {str(node): str(label) for node, label in value.items() if label is not None}
