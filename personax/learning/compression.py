"""Embeddings are compressed to a few coordinates before learning, whatever linear map has obfuscated them.

The published embeddings have passed an unknown invertible map (paper §3). What the measurements of a modality
have in common survives it: their canonical correlations do not change under any invertible linear map of
a measurement. So if a modality has several measurements, each one is compressed to its canonical variates
with the others (generalised canonical correlations, MAXVAR: Kettenring 1971), in units of its own noise

    y_i = W_i^T (x_i - mean_i),   S = mean over i != j of cov(y_i, y_j),   out_i = (cov(y_i) - S)^(-1/2) y_i

with cov(y_i) - S the covariance of what measurement i does not share with the others (probabilistic CCA, Bach
& Jordan 2005). Distances between coordinates are then distances in units of noise (the Fisher metric of the
content), which no invertible map changes either. If the noise of the embeddings is isotropic, they are
distances in the space of the embedding. A single measurement cannot be compared with another one. So its
leading principal components are taken and divided by the standard deviation of the noise. Only an orthogonal
map leaves these unchanged.

Principal components come first in both cases, because a search for correlations needs fewer numbers than
people. They are computed from powers of the Gram matrix of the people (x x^T). An orthogonal map does not
change this matrix, so it changes the result by rounding only. Everything is fitted on training rows. Missing
measurements stay masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from personax.runs.files import atomic_path
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData

COMPONENT_NUMBERS = (16, 32, 64, 128)  # numbers of principal components to choose from
POWER_ITERATIONS = 8  # of the block power method
OVERSAMPLING = 16  # further directions in the block power method, which make the leading ones exact
HELD_OUT_SHARE = 0.25  # share of the training rows on which the numbers of components are chosen
SIGNIFICANT_ERRORS = 4.0  # a held-out canonical correlation must exceed 0 by so many standard errors
NOISE_FLOOR = 0.01  # least noise of a canonical variate, as a share of its variance


@dataclass(frozen=True)
class Projection:
    """The linear map x -> (x - centre) @ weights from d to r coordinates."""

    centre: Float[np.ndarray, " d"]
    weights: Float[np.ndarray, "d r"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
        """Project n people, (n, d) -> (n, r)."""
        projected: np.ndarray = x @ self.weights - self.centre @ self.weights
        return projected


@dataclass(frozen=True)
class Compression:
    """One projection per measurement of every modality.

    Attributes:
        projections: modality -> one projection per measurement.
        report: modality -> how many components were taken and why; it goes into metrics.json.
    """

    projections: Mapping[str, Sequence[Projection]]
    report: Mapping[str, dict[str, Any]]

    @classmethod
    def fit(
        cls, data: MultiViewData, rows: Int[np.ndarray, " train"], *, least: Mapping[str, int], seed: int = 0
    ) -> "Compression":
        """Learn the projections on `rows`.

        Args:
            data: embeddings (n, d) of every modality.
            rows: row numbers of the training people.
            least: modality -> least number of coordinates (fewer only if the measurements have fewer).
            seed: seed of the start of the power method and of the split that chooses the numbers.
        """
        projections, report = {}, {}
        for modality, arrays in data.measurements.items():
            seen = [rows[data.observed[modality][rows, i]] for i in range(len(arrays))]
            rng = numpy_rng(seed, f"compression/{modality}")
            bases = [
                _leading_components(array, present, rng) for array, present in zip(arrays, seen, strict=True)
            ]
            if len(arrays) == 1:
                projections[modality], report[modality] = _compress_single(bases[0], least[modality])
            else:
                shared = rows[data.observed[modality][rows].all(1)]
                scores = [base.whitened(array[shared]) for base, array in zip(bases, arrays, strict=True)]
                maps, report[modality] = _compress_several(scores, least[modality], rng)
                projections[modality] = [
                    Projection(base.centre, base.whitening[:, : len(weights)] @ weights)
                    for base, weights in zip(bases, maps, strict=True)
                ]
        return cls(projections, report)

    def __call__(self, data: MultiViewData) -> MultiViewData:
        """The same people with compressed measurements. The masks are kept."""
        measurements = {
            modality: [
                project(array) * present[:, None]
                for project, array, present in zip(
                    self.projections[modality], arrays, data.observed[modality].T, strict=True
                )
            ]
            for modality, arrays in data.measurements.items()
        }
        return replace(data, measurements=measurements, columns={})

    def save(self, path: Path | str) -> None:
        """Write centres and weights to a .npz file with keys `modality/number/centre` and `.../weights`."""
        arrays = {
            f"{modality}/{number}/{key}": getattr(projection, key)
            for modality, projections in self.projections.items()
            for number, projection in enumerate(projections, start=1)
            for key in ("centre", "weights")
        }
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)


@dataclass(frozen=True)
class _Principal:
    """Leading principal components of n people.

    Attributes:
        centre: (d,) mean.
        whitening: (d, p) map to components of variance 1.
        variances: (p,) variances of the components, in falling order.
        total: sum of the variances of all d coordinates.
        people: number of people n.
    """

    centre: np.ndarray
    whitening: np.ndarray
    variances: np.ndarray
    total: float
    people: int

    def whitened(self, x: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, p) scores of variance 1."""
        whitened: np.ndarray = x @ self.whitening - self.centre @ self.whitening
        return whitened

    def noise_sd(self, signal: int) -> float:
        """Standard deviation of isotropic noise if the first `signal` components are not noise."""
        d, n = len(self.centre), self.people
        rest = max(self.total - self.variances[:signal].sum(), 1e-12 * self.total)
        return float(np.sqrt(rest / max(1, d - signal) / max(1 - signal / n, 0.1)))

    def above_noise(self) -> int:
        """Number of components above the optimal hard threshold (Gavish & Donoho 2014) at estimated noise."""
        ratio = len(self.centre) / self.people
        root = np.sqrt(ratio**2 + 14 * ratio + 1)
        threshold = 2 * (ratio + 1) + 8 * ratio / (ratio + 1 + root)  # in units of the noise's variance
        number = 0
        while number < len(self.variances) and (
            self.variances[number] > threshold * self.noise_sd(number + 1) ** 2
        ):
            number += 1
        return number


