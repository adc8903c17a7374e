"""How far an estimated graph is from the true one.

A graph is an adjacency matrix with A[i, j] = 1 for i -> j (networkx's convention) and
A[i, j] = A[j, i] = 1 for an undirected edge i — j, as in a CPDAG.
"""

import numpy as np
from sklearn.metrics import roc_auc_score


def check_adjacency(adjacency: np.ndarray, name: str = "adjacency") -> np.ndarray:
    """`adjacency` as a (d, d) bool array.

    Raises ValueError unless it is square, 0/1 and has an empty diagonal.
    """
    array = np.asarray(adjacency)
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{name}: shape {array.shape} is not square")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: holds values other than 0 and 1")
    if np.diag(array).any():
        raise ValueError(f"{name}: has an edge from a node to itself")
    return array.astype(bool)


def _ratio(numerator: float, denominator: float, *, empty: float) -> float:
    return float(numerator / denominator) if denominator else empty


def graph_scores(true: np.ndarray, estimated: np.ndarray) -> dict[str, float]:
    """Scores of `estimated` (d, d) against `true` (d, d); both may be DAGs or CPDAGs.

    Returns a dict with
        shd: directed structural Hamming distance, the number of unordered pairs whose edge differs. A
            missing, an extra, a reversed edge, and an undirected edge against a directed one count 1 each
            (Tsamardinos et al. 2006).
        precision, recall, f1: over ordered pairs, so orientation counts. An undirected edge stands for
            both of its directions: against a directed one it is one hit and one false alarm.
        skeleton_precision, skeleton_recall, skeleton_f1: over unordered pairs, orientation ignored.
        orientation_accuracy: among the pairs adjacent in both graphs, the share with the same edge;
            NaN when there is no such pair.
        true_edges, estimated_edges: number of adjacent pairs.
    Two empty graphs agree: precision, recall and F1 are 1. Otherwise 0 / 0 is 0.
    Raises ValueError for matrices that are no graphs or differ in shape.
    """
    a, b = check_adjacency(true, "true graph"), check_adjacency(estimated, "estimated graph")
    if a.shape != b.shape:
        raise ValueError(f"true graph has {len(a)} nodes, the estimated one {len(b)}")
    upper = np.triu_indices(len(a), 1)
    differs = ((a != b) | (a.T != b.T))[upper]
    adjacent_a, adjacent_b = (a | a.T)[upper], (b | b.T)[upper]
    shared = adjacent_a & adjacent_b
    directed, skeleton = _precision_recall(a, b), _precision_recall(adjacent_a, adjacent_b)
    return {
        "shd": int(differs.sum()),
        **directed,
        **{f"skeleton_{key}": value for key, value in skeleton.items()},
        "orientation_accuracy": _ratio((shared & ~differs).sum(), shared.sum(), empty=float("nan")),
        "true_edges": int(adjacent_a.sum()),
        "estimated_edges": int(adjacent_b.sum()),
    }


def _precision_recall(true: np.ndarray, estimated: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of the bool array `estimated` against `true`."""
    hits, n_true, n_estimated = (true & estimated).sum(), true.sum(), estimated.sum()
    empty = float(n_true == n_estimated)
    return {
        "precision": _ratio(hits, n_estimated, empty=empty),
        "recall": _ratio(hits, n_true, empty=empty),
        "f1": _ratio(2 * hits, n_true + n_estimated, empty=1.0),
    }


def edge_auc(true: np.ndarray, frequency: np.ndarray) -> float:
    """Area under the ROC curve with which edge frequencies (d, d) tell true adjacencies from false ones.

    Over unordered pairs; a pair's frequency is the larger of its two entries. NaN if the true graph is
    empty or complete. Raises ValueError for bad or mismatched shapes.
    """
    adjacency, frequency = check_adjacency(true, "true graph"), np.asarray(frequency, dtype=float)
    if adjacency.shape != frequency.shape:
        raise ValueError(f"true graph has shape {adjacency.shape}, the frequencies {frequency.shape}")
    upper = np.triu_indices(len(adjacency), 1)
    labels = (adjacency | adjacency.T)[upper]
    if labels.all() or not labels.any():
        return float("nan")
    return float(roc_auc_score(labels, np.maximum(frequency, frequency.T)[upper]))
