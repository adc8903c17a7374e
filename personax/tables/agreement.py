"""Do the language models agree? Weighted kappa for each pair of raters, and intraclass correlation."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float

from personax.tables.schema import TRAITS


def weighted_kappa(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) of two ratings; NaN is a missing score.

    1 is full agreement, 0 the agreement expected by chance, and values below 0 are less agreement than by
    chance. The result is NaN if fewer than two people have both ratings, or if both raters gave everybody the
    same score.

    Example:
        >>> weighted_kappa(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]))
        1.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 2:
        return float("nan")
    # With quadratic weights the sums over the weighted table are means of squared differences: the observed
    # mean, and the mean expected if the two ratings were paired at random.
    observed = np.mean((x - y) ** 2)
    expected = np.var(x) + np.var(y) + (x.mean() - y.mean()) ** 2
    return float(1 - observed / expected) if expected > 0 else float("nan")


def intraclass_correlation(ratings: Float[np.ndarray, "n raters"]) -> float:
    """ICC(2,1) of Shrout and Fleiss (1979): two-way random effects, absolute agreement, one rater.

    Rows with a missing rating are dropped. The result is NaN if fewer than two rows or fewer than two raters
    are left, or if nothing varies.
    """
    full = ratings[np.isfinite(ratings).all(axis=1)]
    n, k = full.shape
    if n < 2 or k < 2:
        return float("nan")
    mean = full.mean()
    between_people = k * np.sum((full.mean(axis=1) - mean) ** 2) / (n - 1)
    between_raters = n * np.sum((full.mean(axis=0) - mean) ** 2) / (k - 1)
    residual = full - full.mean(axis=1, keepdims=True) - full.mean(axis=0) + mean
    error = np.sum(residual**2) / ((n - 1) * (k - 1))
    total = between_people + (k - 1) * error + k * (between_raters - error) / n
    return float((between_people - error) / total) if total > 0 else float("nan")


def agreement_table(scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Agreement between raters, with one row per trait.

    Args:
        scores: rater -> (n, 5) scores, NaN where missing, without the aggregated score.

    Returns:
        DataFrame indexed by trait. Its columns are `kappa <a>-<b>` for each pair of raters, `icc`, and `n`,
        the number of people whom every rater scored. With fewer than two raters there is no kappa, and icc is
        NaN.
    """
    rows = {}
    for trait in TRAITS:
        columns = {rater: frame[trait].to_numpy(float) for rater, frame in scores.items()}
        row = {f"kappa {a}-{b}": weighted_kappa(columns[a], columns[b]) for a, b in combinations(columns, 2)}
        ratings = np.column_stack(list(columns.values())) if columns else np.empty((0, 0))
        row["icc"] = intraclass_correlation(ratings)
        row["n"] = int(np.isfinite(ratings).all(axis=1).sum())
        rows[trait] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("trait")
