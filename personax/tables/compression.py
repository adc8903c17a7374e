"""Embeddings compressed to a few coordinates before learning, whatever linear map has obfuscated them.

The published embeddings have passed an unknown invertible map (paper §3). What a modality's measurements
have in common survives it: their canonical correlations do not change under any invertible linear map of
a measurement. So where a modality has several measurements, each is compressed to its canonical variates
with the others (generalised canonical correlations, MAXVAR: Kettenring 1971), in units of its own noise

    y_i = W_i^T (x_i - mean_i),   S = mean over i != j of cov(y_i, y_j),   out_i = (cov(y_i) - S)^(-1/2) y_i

with cov(y_i) - S the covariance of what measurement i does not share with the others (probabilistic CCA,
Bach & Jordan 2005). Distances between coordinates then are distances in units of noise, the Fisher metric of
the content, which no invertible map changes either; where the noise of the embeddings is isotropic
they are distances in the embedding's space. A single measurement has nothing to be compared with: its leading
principal components are taken, divided by the noise's standard deviation, which only an orthogonal map
leaves as they are.

Principal components come first in both cases (fewer numbers than people are needed to look for
correlations), from powers of the people's Gram matrix, which an orthogonal map leaves alone: such a map
changes the result by rounding only. Everything is fitted on training rows. Missing measurements stay masked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from personax.runs.files import atomic_path
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData

GRID = (16, 32, 64, 128)  # numbers of principal components that canonical correlations are looked for in
POWERS = 8  # iterations of the block power method
OVERSAMPLING = 16
HELD_OUT = 0.25  # share of the training rows on which the numbers of components are chosen
SIGNIFICANT = 4.0  # standard errors by which a held-out canonical correlation must exceed 0
NOISE_FLOOR = 0.01  # least noise of a canonical variate, as a share of its variance


@dataclass(frozen=True)
class Projection:
    """x (n, d) -> (x - centre) @ weights, (n, r)."""

    centre: np.ndarray
    weights: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n, d) float32 -> (n, r) float32."""
        return x @ self.weights - self.centre @ self.weights


@dataclass(frozen=True)
class Compression:
    """One projection per measurement of every modality.

    Attributes:
        projections: modality -> one per measurement.
        report: modality -> how many components were taken and why; for metrics.json.
    """

    projections: Mapping[str, Sequence[Projection]]
    report: Mapping[str, dict[str, Any]]

    @classmethod
    def fit(
        cls, data: MultiViewData, rows: np.ndarray, *, least: Mapping[str, int], seed: int = 0
    ) -> "Compression":
        """Learn the projections on `rows`.

        Args:
            data: embeddings (n, d) of every modality.
            rows: row numbers of the training people.
            least: modality -> least number of coordinates, if the measurements have as many.
            seed: of the start of the power method and of the inner split.
        """
        projections, report = {}, {}
        for modality, arrays in data.measurements.items():
            seen = [rows[data.observed[modality][rows, i]] for i in range(len(arrays))]
            rng = numpy_rng(seed, f"compression/{modality}")
            bases = [_principal(array, its, rng) for array, its in zip(arrays, seen, strict=True)]
            if len(arrays) == 1:
                projections[modality], report[modality] = _single(bases[0], least[modality])
            else:
                shared = rows[data.observed[modality][rows].all(1)]
                scores = [base.whitened(array[shared]) for base, array in zip(bases, arrays, strict=True)]
                maps, report[modality] = _canonical(scores, least[modality], rng)
                projections[modality] = [
                    Projection(base.centre, base.whitening[:, : len(its)] @ its)
                    for base, its in zip(bases, maps, strict=True)
                ]
        return cls(projections, report)

    def __call__(self, data: MultiViewData) -> MultiViewData:
        """The same people with compressed measurements; the masks are kept."""
        measurements = {
            modality: [
                project(array) * data.observed[modality][:, number, None]
                for number, (project, array) in enumerate(
                    zip(self.projections[modality], arrays, strict=True)
                )
            ]
            for modality, arrays in data.measurements.items()
        }
        return MultiViewData(
            measurements=measurements,
            ids=data.ids,
            observed=data.observed,
            latents=data.latents,
            blocks=data.blocks,
            graph=data.graph,
            source=data.source,
        )

    def save(self, path: Path | str) -> None:
        """Write centres and weights to a .npz file, keys `modality/number/centre` and `.../weights`."""
        arrays = {
            f"{modality}/{number}/{key}": getattr(projection, key)
            for modality, its in self.projections.items()
            for number, projection in enumerate(its, start=1)
            for key in ("centre", "weights")
        }
        with atomic_path(path) as temporary:
            np.savez(temporary, **arrays)


