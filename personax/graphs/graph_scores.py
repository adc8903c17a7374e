"""How far an estimated graph is from the true one.

A graph is an adjacency matrix with A[i, j] = 1 for i -> j (networkx's convention) and
A[i, j] = A[j, i] = 1 for an undirected edge i — j, as in a CPDAG.
"""

import numpy as np
from jaxtyping import Bool
from sklearn.metrics import roc_auc_score


def check_adjacency(adjacency: np.ndarray, name: str = "adjacency") -> Bool[np.ndarray, "d d"]:
    """Return `adjacency` (d, d) as an array of bool.

    Raises ValueError unless it is square, holds only 0 and 1, and has an empty diagonal. The message begins
    with `name`.
    """
    array = np.asarray(adjacency)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{name}: shape {array.shape} is not square")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: holds values other than 0 and 1")
    if np.diag(array).any():
        raise ValueError(f"{name}: has an edge from a node to itself")
    return array.astype(bool)


def _share(part: np.integer, whole: np.integer, *, empty: float) -> float:
    """`part` / `whole`, or `empty` where `whole` is 0."""
    return float(part / whole) if whole else empty


def graph_scores(true: np.ndarray, estimated: np.ndarray) -> dict[str, int | float]:
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
    Raises ValueError for matrices that are no adjacency matrices, or that differ in shape.

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


def _precision_recall(true: Bool[np.ndarray, "..."], estimated: Bool[np.ndarray, "..."]) -> dict[str, float]:
    """Precision, recall and F1 of `estimated`, entry by entry; both have the same shape."""
    hits, n_true, n_estimated = (true & estimated).sum(), true.sum(), estimated.sum()
    empty = float(n_true == n_estimated)
    return {
        "precision": _share(hits, n_estimated, empty=empty),
        "recall": _share(hits, n_true, empty=empty),
        "f1": _share(2 * hits, n_true + n_estimated, empty=1.0),
    }


def edge_auc(true: np.ndarray, frequency: np.ndarray) -> float:
    """Area under the ROC curve of frequencies (d, d) as a guess of which pairs are adjacent in `true` (d, d).

    It is computed over unordered pairs; the frequency of a pair is the larger of its two entries. NaN if the
    true graph has no edge or all edges. Raises ValueError for shapes that do not fit.

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
