"""Latents and graphs from files: which columns and rows are read, and what a run folder adds."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian

from personax.graphs.graph import Graph
from personax.graphs.graph_files import published, read_graph, read_latents, reordered
from personax.runs.errors import InputError
from personax.runs.run_folder import GRAPH, LATENTS, MANIFEST, TRUE_GRAPH


@pytest.fixture
def table() -> pd.DataFrame:
    latents = pd.DataFrame(linear_gaussian(TRUE, 20), columns=NAMES)
    latents.insert(0, "Split", ["test", "train", "train", "train"] * 5)
    latents.insert(0, "ID", [f"person-{i}" for i in range(20)])
    return latents


def test_id_and_split_are_no_latents(tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_csv(tmp_path / "latents.csv", index=False)
    read = read_latents(tmp_path / "latents.csv")
    assert read.names == NAMES
    assert read.table.index.tolist() == table["ID"].tolist()
    assert read.blocks == {"s": ["s1"], "z1": ["z11", "z12"], "z2": ["z21", "z22"]}
    assert (read.learned, read.true_graph, read.simulated) == (None, None, False)


def test_the_index_that_pandas_writes_holds_the_identifiers(
    tmp_path: Path, table: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    table.set_index("ID")[NAMES].rename_axis(None).to_csv(tmp_path / "latents.csv")
    with caplog.at_level(logging.INFO):
        read = read_latents(tmp_path / "latents.csv")
    assert read.names == NAMES
    assert read.table.index.tolist() == table["ID"].tolist()
    assert [record.message.split(": ", 1)[1] for record in caplog.records] == [
        "the first column has no name; it is taken as the identifiers of the people"
    ]


def test_a_written_index_beside_identifiers_is_left_out(
    tmp_path: Path, table: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    table.iloc[::-1].to_csv(tmp_path / "latents.csv")
    with caplog.at_level(logging.INFO):
        read = read_latents(tmp_path / "latents.csv", rows="test")
    assert read.names == NAMES
    assert read.table.index.tolist() == [f"person-{i}" for i in range(16, -1, -4)]
    assert len(caplog.records) == 1
    assert caplog.records[0].message.endswith("the identifiers are in 'id'")


def test_a_later_column_without_a_name_is_refused_unless_it_is_not_chosen(tmp_path: Path) -> None:
    (tmp_path / "latents.csv").write_text("a,b,\n1,2,3\n4,5,6\n")
    with pytest.raises(InputError, match="a column has no name; name it, or choose"):
        read_latents(tmp_path / "latents.csv")
    assert read_latents(tmp_path / "latents.csv", names=["b", "a"]).table.to_numpy().tolist() == [
        [2, 1],
        [5, 4],
    ]


@pytest.mark.parametrize("suffix", ["npy", "csv"])
@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "a", "b"], "--names: 'a' occurs twice"), (["a", "", "b"], "--names: name 2 is empty")],
)
def test_names_must_be_distinct(tmp_path: Path, suffix: str, names: list[str], message: str) -> None:
    path = tmp_path / f"latents.{suffix}"
    values = np.eye(6, 3)
    np.save(tmp_path / "latents.npy", values)
    pd.DataFrame(values, columns=list("abc")).to_csv(tmp_path / "latents.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_latents(path, names=names)


def test_complex_latents_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "latents.npy", linear_gaussian(TRUE, 20) + 1j)
    with pytest.raises(InputError, match=r"holds complex128 of shape \(20, 5\); latents are real"):
        read_latents(tmp_path / "latents.npy")


def test_rows_and_columns_are_selected(tmp_path: Path, table: pd.DataFrame) -> None:
    table.to_parquet(tmp_path / "latents.parquet")
    read = read_latents(tmp_path / "latents.parquet", rows="test", names=["z22", "s1"])
    assert read.names == ["z22", "s1"]
    assert read.table.index.tolist() == [f"person-{i}" for i in range(0, 20, 4)]
    assert np.allclose(read.table["s1"], table["s1"][::4])


def test_people_with_imputed_latents_are_left_out_and_counted(tmp_path: Path, table: pd.DataFrame) -> None:
    marked = table.assign(observed_image=[False, True] * 10, observed_text=[True] * 15 + [False] * 5)
    marked.to_parquet(tmp_path / "latents.parquet")
    marked.to_csv(tmp_path / "latents.csv", index=False)
    kept = table[marked["observed_image"] & marked["observed_text"]]
    for name in ("latents.parquet", "latents.csv"):
        read = read_latents(tmp_path / name)
        assert (read.names, read.left_out) == (NAMES, 13)
        assert read.table.index.tolist() == kept["ID"].tolist()
        np.testing.assert_allclose(read.table, kept[NAMES])
        assert read_latents(tmp_path / name, rows="test").left_out == 5
    table.to_parquet(tmp_path / LATENTS)
    assert read_latents(tmp_path / LATENTS).left_out == 0


def test_a_column_of_numbers_is_a_latent_whatever_its_name(tmp_path: Path, table: pd.DataFrame) -> None:
    table.assign(observed_age=np.arange(20.0)).to_csv(tmp_path / "latents.csv", index=False)
    read = read_latents(tmp_path / "latents.csv")
    assert (read.names, read.left_out) == ([*NAMES, "observed_age"], 0)


def test_a_matrix_gets_the_names_it_is_given_or_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "latents.npy", linear_gaussian(TRUE, 20))
    assert read_latents(tmp_path / "latents.npy").names == ["x1", "x2", "x3", "x4", "x5"]
    assert read_latents(tmp_path / "latents.npy", names=NAMES).names == NAMES
    with pytest.raises(InputError, match="5 columns, but --names has 2"):
        read_latents(tmp_path / "latents.npy", names=["a", "b"])


def test_a_run_folder_says_blocks_graphs_and_whether_it_is_simulated(
    tmp_path: Path, table: pd.DataFrame
) -> None:
    table.to_parquet(tmp_path / LATENTS)
    order = [4, 3, 2, 1, 0]
    Graph(NAMES, TRUE, blocks=BLOCKS).permuted(order).to_json(tmp_path / GRAPH)
    Graph(NAMES, TRUE.T, blocks=BLOCKS).to_json(tmp_path / TRUE_GRAPH)
    (tmp_path / MANIFEST).write_text(json.dumps({"state": "finished", "simulated": True}))
    read = read_latents(tmp_path)
    assert read.simulated
    assert read.blocks == BLOCKS
    assert read.learned is not None
    assert read.learned.names == NAMES
    assert np.array_equal(read.learned.adjacency, TRUE)
    assert read.true_graph is not None
    assert np.array_equal(read.true_graph.adjacency, TRUE.T)


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "undirected"), [("athlete", 12, 14, 2), ("celeb", 18, 23, 0)]
)
def test_the_published_graphs(name: str, nodes: int, edges: int, undirected: int) -> None:
    graph, labels, title = published(name)
    assert (len(graph.names), len(graph.edges())) == (nodes, edges)
    assert sum(edge.mark == "---" for edge in graph.edges()) == undirected
    assert set(labels) == set(graph.names)
    assert title.endswith("as published")


def test_a_graph_to_compare_with_gets_the_order_of_the_names(tmp_path: Path) -> None:
    Graph(NAMES, TRUE, blocks=BLOCKS).to_json(tmp_path / GRAPH)
    backwards = NAMES[::-1]
    graph, title = read_graph(str(tmp_path), tmp_path, backwards)
    assert title == tmp_path.name
    assert graph.names == backwards
    assert np.array_equal(graph.adjacency, TRUE[::-1, ::-1])
    np.savetxt(tmp_path / "other.csv", TRUE, delimiter=",")
    graph, title = read_graph("other.csv", tmp_path / "other.csv", NAMES)
    assert title == "other"
    assert np.array_equal(graph.adjacency, TRUE)


def test_a_graph_over_other_nodes_is_refused() -> None:
    with pytest.raises(InputError, match="here: node 'z22' is in one graph only"):
        reordered(Graph(NAMES, TRUE), [*NAMES[:4], "z99"], "here")
