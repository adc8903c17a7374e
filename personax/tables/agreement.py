"""Do the language models agree? Weighted kappa for each pair of raters, and intraclass correlation."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from personax.tables.schema import TRAITS


def weighted_kappa(
    x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], people: Int[np.ndarray, " n"] | None = None
) -> float:
    """Cohen's kappa with quadratic weights (Cohen 1968) of two ratings; NaN is a missing score.

    1 is full agreement, 0 the agreement expected by chance, and values below 0 are less agreement than by
    chance. The result is NaN if fewer than two people have both ratings, or if both raters gave everybody the
    same score. `people` (n,) who have these two ratings; None if every row is one person.

    Examples:
        >>> weighted_kappa(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]))
        1.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y, people = x[both], y[both], None if people is None else people[both]
    if (len(x) if people is None else people.sum()) < 2:
        return float("nan")
    # With quadratic weights the sums over the weighted table are means of squared differences: the observed
    # mean, and the mean expected if the two ratings were paired at random.
    mean_x, mean_y = (np.average(each, weights=people) for each in (x, y))
    observed = np.average((x - y) ** 2, weights=people)
    spread = sum(np.average((each - mean) ** 2, weights=people) for each, mean in ((x, mean_x), (y, mean_y)))
    expected = spread + (mean_x - mean_y) ** 2
    return float(1 - observed / expected) if expected > 0 else float("nan")


def intraclass_correlation(
    ratings: Float[np.ndarray, "n raters"], people: Int[np.ndarray, " n"] | None = None
) -> float:
    """ICC(2,1) of Shrout and Fleiss (1979): two-way random effects, absolute agreement, one rater.

    Rows with a missing rating are dropped. The result is NaN if fewer than two rows or fewer than two
    raters are left, or if nothing varies. `people` (n,) who have the ratings of a row; None if each row is
    one person.
    """
    rated = np.isfinite(ratings).all(axis=1)
    full, k = ratings[rated], ratings.shape[1]
    weights = np.ones(len(full)) if people is None else people[rated].astype(float)
    n = float(weights.sum())
    if n < 2 or k < 2:
        return float("nan")
    of_raters = weights @ full / n
    mean = of_raters.mean()
    between_people = k * weights @ (full.mean(axis=1) - mean) ** 2 / (n - 1)
    between_raters = n * np.sum((of_raters - mean) ** 2) / (k - 1)
    residual = full - full.mean(axis=1, keepdims=True) - of_raters + mean
    error = np.sum(weights @ residual**2) / ((n - 1) * (k - 1))
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
        people = np.ones(len(next(iter(columns.values()), ())), dtype=int)
        rows[trait] = agreement_on_trait(columns, people)
    return table_of_agreement(rows)


def table_of_agreement(rows: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """The rows of `agreement_on_trait`, by trait."""
    return pd.DataFrame.from_dict(dict(rows), orient="index").rename_axis("trait")


def agreement_on_trait(
    columns: Mapping[str, Float[np.ndarray, " n"]], people: Int[np.ndarray, " n"]
) -> dict[str, float]:
    """Agreement on one trait: rater -> (n,) scores, and how many people (n,) have the scores of each row."""
    found = {
        f"kappa {a}-{b}": weighted_kappa(columns[a], columns[b], people) for a, b in combinations(columns, 2)
    }
    ratings = np.column_stack(list(columns.values())) if columns else np.empty((0, 0))
    found["icc"] = intraclass_correlation(ratings, people)
    found["n"] = int(people[np.isfinite(ratings).all(axis=1)].sum())
    return found
