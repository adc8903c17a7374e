"""Linear readings of embeddings: the latents that all modalities share, and independent sources of the rest.

A block is the set of latents of one modality, or the set "s" that all modalities share. Let x_m be a person's
coordinates of modality m in units of their noise (compression.py), averaged over the measurements that the
person has. Three steps, none of which is a search:

1. s. Canonical correlations between the modalities (for more than two: MAXVAR, Kettenring 1971) find the
   coordinates that all modalities tell alike. An independent component analysis turns them into s.
2. Axes. x_m is regressed on polynomials of s. The leading principal axes of what is left span the modality's
   own latents v_m = E_m^T x_m: in units of noise these vary much, and everything else by about 1.
3. Sources. Latents cause each other, also across modalities, so one independent component analysis is done
   over all modalities together: rest = A e, with e the independent noises of the latents (Shimizu et al.
   2006). A source belongs to the modality on which it loads most.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

SMALLEST_VARIANCE = 1e-9  # least variance of an axis, as a share of the largest
DEGREE = 3  # of the polynomials of s


@dataclass(frozen=True)
class SharedReading:
    """How s is read: s = mean over modalities of x_m maps[m].

    Attributes:
        maps: modality -> (r, k).
        s: (n, k) standardised shared latents of the people who were read.
    """

    maps: Mapping[str, Float[np.ndarray, "r k"]]
    s: Float[np.ndarray, "n k"]


@dataclass(frozen=True)
class Sources:
    """The modalities' own coordinates, and the independent sources that mix in them.

    Attributes:
        axes: modality -> E_m (r, width), orthonormal columns.
        v: (n, D) own coordinates of all modalities side by side.
        rest: (n, D) what polynomials of s do not explain of v.
        mixing: A (D, D), rest = A e; a column is a source.
        owner: (D,) number of the modality that each source belongs to.
        places: for each modality its columns of v.
    """

    axes: Mapping[str, Float[np.ndarray, "r width"]]
    v: Float[np.ndarray, "n D"]
    rest: Float[np.ndarray, "n D"]
    mixing: Float[np.ndarray, "D D"]
    owner: Int[np.ndarray, " D"]
    places: Sequence[slice]


def canonical_variates(
    x: Mapping[str, Float[np.ndarray, "n _"]],
) -> tuple[Float[np.ndarray, " q"], dict[str, Float[np.ndarray, "_ q"]]]:
    """Correlations rho (q,), from the largest on, and modality -> maps (r, q) to variates of variance 1.

    rho is the mean correlation between two modalities' variates. q is the least r of a modality. For two
    modalities these are the canonical correlations.

    Args:
        x: modality -> centred coordinates (n, r) of the same people.
    """
    whitening = {m: _whitening(values) for m, values in x.items()}
    white = np.concatenate([x[m] @ whitening[m] for m in x], axis=1)
    least, count = min(w.shape[1] for w in whitening.values()), len(x)
    values, vectors = np.linalg.eigh(white.T @ white / len(white))
    leading = vectors[:, ::-1][:, :least]
    maps, start = {}, 0
    for m, w in whitening.items():
        part = leading[start : start + w.shape[1]]
        maps[m] = w @ (part / np.maximum(np.linalg.norm(part, axis=0), SMALLEST_VARIANCE))
        start += w.shape[1]
    return (values[::-1][:least] - 1) / max(count - 1, 1), maps


def _whitening(x: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "r r"]:
    """(r, r) map that makes centred coordinates uncorrelated, of variance 1."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    whitening: np.ndarray = vectors / np.sqrt(np.maximum(values, SMALLEST_VARIANCE * values.max()))
    return whitening


