"""Prediction of people's traits and biography from their latents, compared with a PCA and an autoencoder."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn

from personax.experiments.people.associations import observed_columns
from personax.runs.seeds import torch_rng
from personax.tables import PeopleTable
from personax.views import MultiViewData, Split

FEWEST_ROWS = 20  # least number of complete training rows for a prediction
AUTOENCODER_EPOCHS, HIDDEN = 40, 64  # training and width of the autoencoder
RIDGES = np.logspace(-2, 4, 13)  # ridges from which cross-validation on training rows chooses


def compare_predictions(
    latents: pd.DataFrame, table: PeopleTable, data: MultiViewData, split: Split, *, seed: int
) -> dict[str, Any]:
    """Held-out prediction of every observed column from the latents, a PCA and an autoencoder of their size.

    Linear maps are fitted on training rows and scored on test rows: R2 (ridge) for numbers, mean R2 of sine
    and cosine for circular columns, AUC (logistic, one class against the rest, mean over classes) for labels.
    PCA and autoencoder use the same compressed measurements as the model; for them a missing measurement
    counts as average.

    Returns:
        per_column: column -> score (the word r2 or auc), and its value for latents, pca and autoencoder;
        mean_r2, mean_auc: means over the columns for each of the three; rows: number of test rows.
    """
    inputs = np.concatenate([array for arrays in data.measurements.values() for array in arrays], 1)
    size = latents.shape[1]
    representations = {
        "latents": latents.to_numpy(),
        "pca": principal_components(inputs, split, size),
        "autoencoder": autoencoder_codes(inputs, split, size, seed=seed),
    }
    observed = observed_columns(table)
    columns, kinds = observed.frame, observed.kinds
    per_column: dict[str, dict[str, Any]] = {}
    for name in map(str, columns):
        values = {
            method: predict(representation, columns[name], kinds[name], table.periods.get(name), split)
            for method, representation in representations.items()
        }
        per_column[name] = {"score": "auc" if kinds[name] == "nominal" else "r2", **values}
    means = {
        f"mean_{score}": {
            method: _mean_of_known([row[method] for row in per_column.values() if row["score"] == score])
            for method in representations
        }
        for score in ("r2", "auc")
    }
    return {"per_column": per_column, **means, "rows": len(split.test)}


def _mean_of_known(values: list[float]) -> float:
    """Mean of the values that are not NaN; NaN if there are none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def principal_components(
    inputs: Float[np.ndarray, "n d"], split: Split, size: int
) -> Float[np.ndarray, "n r"]:
    """(n, size) principal components of inputs (n, d), fitted on training rows; fewer if d is smaller."""
    scale = StandardScaler().fit(inputs[split.train])
    pca = PCA(min(size, *inputs[split.train].shape), random_state=0).fit(scale.transform(inputs[split.train]))
    return np.asarray(pca.transform(scale.transform(inputs)))


def autoencoder_codes(
    inputs: Float[np.ndarray, "n d"], split: Split, size: int, *, seed: int
) -> Float[np.ndarray, "n size"]:
    """(n, size) codes of a plain autoencoder d - 64 - size - 64 - d, trained for the mean squared error."""
    scale = StandardScaler().fit(inputs[split.train])
    x = torch.from_numpy(scale.transform(inputs).astype(np.float32))
    train = x[torch.from_numpy(split.train)]
    generator = torch_rng(seed, "autoencoder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Linear(x.shape[1], HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, size))
        decoder = nn.Sequential(nn.Linear(size, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, x.shape[1]))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(AUTOENCODER_EPOCHS):
        for rows in torch.randperm(len(train), generator=generator).split(256):
            loss = (decoder(encoder(train[rows])) - train[rows]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        return np.asarray(encoder(x).numpy())


def predict(
    representation: Float[np.ndarray, "n d"],
    column: pd.Series,
    kind: str,
    period: float | None,
    split: Split,
    *,
    one_scale: bool = False,
) -> float:
    """Held-out R2, or AUC of a nominal column; NaN if there are too few rows or classes.

    Args:
        representation: (n, d) numbers from which the column is predicted.
        column: (n,) values; NaN where missing.
        kind: continuous, ordinal, nominal or circular.
        period: length of a circular column's circle.
        split: rows that the map is fitted on (train) and scored on (test).
        one_scale: divide all numbers by one standard deviation, in place of each by its own. For principal
            components, where ridge should shrink those of little variance most.
    """
    known = column.notna().to_numpy()
    train, test = split.train[known[split.train]], split.test[known[split.test]]
    if len(train) < FEWEST_ROWS or len(test) < 2:
        return float("nan")
    scale = StandardScaler(with_std=not one_scale).fit(representation[train])
    x_train, x_test = scale.transform(representation[train]), scale.transform(representation[test])
    if one_scale:
        x_train, x_test = x_train / x_train.std(), x_test / x_train.std()
    if kind == "nominal":
        return auc_of_classes(x_train, column.iloc[train].astype(str), x_test, column.iloc[test].astype(str))
    values = column.to_numpy(dtype=float)
    if kind == "circular":
        angle = 2 * np.pi * values / (period or 2 * np.pi)
        targets = np.column_stack([np.sin(angle), np.cos(angle)])
    else:
        targets = values[:, None]
    if (targets[test].std(0) == 0).any():
        return float("nan")
    ridge = RidgeCV(RIDGES).fit(x_train, targets[train])
    return float(r2_score(targets[test], ridge.predict(x_test).reshape(len(test), -1)))


def auc_of_classes(
    x_train: Float[np.ndarray, "n d"], train: pd.Series, x_test: Float[np.ndarray, "m d"], test: pd.Series
) -> float:
    """Mean over the classes of the AUC of a logistic regression, one class against the rest."""
    if train.nunique() < 2:
        return float("nan")
    model = LogisticRegression(max_iter=500).fit(x_train, train)
    scores = model.decision_function(x_test)
    scores = np.column_stack([-scores, scores]) if scores.ndim == 1 else scores
    labels = test.to_numpy()
    values = [
        roc_auc_score(labels == name, scores[:, k])
        for k, name in enumerate(model.classes_)
        if 0 < (labels == name).sum() < len(labels)
    ]
    return float(np.mean(values)) if values else float("nan")
