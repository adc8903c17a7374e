"""How far an estimated graph is from the true one.

A graph is an adjacency matrix with A[i, j] = 1 for i -> j (networkx's convention) and
A[i, j] = A[j, i] = 1 for an undirected edge i — j, as in a CPDAG.
"""

import networkx as nx
import numpy as np
from causallearn.graph.Dag import Dag
from causallearn.graph.GeneralGraph import GeneralGraph
from causallearn.graph.GraphNode import GraphNode
from causallearn.utils.DAG2CPDAG import dag2cpdag
from jaxtyping import Bool, Int, Num, Shaped
from sklearn.metrics import roc_auc_score

from personax.graphs.graph import (
    ARROW,
    CIRCLE,
    NONE,
    TAIL,
    Graph,
    check_adjacency,
    marks_from_causal_learn,
)
from personax.graphs.pag import pag_marks


def _share(part: np.integer, whole: np.integer, *, empty: float) -> float:
    """`part` / `whole`, or `empty` where `whole` is 0."""
    return float(part / whole) if whole else empty


def graph_scores(
    true: Shaped[np.ndarray, "..."], estimated: Shaped[np.ndarray, "..."]
) -> dict[str, int | float]:
    """Compare `estimated` (d, d) with `true` (d, d); both may be DAGs or CPDAGs.

    Returns a dict with
        shd: directed structural Hamming distance, the number of unordered pairs whose edge differs. A
            missing edge, an extra edge, a reversed edge, and an undirected edge in place of a directed one
            count 1 each (Tsamardinos et al. 2006).
        precision, recall, f1: over ordered pairs, so the direction counts. An undirected edge stands for
            both directions: compared with a directed edge, it is one hit and one false alarm.
        skeleton_precision, skeleton_recall, skeleton_f1: over unordered pairs; directions are ignored.
        orientation_accuracy: among the pairs that are adjacent in both graphs, the share with the same
            edge; NaN if there is no such pair.
        true_edges, estimated_edges: number of adjacent pairs.
    For two empty graphs, precision, recall and F1 are 1. In all other cases 0 / 0 counts as 0.

    Raises ValueError for matrices that are not adjacency matrices, or that differ in shape.

    The graphs 0 -> 1, 0 -> 2 and 0 -> 1, 1 -> 2 share one of their edges:

    >>> true = np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    >>> estimated = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    >>> scores = graph_scores(true, estimated)
    >>> scores["shd"], scores["f1"], scores["orientation_accuracy"]
    (2, 0.5, 1.0)
    """
    a, b = check_adjacency(true, "true graph"), check_adjacency(estimated, "estimated graph")
    if a.shape != b.shape:
        raise ValueError(f"true graph has {len(a)} nodes, the estimated one {len(b)}")
    upper = np.triu_indices(len(a), 1)
    differs = ((a != b) | (a.T != b.T))[upper]
    adjacent_a, adjacent_b = (a | a.T)[upper], (b | b.T)[upper]
    in_both = adjacent_a & adjacent_b
    directed, skeleton = _precision_recall(a, b), _precision_recall(adjacent_a, adjacent_b)
    return {
        "shd": int(differs.sum()),
        **directed,
        **{f"skeleton_{key}": value for key, value in skeleton.items()},
        "orientation_accuracy": _share((in_both & ~differs).sum(), in_both.sum(), empty=float("nan")),
        "true_edges": int(adjacent_a.sum()),
        "estimated_edges": int(adjacent_b.sum()),
    }


def scores_of_graphs(true: Graph, estimated: Graph) -> dict[str, int | float]:
    """Compare the endpoint marks of two graphs over the same nodes; `true` must be a DAG.

    Returns the scores of `graph_scores`, except that
        shd: counts the pairs whose marks differ from those of the true DAG. So `<->` and `o->` differ from
            `---` and `->`. An undirected edge counts as an error, even where no method could direct it.
        orientation_accuracy: among the pairs that are adjacent in both graphs, the share with the same marks.
        shd_cpdag, or shd_pag if the estimate has circles or `<->`: compares with the CPDAG or PAG of the true
            DAG, which holds what independences alone can show. For this, an estimated DAG or CPDAG loses the
            directions that its own equivalence class leaves open. A perfect PC, GES or FCI has 0 here.

    >>> chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    >>> found = scores_of_graphs(Graph(list("abc"), chain), Graph(list("abc"), chain | chain.T))
    >>> found["shd"], found["shd_cpdag"]
    (2, 0)
    """
    true_marks, marks = true.endpoint_marks, estimated.endpoint_marks
    scores = graph_scores(true.adjacency, estimated.adjacency)
    both = int(np.triu((true_marks != NONE) & (marks != NONE)).sum())
    different = int(np.triu((true_marks != NONE) & (marks != NONE) & _differing(true_marks, marks)).sum())
    accuracy = (both - different) / both if both else float("nan")
    scores |= {"shd": mark_distance(true_marks, marks), "orientation_accuracy": accuracy}
    if (marks == CIRCLE).any() or ((marks == ARROW) & (marks.T == ARROW)).any():
        return scores | {"shd_pag": mark_distance(dag_to_pag(true.adjacency), marks)}
    return scores | {"shd_cpdag": mark_distance(cpdag_marks(true_marks), cpdag_marks(marks))}


def mark_distance(a: Int[np.ndarray, "d d"], b: Int[np.ndarray, "d d"]) -> int:
    """Structural Hamming distance of endpoint marks: the unordered pairs whose edge or marks differ.

    Raises ValueError for graphs with different numbers of nodes.
    """
    return int(np.triu(_differing(a, b)).sum())


