"""Write a graph, its scores and its comparison with another graph to a run folder."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from personax.graphs.drawing import draw_graph, draw_side_by_side
from personax.graphs.graph import Graph
from personax.graphs.graph_files import TitledGraph
from personax.graphs.graph_scores import edge_auc, mark_distance, scores_of_graphs
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.run_folder import GRAPH, RunFolder

log = logging.getLogger(__name__)

PICTURE_FORMATS = ("png", "svg", "pdf")
PRINTED_SCORES = ("shd", "shd_cpdag", "shd_pag", "f1", "skeleton_f1", "orientation_accuracy", "edge_auc")


@dataclass(frozen=True)
class GraphCaption:
    """The texts of a picture: its heading, the labels (node name -> label), and the line below it."""

    title: str
    labels: Mapping[str, str]
    note: str


def write_graph(run: RunFolder, graph: Graph, caption: GraphCaption) -> list[Path]:
    """Write all files of one graph and print its size; return the paths of the pictures."""
    graph.table().to_csv(run / "edges.csv", index=False)
    graph.to_json(run / GRAPH)
    write_text(run / "graph.dot", graph.to_dot(caption.labels))
    with atomic_path(run / "adjacency.npy") as temporary:
        np.save(temporary, graph.adjacency)
    write_text(run / "names.txt", "\n".join(graph.names) + "\n")
    pictures = draw_graph(
        graph,
        run / "graph",
        title=caption.title,
        labels=caption.labels,
        note=caption.note,
        formats=PICTURE_FORMATS,
    )
    note = caption.note and f"; {caption.note}"
    edges = len(graph.edges())
    ending = "" if edges == 1 else "s"
    log.info("%s: %d nodes, %d edge%s%s", caption.title, len(graph.names), edges, ending, note)
    return pictures


def scores_against_truth(graph: Graph, true_graph: Graph) -> dict[str, int | float]:
    """Compare a graph with the true one; `edge_auc` is included if the graph has edge frequencies."""
    scores = scores_of_graphs(true_graph, graph)
    if graph.frequency is not None:
        scores["edge_auc"] = edge_auc(true_graph.adjacency, graph.frequency)
    return scores


def write_scores(run: RunFolder, graph: Graph, true_graph: Graph) -> None:
    """Write scores.json and print the most important scores."""
    scores = scores_against_truth(graph, true_graph)
    write_json(run / "scores.json", scores)
    texts = [f"{key} {scores[key]:.3g}" for key in PRINTED_SCORES if key in scores]
    log.info("against the truth: %s", ", ".join(texts))


def compare_graphs(graph: Graph, other: Graph) -> dict[str, Any]:
    """SHD of two graphs over the same nodes, their shared edges, and the edges of only one (as texts).

    >>> names = ["a", "b", "c"]
    >>> left = Graph(names, np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]]))
    >>> right = Graph(names, np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]]))
    >>> compare_graphs(left, right)
    {'shd': 1, 'shared': ['a -> b'], 'only_here': ['a -> c'], 'only_there': []}
    """
    here, there = graph.edge_texts(), other.edge_texts()
    return {
        "shd": mark_distance(other.endpoint_marks, graph.endpoint_marks),
        "shared": [edge for edge in here if edge in there],
        "only_here": [edge for edge in here if edge not in there],
        "only_there": [edge for edge in there if edge not in here],
    }


def write_comparison(run: RunFolder, graph: Graph, other: TitledGraph, caption: GraphCaption) -> list[Path]:
    """Write comparison.json and a picture of both graphs, and print how they differ; return the pictures."""
    result = compare_graphs(graph, other.graph) | {"note": caption.note}
    write_json(run / "comparison.json", result)
    log.info("SHD to %s: %d", other.title, result["shd"])
    for key, what in (("shared", "in both"), ("only_here", "only here"), ("only_there", "only there")):
        log.info("%s (%d): %s", what, len(result[key]), ", ".join(result[key]) or "-")
    return draw_side_by_side(
        graph,
        other.graph,
        (caption.title, other.title),
        run / "comparison",
        labels=caption.labels,
        note=caption.note,
        formats=PICTURE_FORMATS,
    )