def read_shared(x: Mapping[str, Float[np.ndarray, "n _"]], number: int, seed: int) -> SharedReading:
    """The first `number` canonical variates, turned to independent components.

    The components are found by kurtosis (`cube`), since shared latents tend to be flatter than normal.

    Args:
        x: modality -> centred coordinates (n, r) of the same people.
        number: number of shared latents; with 0 the maps have no columns.
        seed: seed of the analysis' start.
    """
    if number == 0:
        return SharedReading({m: np.zeros((a.shape[1], 0)) for m, a in x.items()}, np.zeros((_rows(x), 0)))
    maps = {m: full[:, :number] for m, full in canonical_variates(x)[1].items()}
    mean = np.mean([x[m] @ maps[m] for m in x], axis=0)
    turn = independent_components(mean, seed, "cube").T if number > 1 else np.ones((1, 1))
    turned = mean @ turn
    turn = turn / np.maximum(turned.std(0), SMALLEST_VARIANCE)
    return SharedReading({m: part @ turn for m, part in maps.items()}, mean @ turn)


def independent_components(x: Float[np.ndarray, "n d"], seed: int, contrast: str) -> Float[np.ndarray, "d d"]:
    """Unmixing matrix W (d, d) of centred columns: x W^T are independent (Hyvärinen & Oja 2000).

    contrast: "cube" is best for flat and bounded distributions, "logcosh" for heavy tails.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        analysis = FastICA(
            whiten="unit-variance", fun=contrast, random_state=seed, max_iter=2000, tol=1e-5
        ).fit(x)
    unmixing: np.ndarray = analysis.components_
    return unmixing


def polynomials(s: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n p"]:
    """All products of at most DEGREE of the standardised columns of s, with a constant first."""
    columns = [np.ones(len(s))]
    for degree in range(1, DEGREE + 1):
        for chosen in combinations_with_replacement(range(s.shape[1]), degree):
            columns.append(np.prod(s[:, chosen], axis=1))
    return np.column_stack(columns)


def rest_given(values: Float[np.ndarray, "n d"], s: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n d"]:
    """What polynomials of s do not explain of `values`."""
    design = polynomials(s)
    rest: np.ndarray = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return rest


def principal_axes(
    rest: Float[np.ndarray, "n r"],
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r r"]]:
    """Variances (r,), in falling order, and the axes (r, r) that they belong to."""
    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(rest.T)))
    return values[::-1], vectors[:, ::-1]


def find_sources(
    x: Mapping[str, Float[np.ndarray, "n _"]],
    s: Float[np.ndarray, "n k"],
    widths: Mapping[str, int],
    seed: int,
) -> Sources:
    """Axes and joint independent sources (steps 2 and 3).

    Args:
        x: modality -> centred coordinates (n, r) of the same people, with r >= width.
        s: their standardised shared latents.
        widths: modality -> number of own coordinates.
        seed: seed of the analysis' start.
    """
    axes = {m: principal_axes(rest_given(x[m], s))[1][:, : widths[m]] for m in x}
    v = np.concatenate([x[m] @ axes[m] for m in x], axis=1)
    rest = rest_given(v, s)
    mixing = np.linalg.inv(independent_components(rest, seed, "logcosh")) if v.shape[1] > 1 else np.eye(1)
    ends = np.cumsum([0, *(widths[m] for m in x)])
    places = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    return Sources(axes, v, rest, mixing, find_owners(mixing, rest, places), places)


def find_owners(
    mixing: Float[np.ndarray, "D D"], rest: Float[np.ndarray, "n D"], places: Sequence[slice]
) -> Int[np.ndarray, " D"]:
    """(D,) the modality of each source: the largest total share of loadings, as many sources as columns."""
    variance = rest.var(0)
    share = np.stack([(mixing[place] ** 2).sum(0) / variance[place].sum() for place in places])
    share = share / share.sum(0)
    slots = np.repeat(np.arange(len(places)), [place.stop - place.start for place in places])
    rows, columns = linear_sum_assignment(-share[slots])
    owner = np.empty(len(slots), dtype=int)
    owner[columns] = slots[rows]
    return owner


def _rows(x: Mapping[str, Float[np.ndarray, "n _"]]) -> int:
    return len(next(iter(x.values())))
