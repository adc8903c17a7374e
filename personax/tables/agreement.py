"""Do the language models agree? Weighted kappa per pair of raters and intraclass correlation."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from personax.tables.schema import TRAITS


def weighted_kappa(x: np.ndarray, y: np.ndarray) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) of two (n,) numeric ratings, NaN = missing.

    1 is full agreement, 0 what chance gives, below 0 less than chance. NaN if fewer than two people were
    rated by both, or if both raters gave everybody the same one score.
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 2:
        return float("nan")
    # With quadratic weights the weighted table sums to means of squared differences: observed, and
    # expected if the two ratings were paired at random.
    observed = np.mean((x - y) ** 2)
    expected = np.var(x) + np.var(y) + (x.mean() - y.mean()) ** 2
    return float(1 - observed / expected) if expected > 0 else float("nan")


def intraclass_correlation(ratings: np.ndarray) -> float:
    """ICC(2,1) of (n, raters) ratings: two-way random effects, absolute agreement, one rater.

    Shrout and Fleiss (1979). Rows with a missing rating are dropped; NaN if fewer than two rows or two
    raters are left, or if nothing varies.
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
    """Agreement between raters, one row a trait.

    Args:
        scores: rater -> (n, 5) scores, NaN = missing, the aggregated score left out.

    Returns:
        DataFrame indexed by trait: `kappa <a>-<b>` for each pair of raters, `icc`, and `n`, the number of
        people whom every rater scored. With fewer than two raters there is no kappa, and icc is NaN.
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
