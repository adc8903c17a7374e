"""Compress embeddings to a few coordinates before learning, independently of the map that obfuscated them.

The published embeddings were transformed by an unknown invertible map (paper §3). What the measurements of a
modality have in common survives it: their canonical correlations do not change under any invertible linear
map of a measurement. So if a modality has several measurements, each one is compressed to its canonical
variates with the others (generalised canonical correlations, MAXVAR: Kettenring 1971), in units of its own
noise

    y_i = W_i^T (x_i - mean_i),   S = mean over j != k of cov(y_j, y_k),   out_i = (cov(y_i) - S)^(-1/2) y_i

with cov(y_i) - S the covariance of what measurement i does not share with the others (probabilistic CCA, Bach
& Jordan 2005). Distances between coordinates are then distances in units of noise (the Fisher metric of the
content), which no invertible map changes either. If the noise of the embeddings is isotropic, they are
distances in the space of the embedding. A single measurement cannot be compared with another one. So its
leading principal components are taken and divided by the standard deviation of the noise. Only an orthogonal
map leaves these unchanged.

Principal components come first in both cases, because a search for correlations needs fewer numbers than
people. They are computed from powers of the Gram matrix of the people (x x^T). An orthogonal map does not
change this matrix, so it changes the result by rounding only. Everything is fitted on training rows.

Missing measurements stay masked. Nobody needs to have all of them: every person counts with the pairs of
measurements that he or she has. Because noise is small beside what is shared, a variance and a covariance
whose difference matters are always taken from the same people; else the two samples would differ by more
than the noise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse.csgraph import connected_components

from personax.independence.threads import by_one_blas_thread
from personax.runs.errors import InputError
from personax.runs.files import atomic_path
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData

COMPONENT_NUMBERS = (16, 32, 64, 128)  # numbers of principal components to choose from
POWER_ITERATIONS = 8  # iterations of the block power method, which finds the principal components
OVERSAMPLING = 16  # further directions in the block power method, which make the leading ones exact
HELD_OUT_SHARE = 0.25  # share of the training rows on which the numbers of components are chosen
SIGNIFICANT_ERRORS = 4.0  # a held-out canonical correlation must exceed 0 by this many standard errors
PAIRS_PER_COORDINATE = 10  # training people with two measurements, for each latent of the modality
NOISE_FLOOR = 0.01  # least noise of a canonical variate, as a share of its variance
LEAST_SHARE_OF_NOISE = 1e-8  # of the variance; if less were noise, rounding would count as signal


@dataclass(frozen=True)
class Projection:
    """The linear map x -> (x - centre) @ weights from d to r coordinates."""

    centre: Float[np.ndarray, " d"]
    weights: Float[np.ndarray, "d r"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
        """Project n people, (n, d) -> (n, r)."""
        projected: np.ndarray = x @ self.weights - self.centre @ self.weights
        return projected


def project_seen(
    project: Callable[[Float[np.ndarray, "rows d"]], Float[np.ndarray, "rows r"]],
    x: Float[np.ndarray, "n d"],
    has: Bool[np.ndarray, " n"],
) -> Float[np.ndarray, "n r"]:
    """Apply `project` (n, d) -> (n, r) to the rows that exist (`has`); the others become zeros."""
    found = project(x[has])
    out = np.zeros((len(x), found.shape[1]), found.dtype)
    out[has] = found
    return out


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
    @by_one_blas_thread  # so coordinates do not depend on the number of threads, nor what is found in them
    def fit(
        cls,
        data: MultiViewData,
        rows: Int[np.ndarray, " train"],
        *,
        least: Mapping[str, int],
        times: float = 1.0,
        seed: int = 0,
    ) -> "Compression":
        """Learn the projections on `rows`.

        Args:
            data: embeddings (n, d) of every modality.
            rows: row numbers of the training people.
            least: modality -> least number of coordinates (fewer only if the measurements have fewer).
            times: keep so many times the number of coordinates that would be chosen, above 0. Another number
                than 1 is for questions such as how much a result depends on this choice.
            seed: seed of the start of the power method and of the split that chooses the numbers.

        Raises:
            InputError: too few training people have two measurements of a modality together. Pairs with
                PAIRS_PER_COORDINATE people per least coordinate must link all measurements.
        """
        projections, report = {}, {}
        for modality, arrays in data.measurements.items():
            seen, rng = data.observed[modality][rows], numpy_rng(seed, f"compression/{modality}")
            if len(arrays) > 1:
                where = f"{data.source}: {modality}" if data.source else modality
                _check_overlap(where, _together(seen), PAIRS_PER_COORDINATE * least[modality])
            bases = [
                _leading_components(array, rows[has], rng) for array, has in zip(arrays, seen.T, strict=True)
            ]
            if len(arrays) == 1:
                projections[modality], report[modality] = _compress_single(bases[0], least[modality], times)
            else:
                paired = seen.sum(1) > 1
                scores = _Scores.of(bases, [array[rows[paired]] for array in arrays], seen[paired])
                maps, report[modality] = _compress_several(scores, least[modality], times, rng)
                projections[modality] = [
                    Projection(base.centre, base.whitening[:, : len(weights)] @ weights)
                    for base, weights in zip(bases, maps, strict=True)
                ]
        return cls(projections, report)

    @by_one_blas_thread
    def __call__(self, data: MultiViewData) -> MultiViewData:
        """The same people with compressed measurements, in units of noise. The masks are kept."""
        measurements = {
            modality: [
                project_seen(project, array, present)
                for project, array, present in zip(
                    self.projections[modality], arrays, data.observed[modality].T, strict=True
                )
            ]
            for modality, arrays in data.measurements.items()
        }
        return replace(data, measurements=measurements, known_units=True, columns={})

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

    centre: Float[np.ndarray, " d"]
    whitening: Float[np.ndarray, "d p"]
    variances: Float[np.ndarray, " p"]
    total: float
    people: int

    def whitened(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n p"]:
        """(n, d) -> (n, p) scores of variance 1."""
        whitened: np.ndarray = x @ self.whitening - self.centre @ self.whitening
        return whitened

    def noise_sd(self, signal: int) -> float:
        """Standard deviation of isotropic noise if the first `signal` components are not noise."""
        d, n = len(self.centre), self.people
        rest = max(self.total - self.variances[:signal].sum(), LEAST_SHARE_OF_NOISE * self.total)
        return float(np.sqrt(rest / max(1, d - signal) / max(1 - signal / n, 0.1)))

    def above_noise(self) -> int:
        """Number of components above the optimal hard threshold for the noise (Gavish & Donoho 2014)."""
        ratio = len(self.centre) / self.people
        root = np.sqrt(ratio**2 + 14 * ratio + 1)
        threshold = 2 * (ratio + 1) + 8 * ratio / (ratio + 1 + root)  # in units of the noise's variance
        number = 0
        while number < len(self.variances) and (
            self.variances[number] > threshold * self.noise_sd(number + 1) ** 2
        ):
            number += 1
        return number


def _leading_components(
    array: Float[np.ndarray, "n d"], rows: Int[np.ndarray, " rows"], rng: np.random.Generator
) -> _Principal:
    """The leading principal components of `array[rows]` (n, d): the largest number that may be chosen later.

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


