"""Means of held-out scores over the folds, with intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import t

LEVEL_OF_INTERVAL = 0.95
MEAN_OF = {"r2": "mean of all R² columns", "auc": "mean of all AUC columns"}
RANGE_OF_SCORE = {"r2": (-np.inf, 1.0), "auc": (0.0, 1.0)}  # of the scores; intervals end there


def interval_half_width(values: Float[np.ndarray, " folds"], test_per_train: float) -> float:
    """Half the width of the 95 % interval of a mean over the folds of one cross-validation.

    The training people of two folds are mostly the same, so the scores of folds are not independent, and the
    usual interval is too narrow. The variance of the mean is (1/J + n_test / n_train) times that of a fold
    (Nadeau & Bengio 2003), with Student's t of J - 1 degrees of freedom.

    Args:
        values: (J,) scores of the folds; NaN where a fold has none.
        test_per_train: n_test / n_train.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return float("nan")
    spread = known.var(ddof=1) * (1 / len(known) + test_per_train)
    return float(t.ppf(0.5 + LEVEL_OF_INTERVAL / 2, len(known) - 1) * np.sqrt(spread))


def scores_table(
    per_fold: Mapping[str, Sequence[Mapping[str, float]]],
    kinds: Mapping[str, str],
    *,
    reference: str,
    test_per_train: float,
) -> pd.DataFrame:
    """One row per column to predict and method, and before them the means over the columns.

    Args:
        per_fold: method -> for each fold: column -> score on the people of the fold, NaN if it has none.
        kinds: column -> what is scored, r2 or auc.
        reference: the method that the others are compared with.
        test_per_train: test people per training person of a fold.

    Returns:
        Columns: column, score, method, mean, low, high (the 95 % interval), difference (reference minus
        method, mean over the folds), difference_low, difference_high.
    """
    frames = {method: pd.DataFrame(rows) for method, rows in per_fold.items()}
    known = [column for column in kinds if all(np.isfinite(frame[column]).all() for frame in frames.values())]
    rows = []
    for kind, title in MEAN_OF.items():
        chosen = [column for column in known if kinds[column] == kind]
        if len(chosen) > 1:
            means = {method: frame[chosen].mean(axis=1).to_numpy() for method, frame in frames.items()}
            rows += _rows_of_column(title, kind, means, reference, test_per_train)
    for column, kind in kinds.items():
        values = {method: frame[column].to_numpy(dtype=float) for method, frame in frames.items()}
        if any(np.isfinite(each).any() for each in values.values()):
            rows += _rows_of_column(column, kind, values, reference, test_per_train)
    return pd.DataFrame(rows)


def _rows_of_column(
    column: str,
    kind: str,
    values: Mapping[str, Float[np.ndarray, " folds"]],
    reference: str,
    test_per_train: float,
) -> list[dict[str, object]]:
    """A row for each method."""
    rows: list[dict[str, object]] = []
    for method, scores in values.items():
        gains = values[reference] - scores
        row: dict[str, object] = {"column": column, "score": kind, "method": method}
        for name, each in (("", scores), ("difference", gains)):
            if name and method == reference:
                continue
            mean = float(each[np.isfinite(each)].mean()) if np.isfinite(each).any() else float("nan")
            half = interval_half_width(each, test_per_train)
            low, high = (f"{name}_low", f"{name}_high") if name else ("low", "high")
            least, most = (-np.inf, np.inf) if name else RANGE_OF_SCORE[kind]
            row |= {
                name or "mean": mean,
                low: np.maximum(mean - half, least),
                high: np.minimum(mean + half, most),
            }
        rows.append(row)
    return rows
