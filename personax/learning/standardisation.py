"""Embeddings are put into standard units, so that their scale and axes do not matter to what is learned.

Networks start from random weights, and losses count errors in the units of the data. So the same embeddings,
multiplied by 0.03 or rotated, would give other results. Before learning, each measurement is written in all
its principal components on the training rows, and divided by one number:

    out = (x - mean) V / c,   V = principal axes,   c^2 = mean of their variances

x -> a x Q + b, with a number a > 0, an orthogonal Q (such as another order of the features) and any b, gives
the same `out` up to rounding, as long as no two variances are equal. Nothing is lost: distances between
people are those of x divided by c. Components do not get variance 1 each: that would enlarge what is mostly
noise.

Pictures stay as they are. So do the coordinates of the compression (compression.py), which are already in
units of their noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from personax.learning.compression import Projection, project_seen
from personax.views import MultiViewData

LEAST_VARIANCE = 1e-9  # components of less variance, as a share of the largest, are rounding errors

Stored = dict[str, list[dict[str, Float[Tensor, "..."]]]]
"""Modality -> for each measurement its centre and weights."""


@dataclass(frozen=True)
class Standardisation:
    """How embeddings are standardised.

    Attributes:
        projections: modality -> one projection per measurement. Other modalities stay as they are.
    """

    projections: Mapping[str, Sequence[Projection]]

    @classmethod
    def fit(cls, data: MultiViewData, rows: Int[np.ndarray, " train"]) -> "Standardisation":
        """Learn the projections of all embeddings (n, d) on `rows`; none for data in known units."""
        if data.known_units:
            return cls({})
        return cls(
            {
                modality: [
                    standard_axes(array[rows[has[rows]]])
                    for array, has in zip(arrays, data.observed[modality].T, strict=True)
                ]
                for modality, arrays in data.measurements.items()
                if all(array.ndim == 2 for array in arrays)
            }
        )

    def __call__(self, data: MultiViewData) -> MultiViewData:
        """The same people with standardised embeddings, in float32. Rows that a person lacks become zeros."""
        standard = {
            modality: [
                project_seen(project, array, has).astype(np.float32)
                for project, array, has in zip(
                    projections, data.measurements[modality], data.observed[modality].T, strict=True
                )
            ]
            for modality, projections in self.projections.items()
            if modality in data.measurements
        }
        return replace(data, measurements={**data.measurements, **standard})

    def stored(self) -> Stored:
        """The projections as tensors."""
        return {
            modality: [
                {"centre": torch.from_numpy(each.centre), "weights": torch.from_numpy(each.weights)}
                for each in projections
            ]
            for modality, projections in self.projections.items()
        }

    @classmethod
    def from_stored(cls, stored: Stored) -> "Standardisation":
        """The standardisation whose `stored` returned these tensors."""
        return cls(
            {
                modality: [
                    Projection(each["centre"].cpu().numpy(), each["weights"].cpu().numpy())
                    for each in projections
                ]
                for modality, projections in stored.items()
            }
        )


def standard_axes(x: Float[np.ndarray, "n d"]) -> Projection:
    """The projection (n, d) -> (n, r) to all principal components of x, divided by one number, in float64.

    r is the rank of x - mean. Each axis points towards the person whose score on it is the largest. If x does
    not vary, the projection has one column of zeros.
    """
    n, d = x.shape
    if n == 0 or (x == x[0]).all():
        return Projection(np.zeros(d), np.zeros((d, 1)))
    centre = x.mean(0, dtype=np.float64)
    centred = x - centre
    scale = np.abs(centred).max()  # so that no square overflows
    centred = centred / scale
    gram = centred.T @ centred if d <= n else centred @ centred.T
    variances, axes = np.linalg.eigh(gram / n)
    order = np.flatnonzero(variances > LEAST_VARIANCE * variances[-1])[::-1]
    variances, axes = variances[order], axes[:, order]
    if d > n:
        axes = centred.T @ axes / np.sqrt(n * variances)
    scores = centred @ axes
    farthest = scores[np.abs(scores).argmax(0), np.arange(len(order))]
    return Projection(centre, axes * np.sign(farthest) / (scale * np.sqrt(variances.mean())))