def _compress_single(base: _Principal, least: int, times: float) -> tuple[list[Projection], dict[str, Any]]:
    """Principal components above the noise, in units of the noise. There are at least `least` of them."""
    number = min(max(round(times * base.above_noise()), least), len(base.variances))
    weights = (
        base.whitening[:, :number]
        * np.sqrt(base.variances[:number]).astype(np.float32)
        / base.noise_sd(number)
    )
    report = {"method": "principal components", "components": number}
    return [Projection(base.centre, weights.astype(np.float32))], report


@dataclass(frozen=True)
class _Scores:
    """Whitened principal components of the measurements of a modality.

    Attributes:
        values: per measurement (n, p); zeros for a person who lacks it.
        seen: (n, measurements) bool, who has which measurement.
    """

    values: Sequence[Float[np.ndarray, "n _"]]
    seen: Bool[np.ndarray, "n measurements"]

    @classmethod
    def of(
        cls,
        bases: Sequence[_Principal],
        arrays: Sequence[Float[np.ndarray, "n _"]],
        seen: Bool[np.ndarray, "n measurements"],
    ) -> "_Scores":
        """The scores of measurements (n, d) on their principal components."""
        found = zip(bases, arrays, seen.T, strict=True)
        return cls([project_seen(base.whitened, array, has) for base, array, has in found], seen)

    def rows(self, index: Int[np.ndarray, " rows"]) -> "_Scores":
        """The given rows."""
        return _Scores([score[index] for score in self.values], self.seen[index])

    def variates(self, maps: Sequence[Float[np.ndarray, "_ r"]]) -> list[Float[np.ndarray, "n r"]]:
        """Per measurement: scores times the map (p, r) of the first p of them, (n, r)."""
        return [score[:, : len(weights)] @ weights for score, weights in zip(self.values, maps, strict=True)]


