"""Scores of recovered latents and their graph against the truth, block by block.

A block is a group of latents: those of one modality, or "s", which all modalities share. A true latent is
compared only with the recovered latents of the block with the same name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from personax.graphs.graph import Graph
from personax.graphs.graph_scores import graph_scores
from personax.learning.metrics import kernel_ridge_r2, match
from personax.views import MultiViewData, Split, Truth

Blocks = Mapping[str, Sequence[str]]
"""Block -> names of its latents."""


class TruthScores(NamedTuple):
    """Recovered latents and graph compared with the truth.

    Attributes:
        columns: (k,) for each true latent the column of the recovered one that it is matched to.
        true_graph: the true graph under the names of the recovered latents.
        blocks: scores of the latents, see `block_scores`.
        graph: scores of the graph.
    """

    columns: Int[np.ndarray, " k"]
    true_graph: Graph
    blocks: dict[str, Any]
    graph: dict[str, float]


def score_against_truth(
    latents: pd.DataFrame, graph: Graph, data: MultiViewData, split: Split
) -> TruthScores | None:
    """Score recovered latents (n, d) of all people and the recovered graph over them.

    None if the true latents or their graph are unknown, or if a block has another number of true latents.
    """
    truth = data.truth
    if truth is None or truth.graph is None or not has_sizes_of_truth(graph.blocks, truth):
        return None
    columns = match_blocks(latents, data, graph.blocks, split)
    true_graph = renamed_truth(truth, graph, columns)
    return TruthScores(
        columns,
        true_graph,
        block_scores(latents, data, graph.blocks, split),
        graph_scores(true_graph.adjacency, graph.adjacency),
    )


def has_sizes_of_truth(blocks: Blocks, truth: Truth) -> bool:
    """Whether every block has the same number of latents as the true block with the same name."""
    return {b: len(names) for b, names in blocks.items()} == {b: len(n) for b, n in truth.blocks.items()}


def match_blocks(
    latents: pd.DataFrame, data: MultiViewData, blocks: Blocks, split: Split
) -> Int[np.ndarray, " k"]:
    """(k,) for each true latent the column of the recovered one that it is matched to, within its block."""
    place = {str(name): number for number, name in enumerate(latents.columns)}
    column_of: dict[str, int] = {}
    for block, true_names in data.known_truth.blocks.items():
        names = list(blocks[block])
        recovered = latents[names].to_numpy()[split.test]
        chosen = match(recovered, data.true_latents[list(true_names)].to_numpy()[split.test])[0]
        column_of |= {latent: place[names[k]] for latent, k in zip(true_names, chosen, strict=True)}
    return np.array([column_of[latent] for latent in data.true_latents.columns])


def block_scores(latents: pd.DataFrame, data: MultiViewData, blocks: Blocks, split: Split) -> dict[str, Any]:
    """R2 and MCC of every block.

    Returns:
        r2: of a kernel ridge map from the block's recovered latents, fitted on training rows and scored on
            test rows, mean over the block's true latents; mcc and mcc_spearman: mean |correlation| on test
            rows after matching within the block; per_latent: r2 and correlation of each true latent.
    """
    r2: dict[str, float] = {}
    mcc: dict[str, float] = {}
    spearman: dict[str, float] = {}
    per_latent: dict[str, dict[str, float]] = {}
    for block, true_names in data.known_truth.blocks.items():
        z, truth = latents[list(blocks[block])].to_numpy(), data.true_latents[list(true_names)].to_numpy()
        values = kernel_ridge_r2(z[split.train], truth[split.train], z[split.test], truth[split.test])
        correlations = np.abs(match(z[split.test], truth[split.test])[1])
        r2[block], mcc[block] = float(values.mean()), float(correlations.mean())
        spearman[block] = float(np.abs(match(z[split.test], truth[split.test], ranks=True)[1]).mean())
        for k, latent in enumerate(true_names):
            per_latent[latent] = {"r2": float(values[k]), "correlation": float(correlations[k])}
    mcc["all"] = float(np.mean([row["correlation"] for row in per_latent.values()]))
    return {"r2": r2, "mcc": mcc, "mcc_spearman": spearman, "per_latent": per_latent}


def renamed_truth(truth: Truth, graph: Graph, columns: Int[np.ndarray, " k"]) -> Graph:
    """The true graph over the nodes of a recovered one: true latents get the names they are matched to."""
    assert truth.graph is not None
    adjacency = np.zeros((len(graph.names), len(graph.names)), dtype=int)
    adjacency[np.ix_(columns, columns)] = truth.graph
    return Graph(graph.names, adjacency, blocks=graph.blocks, simulated=True)