def _leading_components(array: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> _Principal:
    """The leading principal components of `array[rows]` (n, d), as many as are ever needed.

    The power method runs on vectors over people, so that x -> x Q with an orthogonal Q changes nothing.
    """
    centre = array[rows].mean(0)
    x = array[rows] - centre
    n, d = x.shape
    most = min(max(COMPONENT_NUMBERS), n - 1, d)
    wanted = min(most + OVERSAMPLING, n - 1, d)
    u = rng.standard_normal((n, wanted), dtype=np.float32)
    for _ in range(POWER_ITERATIONS):
        u = np.linalg.qr(x @ (x.T @ u))[0]
    small = x.T @ u  # (d, wanted) = V S R^T
    squares, turn = np.linalg.eigh((small.T @ small).astype(np.float64))
    order = np.argsort(squares)[::-1][:most]
    squares = np.maximum(squares[order], 1e-12 * squares[order[0]])
    whitening = small @ (turn[:, order] / squares * np.sqrt(n)).astype(np.float32)
    left = u @ turn[:, order]
    whitening *= np.where(left[np.abs(left).argmax(0), np.arange(most)] < 0, -1, 1).astype(np.float32)
    total = float(np.square(x).sum(0, dtype=np.float64).sum()) / n
    return _Principal(centre, whitening, squares / n, total, n)


def _compress_single(base: _Principal, least: int) -> tuple[list[Projection], dict[str, Any]]:
    """Principal components above the noise, in units of the noise. There are at least `least` of them."""
    number = min(max(base.above_noise(), least), len(base.variances))
    weights = (
        base.whitening[:, :number]
        * np.sqrt(base.variances[:number]).astype(np.float32)
        / base.noise_sd(number)
    )
    report = {"method": "principal components", "components": number}
    return [Projection(base.centre, weights.astype(np.float32))], report


def _compress_several(
    scores: Sequence[np.ndarray], least: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Maps (p, r) from whitened principal components to canonical variates in units of noise, and a report.

    Both numbers are chosen on a held-out part of the rows. p maximises the information
    -1/2 sum log(1 - rho^2) that the measurements have about each other; r is the number of significant
    correlations rho.
    """
    order = rng.permutation(len(scores[0]))
    cut = max(2, round(HELD_OUT_SHARE * len(order)))
    held_out, fitted = order[:cut], order[cut:]
    largest = min(score.shape[1] for score in scores)
    found: dict[int, np.ndarray] = {}
    for components in sorted({min(size, largest) for size in COMPONENT_NUMBERS}):
        maps, _ = _correlate([score[fitted] for score in scores], components)
        rho = _held_out_correlations([score[held_out] for score in scores], maps)
        found[components] = np.where(rho > SIGNIFICANT_ERRORS / np.sqrt(cut), rho, 0.0)
    information = {size: float(-0.5 * np.log1p(-(rho**2)).sum()) for size, rho in found.items()}
    best = max(information, key=lambda size: information[size])
    number = min(max(int((found[best] > 0).sum()), least), best)
    maps, _ = _correlate(scores, best)
    maps = [weights[:, :number] for weights in maps]
    report = {
        "method": "canonical variates",
        "components": number,
        "principal_components": best,
        "correlations": _held_out_correlations([score[held_out] for score in scores], maps).round(4).tolist(),
        "information_by_principal_components": information,
    }
    return _in_units_of_noise(scores, maps), report


def _in_units_of_noise(scores: Sequence[np.ndarray], maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Maps (p, r) in units of noise: the part of a measurement that it does not share gets variance 1."""
    variates = _variates(scores, maps)
    variates = [v - v.mean(0) for v in variates]
    n, views = len(variates[0]), len(variates)
    pairs = [(i, j) for i in range(views) for j in range(views) if i != j]
    shared = sum(variates[i].T @ variates[j] for i, j in pairs) / (n * len(pairs))
    out = []
    for variate, weights in zip(variates, maps, strict=True):
        values, vectors = np.linalg.eigh(variate.T @ variate / n - (shared + shared.T) / 2)
        noise = np.maximum(values, NOISE_FLOOR)
        out.append((weights @ (vectors / np.sqrt(noise)) @ vectors.T).astype(np.float32))
    return out


def _correlate(scores: Sequence[np.ndarray], components: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Canonical correlations by MAXVAR: a map (p, p) per measurement, and the correlations in falling order.

    `scores` holds the whitened principal components (n, p) of each measurement. The maps are the eigenvectors
    of the correlation matrix of all components together, cut into measurements. With I measurements, its
    eigenvalues are 1 + (I - 1) times the mean correlations.
    """
    views = len(scores)
    stacked = np.concatenate([score[:, :components] for score in scores], 1).astype(np.float64)
    stacked -= stacked.mean(0)
    correlation = stacked.T @ stacked / len(stacked)
    parts = []
    for number in range(views):
        place = slice(number * components, (number + 1) * components)
        values, vectors = np.linalg.eigh(correlation[place, place])
        parts.append((vectors / np.sqrt(np.maximum(values, 1e-6))) @ vectors.T)
    for i in range(views):
        for j in range(views):
            a, b = slice(i * components, (i + 1) * components), slice(j * components, (j + 1) * components)
            correlation[a, b] = np.eye(components) if i == j else parts[i] @ correlation[a, b] @ parts[j]
    values, vectors = np.linalg.eigh(correlation)
    order = np.argsort(values)[::-1][:components]
    vectors = vectors[:, order].reshape(views, components, len(order))
    maps = [np.sqrt(views) * part @ vector for part, vector in zip(parts, vectors, strict=True)]
    return maps, (values[order] - 1) / (views - 1)


def _variates(scores: Sequence[np.ndarray], maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Per measurement: scores (n, p or more) times the map (p, r) of the first p of them, (n, r)."""
    return [score[:, : len(weights)] @ weights for score, weights in zip(scores, maps, strict=True)]


def _held_out_correlations(scores: Sequence[np.ndarray], maps: Sequence[np.ndarray]) -> np.ndarray:
    """(r,) mean correlation over the pairs of measurements, on rows that the maps were not fitted to."""
    variates = _variates(scores, maps)
    standard = [(v - v.mean(0)) / np.maximum(v.std(0), 1e-9) for v in variates]
    pairs = [(i, j) for i in range(len(scores)) for j in range(i)]
    correlations: np.ndarray = np.mean([(standard[i] * standard[j]).mean(0) for i, j in pairs], axis=0)
    return correlations
