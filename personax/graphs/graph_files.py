"""Read graphs and latents: from run folders, from files, and the two published graphs of the paper."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from personax.graphs.graph import Graph, check_adjacency, group_by_block
from personax.runs.errors import InputError, advising
from personax.runs.files import read_npy, read_text, read_yaml
from personax.runs.run_folder import GRAPH, LATENTS, MANIFEST, TRUE_GRAPH
from personax.runs.run_records import MAKE_ANEW, read_manifest
from personax.views import SHARED

log = logging.getLogger(__name__)

PUBLISHED_GRAPHS = Path(__file__).parent / "published"
LATENT_FILES = (".npy", ".parquet", ".csv")
ID, SPLIT = "id", "split"  # columns of a table of latents that are not latents
OBSERVED = "observed_"  # beginning of the names of its columns of True and False, one for each modality
UNNAMED = re.compile(r"(Unnamed: \d+)?")  # an empty name, or what pandas calls a column without a name
REAL_NUMBERS = "iuf"  # numpy's letters for signed and unsigned integers and floating-point numbers


@dataclass(frozen=True)
class Latents:
    """The latents of one training and what is known about them.

    Attributes:
        table: (n, d) latents, one column per latent; the index holds the identifiers of the people.
        blocks: block -> names of its latents, each latent once; latents in no other block are in block "".
        learned: the graph that the model learned, or None.
        true_graph: the true graph over the same names, or None.
        simulated: True if the people are simulated.
        path: the folder or file that they come from.
        left_out: number of people who are not in the table, because some of their latents are imputed
            (guessed by the model, as nothing was observed of a modality).
    """

    table: pd.DataFrame
    blocks: Mapping[str, Sequence[str]]
    learned: Graph | None
    true_graph: Graph | None
    simulated: bool
    path: Path
    left_out: int = 0

    @property
    def names(self) -> list[str]:
        """Names of the latents, in the order of the columns."""
        return list(self.table.columns)


class TitledGraph(NamedTuple):
    """A graph and the title above its picture."""

    graph: Graph
    title: str


class PublishedGraph(NamedTuple):
    """A graph of the paper: the graph, node name -> label (the paper's name for the node), and the title."""

    graph: Graph
    labels: dict[str, str]
    title: str


def block_from_name(name: str) -> str:
    """The block to which a latent belongs according to its name; "" if the name does not show it.

    >>> [block_from_name(name) for name in ("s1", "z12", "z1_10", "height")]
    ['s', 'z1', 'z1', '']
    """
    if re.fullmatch(r"s_?\d+", name, re.ASCII):
        return SHARED
    match = re.fullmatch(r"z(\d)\d|z(\d+)[_,]\d+", name, re.ASCII)
    return f"z{match[1] or match[2]}" if match else ""


def read_latents(
    path: Path, *, rows: Literal["all", "test"] = "all", names: Sequence[str] | None = None
) -> Latents:
    """Read the latents of a run folder, or of a .npy, .parquet or .csv file.

    The columns of a table are latents, except `id` and `split` (in upper or lower case), a first column
    without a name, and columns of True and False whose names begin with `observed_`. pandas writes an index
    as a first column without a name: it holds the identifiers, if there is no `id`. A False in `observed_...`
    means that no measurement of this modality was observed for the person, so that the latents of the
    modality are imputed: the model has guessed them. A graph over such latents would use the model's own
    guesses as data, so people with a False are left out. `rows="test"` keeps the rows whose split is "test".
    `names` gives names to the columns of a .npy file (else x1, x2, ...), or chooses columns of a table.
    Raises InputError, which names the file.
    """
    _check_distinct(names or ())
    if not path.exists():
        raise InputError(f"{path}: no such run folder or file")
    folder = path if path.is_dir() else None
    if folder and not (folder / LATENTS).exists():
        raise InputError(f"{folder}: no {LATENTS}; give a finished run folder, or a file of latents")
    table = _without_written_index(_read_latent_table(folder / LATENTS if folder else path, names), path)
    lower = {str(column).lower(): column for column in table.columns}
    if rows == "test":
        if SPLIT not in lower:
            raise InputError(f"{path}: no column 'split', so --rows test has no meaning; give --rows all")
        table = table[table[lower[SPLIT]] == "test"]
    if ID in lower:
        table = table.set_index(lower[ID])
    if table.index.has_duplicates:
        raise InputError(f"{path}: id {table.index[table.index.duplicated()][0]!r} occurs twice")
    if SPLIT in lower:
        table = table.drop(columns=lower[SPLIT])
    table, left_out = _without_imputed(table)
    latents = _with_graphs(_latent_columns(table, names, path), path, folder)
    return replace(latents, left_out=left_out)


def _without_imputed(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The people without imputed latents, without columns `observed_...`; and the number of the others."""
    marks = [
        column
        for column in table.columns
        if str(column).startswith(OBSERVED) and pd.api.types.is_bool_dtype(table[column])
    ]
    complete = pd.Series(table[marks].to_numpy(dtype=bool).all(1), index=table.index)
    return table[complete].drop(columns=marks), int((~complete).sum())


def _check_distinct(names: Sequence[str]) -> None:
    """Raise InputError if a name that the user gave to a latent is empty or occurs twice."""
    for position, name in enumerate(names):
        if not name:
            raise InputError(f"--names: name {position + 1} is empty; give each latent its own name")
        if name in names[:position]:
            raise InputError(f"--names: {name!r} occurs twice; give each latent its own name")


def _without_written_index(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Use a first column without a name as the identifiers; drop it if there is a column `id`."""
    if not len(table.columns) or not UNNAMED.fullmatch(str(table.columns[0])):
        return table
    if any(str(column).lower() == ID for column in table.columns):
        log.info("%s: the first column has no name; it is left out, the identifiers are in 'id'", path)
        return table.drop(columns=table.columns[0])
    log.info("%s: the first column has no name; it is taken as the identifiers of the people", path)
    return table.set_index(table.columns[0]).rename_axis(ID)


def _read_latent_table(path: Path, names: Sequence[str] | None) -> pd.DataFrame:
    if path.suffix not in LATENT_FILES:
        raise InputError(f"{path}: must be a run folder, or a {', '.join(LATENT_FILES)} file of latents")
    if path.suffix == ".npy":
        return _table_of_array(read_npy(path), names, path)
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except Exception as error:  # pandas lets through whatever damaged metadata lead to
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: cannot be read ({reason}); copy or make it again") from error


def _table_of_array(
    array: Shaped[np.ndarray, "..."], names: Sequence[str] | None, path: Path
) -> pd.DataFrame:
    if array.ndim != 2 or array.dtype.kind not in REAL_NUMBERS:
        raise InputError(
            f"{path}: holds {array.dtype} of shape {array.shape}; latents are real numbers (n, d)"
        )
    if names and len(names) != array.shape[1]:
        raise InputError(f"{path}: {array.shape[1]} columns, but --names has {len(names)}")
    return pd.DataFrame(array, columns=list(names or (f"x{i + 1}" for i in range(array.shape[1]))))


def _latent_columns(table: pd.DataFrame, names: Sequence[str] | None, path: Path) -> pd.DataFrame:
    """The columns `names` (all if None) as floats. Raises InputError if one is missing or not numeric."""
    table = table.set_axis([str(column) for column in table.columns], axis=1)
    for name in names or ():
        if name not in table.columns:
            raise InputError(f"{path}: no column {name!r}; columns are {', '.join(table.columns)}")
    chosen = table[list(names)] if names else table
    for name in chosen.columns:
        if UNNAMED.fullmatch(name):
            raise InputError(f"{path}: a column has no name; name it, or choose the latents with --names")
        if not pd.api.types.is_numeric_dtype(chosen[name]):
            raise InputError(f"{path}: column {name!r} is not numeric; choose the latents with --names")
    if len(chosen.columns) < 2:
        raise InputError(f"{path}: {len(chosen.columns)} latents; a graph needs at least 2")
    return chosen.astype(float)


def _with_graphs(table: pd.DataFrame, path: Path, folder: Path | None) -> Latents:
    """Add to a table of latents what its run folder (or None) says about them: blocks, graphs, simulated."""
    names = list(table.columns)
    learned = _graph_in(folder, GRAPH, names)
    known = learned.block_of if learned else {}
    blocks = group_by_block({name: known.get(name) or block_from_name(name) for name in names})
    true_graph = _graph_in(folder, TRUE_GRAPH, names)
    return Latents(table, blocks, learned, true_graph, _is_simulated(folder), path)


def _graph_in(folder: Path | None, file: str, names: Sequence[str]) -> Graph | None:
    """The graph in a file of the folder, its nodes in the order of `names`; None if there is no such file."""
    if folder is None or not (folder / file).exists():
        return None
    with advising(MAKE_ANEW):
        return reordered(Graph.from_json(folder / file), names, str(folder / file))


def _is_simulated(folder: Path | None) -> bool:
    if folder is None or not (folder / MANIFEST).exists():
        return False
    return bool(read_manifest(folder).get("simulated"))


def reordered(graph: Graph, names: Sequence[str], where: str) -> Graph:
    """Return `graph` with its nodes in the order of `names`.

    Raises InputError, whose message begins with `where`, if the graph has other nodes.
    """
    differing = sorted(set(graph.names) ^ set(names))
    if differing:
        raise InputError(f"{where}: node {differing[0]!r} is in one graph only; both need the same nodes")
    return graph.permuted([graph.names.index(name) for name in names])


def read_graph(text: str, path: Path, names: Sequence[str]) -> TitledGraph:
    """Read the graph to compare with.

    Args:
        text: what the user typed: the name of a published graph, or a path.
        path: this path, made absolute: a graph.json, a folder with one, or a .npy or .csv matrix (csv:
            without a header line). A matrix is an adjacency over `names`, where A[i, j] = 1 means i -> j.
        names: the nodes that the graph must have; the returned graph has them in this order.

    Raises InputError for a missing file, a matrix that is not square, or other nodes.
    """
    if text in published_names():
        found = published(text)
        return TitledGraph(reordered(found.graph, names, f"published graph {text}"), found.title)
    if path.is_dir():
        path = path / GRAPH
    if not path.exists():
        known = ", ".join(published_names())
        raise InputError(f"{path}: no such graph; give {known}, a graph.json, its folder, or a .npy matrix")
    if path.suffix == ".json":
        return TitledGraph(reordered(Graph.from_json(path), names, str(path)), path.parent.name)
    return TitledGraph(Graph(names, _read_matrix(path, names)), path.stem)


def _read_matrix(path: Path, names: Sequence[str]) -> Bool[np.ndarray, "d d"]:
    if path.suffix not in (".npy", ".csv"):
        raise InputError(f"{path}: a graph is a .json, .npy or .csv file")
    matrix = read_npy(path) if path.suffix == ".npy" else _read_csv_matrix(path)
    try:
        adjacency = check_adjacency(matrix)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    if len(adjacency) != len(names):
        raise InputError(f"{path}: {len(adjacency)} nodes, the graph to compare with has {len(names)}")
    return adjacency


def _read_csv_matrix(path: Path) -> Float[np.ndarray, "n m"]:
    try:
        return np.loadtxt(read_text(path).splitlines(), delimiter=",", ndmin=2)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def published_names() -> list[str]:
    """Names of the published graphs."""
    return sorted(path.stem for path in PUBLISHED_GRAPHS.glob("*.yaml"))


def published(name: str) -> PublishedGraph:
    """Read a graph of the paper. Raises InputError if there is none of this name.

    >>> published("celeb").labels["z11"]
    'clothing'
    """
    if name not in published_names():
        raise InputError(f"no published graph {name!r}; there are {', '.join(published_names())}")
    value: dict[str, Any] = read_yaml(PUBLISHED_GRAPHS / f"{name}.yaml")
    labels = {node: label for members in value["blocks"].values() for node, label in members.items()}
    names = list(labels)
    adjacency = np.zeros((len(names), len(names)), dtype=int)
    for edge in value["edges"]:
        source, mark, target = edge.split()
        i, j = names.index(source), names.index(target)
        adjacency[i, j] = 1
        adjacency[j, i] = int(mark == "---")
    blocks = {block: list(members) for block, members in value["blocks"].items()}
    return PublishedGraph(Graph(names, adjacency, blocks=blocks), labels, value["title"])


def read_labels(path: Path, names: Sequence[str]) -> dict[str, str]:
    """Read a YAML file that maps nodes to labels. Raises InputError for a node that is not in `names`."""
    value = read_yaml(path)
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: must map nodes to labels, as in 'z11: skin tone'")
    for node in value:
        if node not in names:
            raise InputError(f"{path}: {node!r} is not a node of this graph; nodes are {', '.join(names)}")
    return {str(node): str(label) for node, label in value.items() if label is not None}