def _together(seen: Bool[np.ndarray, "n measurements"]) -> Int[np.ndarray, "measurements measurements"]:
    """(n, measurements) bool -> (measurements, measurements) number of people who have both measurements."""
    counts: np.ndarray = seen.T.astype(int) @ seen.astype(int)
    return counts


def _check_overlap(where: str, together: Int[np.ndarray, "measurements measurements"], needed: int) -> None:
    """Raise InputError unless every measurement is linked to the first one.

    Two measurements are linked if at least `needed` people have both, or by a chain of such pairs.

    Args:
        where: the beginning of the message: the source and the modality.
        together: (measurements, measurements) number of training people who have both of two measurements.
        needed: least number of them.
    """
    linked = connected_components(together >= needed, directed=False)[1] == 0
    if not linked.all():
        first = np.flatnonzero(~linked)[0]
        most = together[first, linked].max()
        raise InputError(
            f"{where}: only {most} training people have measurement {first + 1} together with "
            f"{' or '.join(str(k + 1) for k in np.flatnonzero(linked))}; "
            f"at least {needed}, or leave measurement {first + 1} out"
        )


def _compress_several(
    scores: _Scores, least: int, times: float, rng: np.random.Generator
) -> tuple[list[Float[np.ndarray, "p r"]], dict[str, Any]]:
    """Maps (p, r) from whitened principal components to canonical variates in units of noise, and a report.

    Both numbers are chosen on a held-out part of the rows. p maximises the information
    -1/2 sum log(1 - rho^2) that the measurements have about each other; r is the number of significant
    correlations rho, times `times`.
    """
    order = rng.permutation(len(scores.seen))
    cut = max(2, round(HELD_OUT_SHARE * len(order)))
    held_out, fitted = scores.rows(order[:cut]), scores.rows(order[cut:])
    significant = SIGNIFICANT_ERRORS / np.sqrt(_independent_pairs(held_out.seen))
    largest = min(score.shape[1] for score in scores.values)
    found: dict[int, np.ndarray] = {}
    for components in sorted({min(size, largest) for size in COMPONENT_NUMBERS}):
        rho = _held_out_correlations(held_out, _correlate(fitted, components))
        found[components] = np.where(rho > significant, rho, 0.0)
    information = {size: float(-0.5 * np.log1p(-(rho**2)).sum()) for size, rho in found.items()}
    best = max(information, key=lambda size: information[size])
    number = min(max(round(times * int((found[best] > 0).sum())), least), best)
    maps = [weights[:, :number] for weights in _correlate(scores, best)]
    report = {
        "method": "canonical variates",
        "components": number,
        "principal_components": best,
        "correlations": _held_out_correlations(held_out, maps).round(4).tolist(),
        "information_by_principal_components": information,
    }
    return _in_units_of_noise(scores, maps), report


def _independent_pairs(seen: Bool[np.ndarray, "n measurements"]) -> float:
    """The number of independent pairs that would be as informative as the pairs of the people in `seen`.

    It is Kish's effective sample size, with each person's number of pairs as the weight: a person with I
    measurements has I (I - 1) / 2 pairs, whose errors may depend on each other. If all people have equally
    many measurements, it is the number of people.
    """
    numbers = seen.sum(1)
    pairs = numbers * (numbers - 1) // 2
    return float(pairs.sum() ** 2 / np.square(pairs).sum())


