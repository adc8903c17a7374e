"""What the latents of people are worth: prediction of what is observed, and the truth where it is known."""

from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.preprocessing import StandardScaler
from torch import nn

from personax.crl import CRL
from personax.crl.metrics import kernel_ridge_r2, match
from personax.experiments.associations import observed_columns
from personax.graphs.graph import Graph
from personax.graphs.scores import graph_scores
from personax.runs.seeds import torch_rng
from personax.tables import PeopleTable
from personax.views import MultiViewData, Split

FEWEST_ROWS = 20  # complete training rows that a prediction needs
AUTOENCODER_EPOCHS = 40
RIDGES = np.logspace(-2, 4, 13)


# ---- prediction of traits and biography


def compare_predictions(
    latents: pd.DataFrame, table: PeopleTable, data: MultiViewData, split: Split, *, seed: int
) -> dict[str, Any]:
    """Held-out prediction of every observed column from the latents, a PCA and an autoencoder of their size.

    Linear maps fitted on training rows, scored on test rows: R2 (ridge) for numbers, mean R2 of sine and
    cosine for circular columns, AUC (logistic, one against the rest, mean over classes) for labels.
    PCA and autoencoder see the same compressed measurements; a missing one counts as average for them.
    """
    inputs = np.concatenate([array for arrays in data.measurements.values() for array in arrays], 1)
    size = latents.shape[1]
    codes = {
        "latents": latents.to_numpy(),
        "pca": principal_components(inputs, split, size),
        "autoencoder": autoencoder(inputs, split, size, seed=seed),
    }
    columns, kinds = observed_columns(table)
    per_column: dict[str, dict[str, Any]] = {}
    for name in map(str, columns):
        score = "auc" if kinds[name] == "nominal" else "r2"
        values = {
            method: predict(code, columns[name], kinds[name], table.periods.get(name), split)
            for method, code in codes.items()
        }
        per_column[name] = {"score": score, **values}
    means = {
        f"mean_{score}": {
            method: _mean([row[method] for row in per_column.values() if row["score"] == score])
            for method in codes
        }
        for score in ("r2", "auc")
    }
    return {"per_column": per_column, **means, "rows": len(split.test)}


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def principal_components(inputs: np.ndarray, split: Split, size: int) -> np.ndarray:
    """(n, size) principal components of inputs (n, d), fitted on training rows."""
    scale = StandardScaler().fit(inputs[split.train])
    pca = PCA(min(size, *inputs[split.train].shape), random_state=0).fit(scale.transform(inputs[split.train]))
    return np.asarray(pca.transform(scale.transform(inputs)))


def autoencoder(inputs: np.ndarray, split: Split, size: int, *, seed: int, hidden: int = 64) -> np.ndarray:
    """(n, size) codes of a plain autoencoder d - hidden - size - hidden - d, mean squared error."""
    scale = StandardScaler().fit(inputs[split.train])
    x = torch.from_numpy(scale.transform(inputs).astype(np.float32))
    train = x[torch.from_numpy(split.train)]
    generator = torch_rng(seed, "autoencoder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = nn.Sequential(nn.Linear(x.shape[1], hidden), nn.SiLU(), nn.Linear(hidden, size))
        decoder = nn.Sequential(nn.Linear(size, hidden), nn.SiLU(), nn.Linear(hidden, x.shape[1]))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(AUTOENCODER_EPOCHS):
        for rows in torch.randperm(len(train), generator=generator).split(256):
            loss = (decoder(encoder(train[rows])) - train[rows]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        return np.asarray(encoder(x).numpy())


def predict(codes: np.ndarray, column: pd.Series, kind: str, period: float | None, split: Split) -> float:
    """Held-out R2, or AUC of a nominal column; NaN where there are too few rows or classes."""
    known = column.notna().to_numpy()
    train, test = split.train[known[split.train]], split.test[known[split.test]]
    if len(train) < FEWEST_ROWS or len(test) < 2:
        return float("nan")
    scale = StandardScaler().fit(codes[train])
    x_train, x_test = scale.transform(codes[train]), scale.transform(codes[test])
    if kind == "nominal":
        return _auc(x_train, column.iloc[train].astype(str), x_test, column.iloc[test].astype(str))
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


def _auc(x_train: np.ndarray, train: pd.Series, x_test: np.ndarray, test: pd.Series) -> float:
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


# ---- the truth of simulated tables


def match_blocks(
    latents: pd.DataFrame, data: MultiViewData, blocks: dict[str, list[str]], split: Split
) -> np.ndarray:
    """(k,) for each true latent the column of the recovered one it is matched to, within its block."""
    place = {name: number for number, name in enumerate(latents.columns)}
    columns = []
    for name, truths in data.blocks.items():
        own = blocks[name]
        test = latents[own].to_numpy()[split.test]
        chosen = match(test, data.truth[list(truths)].to_numpy()[split.test])[0]
        columns += [place[own[choice]] for choice in chosen]
    order = [latent for truths in data.blocks.values() for latent in truths]
    by_name = dict(zip(order, columns, strict=True))
    return np.array([by_name[latent] for latent in data.truth.columns])


def block_scores(
    latents: pd.DataFrame, data: MultiViewData, blocks: dict[str, list[str]], split: Split
) -> dict[str, Any]:
    """Each true block against the recovered block of its name, nothing else.

    r2: kernel ridge fitted on training rows, scored on test rows, mean over the block's latents; mcc and
    mcc_spearman: after matching within the block, on test rows; per latent and as means.
    """
    r2: dict[str, float] = {}
    mcc: dict[str, float] = {}
    spearman: dict[str, float] = {}
    per_latent: dict[str, dict[str, float]] = {}
    for name, truths in data.blocks.items():
        z, truth = latents[blocks[name]].to_numpy(), data.truth[list(truths)].to_numpy()
        values = kernel_ridge_r2(z[split.train], truth[split.train], z[split.test], truth[split.test])
        correlations = np.abs(match(z[split.test], truth[split.test])[1])
        r2[name], mcc[name] = float(values.mean()), float(correlations.mean())
        spearman[name] = float(np.abs(match(z[split.test], truth[split.test], ranks=True)[1]).mean())
        for k, latent in enumerate(truths):
            per_latent[latent] = {"r2": float(values[k]), "correlation": float(correlations[k])}
    mcc["all"] = float(np.mean([row["correlation"] for row in per_latent.values()]))
    return {"r2": r2, "mcc": mcc, "mcc_spearman": spearman, "per_latent": per_latent}


def truth_graph(data: MultiViewData, model: CRL, columns: np.ndarray) -> Graph:
    """The true graph over the names of the recovered latents that stand for the true ones."""
    assert data.graph is not None
    adjacency = np.zeros((len(model.names), len(model.names)), dtype=int)
    adjacency[np.ix_(columns, columns)] = data.graph
    blocks = {name: block for block, names in model.blocks.items() for name in names}
    return Graph(model.names, adjacency, blocks=blocks, simulated=True)


def evaluate_people_graph(truth: Graph, recovered: Graph) -> dict[str, float]:
    """Scores of the recovered graph; both over the same names in the same order."""
    return graph_scores(truth.adjacency, recovered.adjacency)