def _differing(a: Shaped[np.ndarray, "d d"], b: Shaped[np.ndarray, "d d"]) -> Bool[np.ndarray, "d d"]:
    """(d, d) symmetric, True where the edge between i and j is not the same."""
    return np.asarray((a != b) | (a != b).T)


def cpdag_marks(marks: Int[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Marks of the equivalence class (CPDAG) of a DAG, or of a graph with some undirected edges.

    Undirected edges are first directed without new colliders or cycles (`_extension`). A graph for which
    that is impossible, because no DAG fits it, is returned as it is.
    """
    dag = _extension(marks)
    if dag is None:
        return np.asarray(marks)
    nodes = [GraphNode(f"X{i + 1}") for i in range(len(marks))]
    graph = Dag(nodes)
    for i, j in np.argwhere(dag):
        graph.add_directed_edge(nodes[i], nodes[j])
    found: GeneralGraph = dag2cpdag(graph)
    return marks_from_causal_learn(found.graph)


def _extension(marks: Int[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"] | None:
    """A DAG (d, d) with the edges, arrows and colliders of `marks`; None if there is none (Dor & Tarsi 1992).

    It repeats this step: take a node without outgoing arrows whose undirected neighbours are adjacent to all
    its other neighbours, let its undirected edges point to it, and remove it.
    """
    left = marks.copy()
    dag: np.ndarray = ((marks == ARROW) & (marks.T == TAIL)).astype(int)
    remaining = set(range(len(marks)))
    while remaining:
        for node in sorted(remaining):
            adjacent = left[node] != NONE
            undirected = adjacent & (left[node] == TAIL) & (left[:, node] == TAIL)
            is_sink = not ((left[node] == ARROW) & (left[:, node] == TAIL)).any()
            joined = ((left != NONE) | np.eye(len(left), dtype=bool))[np.ix_(undirected, adjacent)]
            if is_sink and joined.all():
                dag[undirected, node] = 1
                left[node], left[:, node] = NONE, NONE
                remaining.remove(node)
                break
        else:
            return None
    return dag


def dag_to_pag(adjacency: Int[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Marks of the PAG of a DAG: what FCI finds if it knows all independences of that DAG without error."""
    dag = nx.from_numpy_array(np.asarray(adjacency), create_using=nx.DiGraph)
    place = {node: position for position, node in enumerate(nx.topological_sort(dag))}
    adjacent = np.asarray(adjacency).astype(bool) | np.asarray(adjacency).T.astype(bool)
    separating = {
        (int(i), int(j)): set(dag.predecessors(max(int(i), int(j), key=place.__getitem__)))
        for i, j in np.argwhere(np.triu(~adjacent, 1))
    }
    return pag_marks(adjacent, separating, np.zeros(adjacent.shape, dtype=bool))


def _precision_recall(true: Bool[np.ndarray, "..."], estimated: Bool[np.ndarray, "..."]) -> dict[str, float]:
    """Precision, recall and F1 of `estimated`, entry by entry; both have the same shape."""
    hits, n_true, n_estimated = (true & estimated).sum(), true.sum(), estimated.sum()
    empty = float(n_true == n_estimated)
    return {
        "precision": _share(hits, n_estimated, empty=empty),
        "recall": _share(hits, n_true, empty=empty),
        "f1": _share(2 * hits, n_true + n_estimated, empty=1.0),
    }


def best_threshold_f1(
    true: Shaped[np.ndarray, "..."], strength: Num[np.ndarray, "..."], thresholds: int = 21
) -> float:
    """The largest F1 over ordered pairs of the graphs with the edges above a threshold.

    The thresholds are evenly spaced from 0 to the largest strength, which is excluded. It takes the truth to
    choose the best one, so this is not what a method reaches by itself; some papers report it.

    Args:
        true: (d, d) the true graph.
        strength: (d, d) strength of each edge i -> j, at least 0.
        thresholds: how many are tried.

    >>> true = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    >>> best_threshold_f1(true, np.array([[0, 0.9, 0.2], [0.1, 0, 0.1], [0.2, 0.1, 0]]))
    1.0
    """
    adjacency, strength = check_adjacency(true, "true graph"), np.asarray(strength, dtype=float)
    levels = np.linspace(0, strength.max(), thresholds + 1)[:-1]
    return max(_precision_recall(adjacency, strength > level)["f1"] for level in levels)


def edge_auc(true: Shaped[np.ndarray, "..."], frequency: Num[np.ndarray, "..."]) -> float:
    """Area under the ROC curve: how well frequencies (d, d) predict the adjacent pairs of `true` (d, d).

    It is computed over unordered pairs; the frequency of a pair is the larger of its two entries. The result
    is in [0, 1], and NaN if the true graph has no edge or all edges. Raises ValueError for shapes that do not
    fit.

    >>> true = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    >>> edge_auc(true, np.array([[0, 0.9, 0.2], [0.9, 0, 0.1], [0.2, 0.1, 0]]))
    1.0
    """
    adjacency, frequency = check_adjacency(true, "true graph"), np.asarray(frequency, dtype=float)
    if adjacency.shape != frequency.shape:
        raise ValueError(f"true graph has shape {adjacency.shape}, the frequencies {frequency.shape}")
    upper = np.triu_indices(len(adjacency), 1)
    labels = (adjacency | adjacency.T)[upper]
    if labels.all() or not labels.any():
        return float("nan")
    return float(roc_auc_score(labels, np.maximum(frequency, frequency.T)[upper]))