def _in_units_of_noise(
    scores: _Scores, maps: Sequence[Float[np.ndarray, "p r"]]
) -> list[Float[np.ndarray, "p r"]]:
    """Maps (p, r) in units of noise: the part of a measurement that no other one shares gets variance 1.

    What is shared is much larger than the noise. So cov(y_i) and what is subtracted from it are means over
    the same people, those who have measurement i. Each of them counts once: as the mean over the pairs that
    he or she has.
    """
    variates = [_centred(v, has) for v, has in zip(scores.variates(maps), scores.seen.T, strict=True)]
    views, numbers = len(variates), scores.seen.sum(1)
    pairs = [(i, j) for i in range(views) for j in range(views) if i != j]
    balance = (len(pairs) / (numbers * (numbers - 1)))[:, None]  # 1 for people who have all measurements
    out = []
    for variate, weights, has in zip(variates, maps, scores.seen.T, strict=True):
        people = has.sum()
        shared = sum((variates[i] * balance)[has].T @ variates[j][has] for i, j in pairs) / (
            people * len(pairs)
        )
        values, vectors = np.linalg.eigh(variate.T @ variate / people - (shared + shared.T) / 2)
        noise = np.maximum(values, NOISE_FLOOR)
        out.append((weights @ (vectors / np.sqrt(noise)) @ vectors.T).astype(np.float32))
    return out


def _centred(x: Float[np.ndarray, "n r"], has: Bool[np.ndarray, " n"]) -> Float[np.ndarray, "n r"]:
    """(n, r) minus the mean of the rows that exist (`has`); the others become zeros."""
    return np.where(has[:, None], x - x[has].mean(0), 0)


def _correlate(scores: _Scores, components: int) -> list[Float[np.ndarray, "p p"]]:
    """Canonical correlations by MAXVAR: a map (p, p) per measurement, columns from the largest correlation.

    The maps minimise the sum of |y_i - y_j|^2 over people and the pairs of measurements that they have, for
    variates of variance 1. They are the eigenvectors of the correlation matrix of all components together,
    cut into measurements. With I measurements, its eigenvalues are 1 + (I - 1) times the mean correlations.
    A person with k of the I measurements is in k - 1 pairs with each of them, and counts (k - 1) / (I - 1) in
    its variance. So covariances and variances are those of the same pairs, and no correlation exceeds 1.
    """
    views = len(scores.values)
    places = [slice(number * components, (number + 1) * components) for number in range(views)]
    centred = [
        _centred(score[:, :components].astype(np.float64), has)
        for score, has in zip(scores.values, scores.seen.T, strict=True)
    ]
    stacked = np.concatenate(centred, 1)
    correlation = stacked.T @ stacked / len(stacked)
    lacking = 1 - (scores.seen.sum(1) - 1) / (views - 1)  # 0 for people who have all measurements
    parts = []
    for place, x in zip(places, centred, strict=True):
        own = correlation[place, place] - (x * lacking[:, None]).T @ x / len(stacked)
        values, vectors = np.linalg.eigh(own)
        parts.append((vectors / np.sqrt(np.maximum(values, 1e-6))) @ vectors.T)
    for i, a in enumerate(places):
        for j, b in enumerate(places):
            correlation[a, b] = np.eye(components) if i == j else parts[i] @ correlation[a, b] @ parts[j]
    values, vectors = np.linalg.eigh(correlation)
    order = np.argsort(values)[::-1][:components]
    vectors = vectors[:, order].reshape(views, components, len(order))
    return [np.sqrt(views) * part @ vector for part, vector in zip(parts, vectors, strict=True)]


def _held_out_correlations(
    scores: _Scores, maps: Sequence[Float[np.ndarray, "p r"]]
) -> Float[np.ndarray, " r"]:
    """(r,) mean correlation over the pairs of measurements, on rows that the maps were not fitted to.

    A pair counts in proportion to the number of people who have both measurements.
    """
    variates = scores.variates(maps)
    counts = _together(scores.seen)
    pairs = [(i, j) for i in range(len(maps)) for j in range(i) if counts[i, j] > 1]
    weights = np.array([counts[i, j] for i, j in pairs]) / max(counts[i, j] for i, j in pairs)
    found = []
    for i, j in pairs:
        both = scores.seen[:, i] & scores.seen[:, j]
        one, other = (
            (v - v.mean(0)) / np.maximum(v.std(0), 1e-9) for v in (variates[i][both], variates[j][both])
        )
        found.append((one * other).mean(0))
    correlations: np.ndarray = (np.array(found) * weights[:, None]).sum(0) / weights.sum()
    return correlations
