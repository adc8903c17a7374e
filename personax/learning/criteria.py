"""A criterion without the truth that suits every method: predict a measurement that was hidden.

Objectives with different weights, or of different methods, cannot be compared, so this criterion looks at the
latents alone. For every measurement (m, i) in turn: hide it from everybody, compute all latents from what is
left, and predict the hidden measurement from them. More exactly, its first ten principal components are
predicted, by the kernel ridge of metrics.py, which is fitted on training rows. The score is the share of the
components' variance that is explained on validation rows. The criterion is the mean over all measurements
that at least two training people and two validation people have.

Why this criterion: two measurements of a person share the latents. A method that filled its few latents with
the style of one picture, or did not train, predicts the other pictures badly. The criterion needs no decoder,
no graph and no density, so it does not favour methods that have one. A modality's only measurement is
predicted from the other modalities, to which its latents may be related.

What the criterion does not see: which coordinates the latents are in, and whether the graph is right. An
invertible map of a block (the latents of one modality) hardly changes the score. Scores are small when
measurements have their own style, which no other measurement can predict.
"""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped
from sklearn.decomposition import PCA

from personax.learning.metrics import kernel_ridge_r2
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split

COMPONENTS = 10  # principal components of a measurement that are predicted
CRITERION_ROWS = 2000  # most training rows of a kernel ridge; its cost is cubic and there are many


@runtime_checkable
class Transforms(Protocol):
    """Anything that computes latents of people: our model after its fit, or a baseline."""

    def transform(self, data: MultiViewData) -> pd.DataFrame:
        """Latents (n, d)."""
        ...


def hide(data: MultiViewData, modality: str, measurement: int) -> MultiViewData:
    """The same data, but nobody has this measurement (counted from 0)."""
    observed = np.array(data.observed[modality])
    observed[:, measurement] = False
    return replace(data, observed={**data.observed, modality: observed})


def hidden_measurement_r2(model: Transforms, data: MultiViewData, split: Split) -> float:
    """The criterion of this module: at most 1, and about 0 for latents without information.

    Raises InputError for data with a single measurement, since nothing is left when it is hidden.
    """
    if sum(len(arrays) for arrays in data.measurements.values()) < 2:
        raise InputError("a single measurement: nothing is left to predict it from, so nothing can be tuned")
    train = data.rows(split.train[:: max(1, -(-len(split.train) // CRITERION_ROWS))])
    validation = data.rows(split.validation)
    scores = []
    for modality, arrays in data.measurements.items():
        for number in range(len(arrays)):
            sides = []
            for part in (train, validation):
                seen = part.observed[modality][:, number]
                z = model.transform(hide(part, modality, number)).to_numpy(dtype=np.float64)
                sides.append((z[seen], part.measurements[modality][number][seen]))
            if min(len(x) for _, x in sides) > 1:
                scores.append(_explained_variance(*sides[0], *sides[1]))
    return float(np.mean(scores))


def _explained_variance(
    z: Float[np.ndarray, "n d"],
    x: Shaped[np.ndarray, "n *shape"],
    z_held: Float[np.ndarray, "n_held d"],
    x_held: Shaped[np.ndarray, "n_held *shape"],
) -> float:
    """Share of the variance of x_held's components (n', ...) that is predicted from z_held (n', d)."""
    flat, held = (a.reshape(len(a), -1).astype(np.float64) for a in (x, x_held))
    pca = PCA(min(COMPONENTS, flat.shape[1], len(flat) - 1), svd_solver="covariance_eigh").fit(flat)
    targets, held_targets = pca.transform(flat), pca.transform(held)
    r2 = kernel_ridge_r2(z, targets, z_held, held_targets)
    return float(np.average(r2, weights=np.maximum(held_targets.var(0), 1e-12)))
