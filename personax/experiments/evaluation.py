"""Compare recovered latents and graphs with the truth: the numbers of metrics.json."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int, Num

from personax.graphs.graph_scores import graph_scores
from personax.learning.metrics import insample_r2, kernel_ridge_r2, match, mean_correlation
from personax.views import MultiViewData, Split


def evaluate_latents(latents: pd.DataFrame, data: MultiViewData, split: Split) -> dict[str, Any]:
    """R2 and MCC of recovered latents (n, d) of all people in order, compared with the true latents.

    R2 is that of a kernel ridge map from the recovered to the true latents; MCC is the mean |correlation|
    after each true latent is matched to a recovered one.

    Returns:
        heldout: maps are fitted on training rows, and everything is scored on test rows: r2 and
            r2_per_latent (from all recovered latents), mcc_pearson, mcc_spearman, correlation_per_latent,
            matched_to (true latent -> name of the recovered one, or None), and rows (number of test rows).
        insample: the official protocol, fitted and scored on the validation rows: r2, mcc_pearson, note.
    """
    z, truth = latents.to_numpy(), data.true_latents.to_numpy()
    names = list(data.true_latents.columns)
    r2 = kernel_ridge_r2(z[split.train], truth[split.train], z[split.test], truth[split.test])
    columns, correlations = match(z[split.test], truth[split.test])
    return {
        "heldout": {
            "r2": r2.mean(),
            "r2_per_latent": dict(zip(names, r2, strict=True)),
            "mcc_pearson": mean_correlation(z[split.test], truth[split.test]),
            "mcc_spearman": mean_correlation(z[split.test], truth[split.test], ranks=True),
            "correlation_per_latent": dict(zip(names, np.abs(correlations), strict=True)),
            "matched_to": {
                name: latents.columns[column] if column < latents.shape[1] else None
                for name, column in zip(names, columns, strict=True)
            },
            "rows": len(split.test),
        },
        "insample": {
            "r2": insample_r2(z[split.validation], truth[split.validation]),
            "mcc_pearson": mean_correlation(z[split.validation], truth[split.validation]),
            "note": "the official code's protocol: fitted and scored on the same rows",
        },
    }


def matched_columns(latents: pd.DataFrame, data: MultiViewData, split: Split) -> Int[np.ndarray, " k"]:
    """(k,) for each true latent, the recovered one that it is matched to (test rows, all blocks together)."""
    return match(latents.to_numpy()[split.test], data.true_latents.to_numpy()[split.test])[0]


def evaluate_graph(
    adjacency: Num[np.ndarray, "d d"], columns: Int[np.ndarray, " k"], data: MultiViewData
) -> dict[str, Any]:
    """Scores of a recovered graph (d, d) whose nodes are matched to the true latents by `columns` (k,).

    A true latent without a recovered one (its column is d or more) has no recovered edges. Raises ValueError
    if the true graph is unknown.
    """
    if data.known_truth.graph is None:
        raise ValueError("these data have no true graph")
    return graph_scores(data.known_truth.graph, matched_graph(adjacency, columns))


def matched_graph(matrix: Num[np.ndarray, "d d"], columns: Int[np.ndarray, " k"]) -> Num[np.ndarray, "k k"]:
    """A matrix (d, d) over recovered latents as one (k, k) over the true latents that they are matched to.

    `columns` are those that `metrics.match` returns.
    """
    missing = max(0, int(columns.max()) + 1 - len(matrix))
    return np.asarray(np.pad(matrix, ((0, missing), (0, missing)))[np.ix_(columns, columns)])


def truth_free_criteria(history: pd.DataFrame) -> dict[str, float]:
    """Numbers by which our model can be judged without the truth, on validation rows; lower is better.

    Args:
        history: metrics.jsonl of a run (fitting.read_history).

    Returns:
        representation: Eq. (1) at the epoch that was kept; negative_elbo: Eq. (2) + (3) at that epoch,
        unweighted; alignment: Eq. (4) at that epoch, in nats; identification: Eq. (9) of the model that was
        kept; orthogonality, evenness: Eq. (7) and (8) of that model.
    """
    epochs = history[history["phase"] == "representation"]
    kept = epochs.loc[epochs.loc[epochs["weight_kl"] == epochs["weight_kl"].max(), "validation"].idxmin()]
    last = history[history["phase"] == "identification"].iloc[-1]
    best = int(np.nanargmin(np.array(last["objective"], dtype=float)))  # null where not finite
    return {
        "representation": float(kept["validation"]),
        "negative_elbo": float(kept["validation_reconstruction"] + kept["validation_kl"]),
        "alignment": float(kept["validation_align"]),
        "identification": float(last["objective"][best]),
        "orthogonality": float(last["orthogonality"][best]),
        "evenness": float(last["evenness"][best]),
    }