@dataclass(frozen=True)
class _Principal:
    """Leading principal components of n people.

    Attributes:
        centre: (d,) mean. whitening: (d, p) to variance 1. variances: (p,), falling.
        total: sum of all d variances.
        people: n.
    """

    centre: np.ndarray
    whitening: np.ndarray
    variances: np.ndarray
    total: float
    people: int

    def whitened(self, x: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, p) scores of variance 1."""
        return x @ self.whitening - self.centre @ self.whitening

    def noise_sd(self, signal: int) -> float:
        """Standard deviation of isotropic noise, if the first `signal` components are signal."""
        d, n = len(self.centre), self.people
        rest = max(self.total - self.variances[:signal].sum(), 1e-12 * self.total)
        return float(np.sqrt(rest / max(1, d - signal) / max(1 - signal / n, 0.1)))

    def above_noise(self) -> int:
        """Number of components above the optimal hard threshold (Gavish & Donoho 2014), noise estimated."""
        ratio = len(self.centre) / self.people
        root = np.sqrt(ratio**2 + 14 * ratio + 1)
        threshold = 2 * (ratio + 1) + 8 * ratio / (ratio + 1 + root)  # of the variances, in noise variances
        number = 0
        while number < len(self.variances) and (
            self.variances[number] > threshold * self.noise_sd(number + 1) ** 2
        ):
            number += 1
        return number


def _principal(array: np.ndarray, rows: np.ndarray, rng: np.random.Generator) -> _Principal:
    """The leading max(GRID) principal components of `array[rows]` (n, d), by powers of the Gram matrix.

    The power method runs on vectors over people, so that x -> x Q with an orthogonal Q changes nothing.
    """
    centre = array[rows].mean(0)
    x = array[rows] - centre
    n, d = x.shape
    most = min(max(GRID), n - 1, d)
    wanted = min(most + OVERSAMPLING, n - 1, d)
    u = rng.standard_normal((n, wanted), dtype=np.float32)
    for _ in range(POWERS):
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


def _single(base: _Principal, least: int) -> tuple[list[Projection], dict[str, Any]]:
    """Principal components above the noise, in units of the noise; at least `least` of them."""
    number = min(max(base.above_noise(), least), len(base.variances))
    weights = (
        base.whitening[:, :number]
        * np.sqrt(base.variances[:number]).astype(np.float32)
        / base.noise_sd(number)
    )
    report = {"method": "principal components", "components": number}
    return [Projection(base.centre, weights.astype(np.float32))], report


def _canonical(
    scores: Sequence[np.ndarray], least: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Maps (p, r) from whitened principal components to canonical variates in units of noise, and a report.

    p and r are chosen on a held-out part of the rows: p for the most information -1/2 sum log(1 - rho^2)
    that the measurements have of each other, r as the number of significant correlations.
    """
    order = rng.permutation(len(scores[0]))
    cut = max(2, round(HELD_OUT * len(order)))
    held_out, fitted = order[:cut], order[cut:]
    largest = min(score.shape[1] for score in scores)
    found: dict[int, np.ndarray] = {}
    for components in sorted({min(size, largest) for size in GRID}):
        maps, _ = _correlate([score[fitted] for score in scores], components)
        rho = _held_out([score[held_out] for score in scores], maps)
        found[components] = np.where(rho > SIGNIFICANT / np.sqrt(cut), rho, 0.0)
    information = {size: float(-0.5 * np.log1p(-(rho**2)).sum()) for size, rho in found.items()}
    best = max(information, key=lambda size: information[size])
    number = min(max(int((found[best] > 0).sum()), least), best)
    maps, _ = _correlate(scores, best)
    maps = [its[:, :number] for its in maps]
    report = {
        "method": "canonical variates",
        "components": number,
        "principal_components": best,
        "correlations": _held_out([score[held_out] for score in scores], maps).round(4).tolist(),
        "information_by_principal_components": information,
    }
    return _in_units_of_noise(scores, maps), report


def _in_units_of_noise(scores: Sequence[np.ndarray], maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Maps (p, r) whose outputs have covariance S_i + I: what measurement i does not share has variance 1."""
    variates = [score[:, : len(its)] @ its for score, its in zip(scores, maps, strict=True)]
    variates = [v - v.mean(0) for v in variates]
    n, views = len(variates[0]), len(variates)
    pairs = [(i, j) for i in range(views) for j in range(views) if i != j]
    shared = sum(variates[i].T @ variates[j] for i, j in pairs) / (n * len(pairs))
    out = []
    for variate, its in zip(variates, maps, strict=True):
        values, vectors = np.linalg.eigh(variate.T @ variate / n - (shared + shared.T) / 2)
        noise = np.maximum(values, NOISE_FLOOR)
        out.append((its @ (vectors / np.sqrt(noise)) @ vectors.T).astype(np.float32))
    return out


def _correlate(scores: Sequence[np.ndarray], components: int) -> tuple[list[np.ndarray], np.ndarray]:
    """MAXVAR: maps (p, p) per measurement and the mean canonical correlations, falling.

    scores: (n, p) whitened principal components of each measurement. The eigenvectors of the correlation
    matrix of all of them, cut into measurements; its eigenvalues are 1 + (I - 1) times the correlations.
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
    maps = [np.sqrt(views) * part @ its for part, its in zip(parts, vectors, strict=True)]
    return maps, (values[order] - 1) / (views - 1)


def _held_out(scores: Sequence[np.ndarray], maps: Sequence[np.ndarray]) -> np.ndarray:
    """(components,) mean correlation over the pairs of measurements, on rows that the maps have not seen."""
    variates = [score[:, : len(its)] @ its for score, its in zip(scores, maps, strict=True)]
    standard = [(v - v.mean(0)) / np.maximum(v.std(0), 1e-9) for v in variates]
    pairs = [(i, j) for i in range(len(scores)) for j in range(i)]
    return np.mean([(standard[i] * standard[j]).mean(0) for i, j in pairs], axis=0)
