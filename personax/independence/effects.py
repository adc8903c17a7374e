"""Effect sizes: how strong a dependence is, whatever the number of rows, with 95 % confidence intervals.

There are three, each defined here and nowhere else:

    alignment    kernels and distances (kci, hsic, distance_correlation, rcit), in [0, 1];
    cramers_v    tables of counts (chi_square, g_square), in [0, 1];
    correlation  fisher_z, in [-1, 1].

All are 0 for columns that are as independent as chance lets them be, and 1 (or -1) if one column determines
the other in the way that the test sees: equal Gram matrices up to a factor, a table with one filled cell in
each row or column, a line.

The intervals are from the delta method: a row's influence on the effect is its derivative when the row gets
a little more weight, and the variance of the effect is that of the influence, divided by n. Under exact
independence the derivative of alignment and Cramer's V vanishes, and the interval is only rough; it then
begins at 0.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Num

# Standard errors on either side of a 95 % interval.
_WIDTH = 1.959963984540054


class Effect(NamedTuple):
    """An effect size and its 95 % confidence interval (NaN if there is none)."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


class Squares(NamedTuple):
    """What `alignment` needs of two centred Gram matrices of n rows, all divided by n^2.

    Attributes:
        cross: sum(Kc_x * Kc_y), i.e. V.
        first, second: sum(Kc^2) of each.
        by_chance: mean of V over all orders of the rows, tr(Kc_x) tr(Kc_y) / (n - 1).
    """

    cross: float
    first: float
    second: float
    by_chance: float


def alignment(squares: Squares) -> float:
    """Squared effect of kernels: (V - mean) / (largest V - mean), at most 1; it may be negative.

    The mean is that of V over all orders of the rows; the largest V is sqrt(sum Kc_x^2 sum Kc_y^2) (Cauchy
    and Schwarz). So it is the kernel alignment of Cristianini et al. (2001), or the squared distance
    correlation of Szekely et al. (2007), corrected for chance. It rises with V, as the evidence does. Where
    all orders of the rows give the same V (labels that are all different), it is 0.
    """
    largest = float(np.sqrt(squares.first * squares.second))
    room = largest - squares.by_chance
    return min((squares.cross - squares.by_chance) / room, 1.0) if room > 1e-12 * largest else 0.0


def alignment_effect(
    squares: Squares,
    table: Float[np.ndarray, "g h"],
    a: Float[np.ndarray, "g g"],
    b: Float[np.ndarray, "h h"],
) -> Effect:
    """Square root of `alignment`, with its interval.

    Args:
        squares: of all rows.
        table: (g, h) counts of the rows by groups of both columns (permutations.py).
        a, b: the centred kernels between groups. The interval comes from the groups.
    """
    n = float(table.sum())
    share = table / n
    inner = a @ share @ b
    cross = float(np.sum(share * inner))
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    of_a, of_b = a**2 @ rows, b**2 @ columns
    first, second = float(rows @ of_a), float(columns @ of_b)
    # Derivatives of cross / sqrt(first second); each of the three sums is quadratic in the shares.
    scale = 1.0 / np.sqrt(first * second)
    influence = 2.0 * inner * scale - cross * scale * ((of_a / first)[:, None] + of_b / second)
    largest = float(np.sqrt(squares.first * squares.second))
    stretch = largest / max(largest - squares.by_chance, 1e-12 * largest)
    error = stretch * float(np.sqrt(np.sum(share * influence**2) / n))
    value = alignment(squares)
    return _root(value, error)


def cramers_v(table: Float[np.ndarray, "r c"]) -> Effect:
    """Cramer's V of a table of counts, corrected for its bias (Bergsma 2013), with its interval.

    The correction is applied to phi^2 = X^2 / n and to the numbers of rows and columns. A table in which
    every row has a label of its own has V = 0: its phi^2 is as large for any other labels.
    """
    places = np.nonzero(table)
    return cramers_v_of_cells((table.sum(axis=1), table.sum(axis=0)), places, table[places])


def cramers_v_of_cells(
    margins: tuple[Num[np.ndarray, " r"], Num[np.ndarray, " c"]],
    places: tuple[Int[np.ndarray, " k"], ...],
    counts: Num[np.ndarray, " k"],
) -> Effect:
    """`cramers_v` from the (k,) cells that are not empty, by their rows and columns: for large tables."""
    n = float(counts.sum())
    (r, c), share = (len(margin) for margin in margins), counts / n
    rows, columns = (margin[place] / n for margin, place in zip(margins, places, strict=True))
    ratio = share / (rows * columns)
    phi2 = float(np.sum(share * ratio)) - 1.0
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1.0
    if smaller <= 1e-9:
        return Effect(0.0, 0.0, 0.0)
    influence = 2.0 * ratio
    for place, margin in zip(places, (rows, columns), strict=True):
        influence -= np.bincount(place, weights=share * ratio)[place] / margin
    error = float(np.sqrt(np.sum(share * influence**2) / n))
    corrected = phi2 - (r - 1) * (c - 1) / (n - 1)
    return _root(min(corrected / smaller, 1.0), error / smaller)


def correlation_effect(
    a: Float[np.ndarray, " n"],
    b: Float[np.ndarray, " n"],
    weights: Num[np.ndarray, " n"] | None = None,
    *,
    is_signed: bool,
) -> Effect:
    """Pearson's r of two columns of z-scores (n,), with an interval on the scale of Fisher's z = atanh r.

    Without sign, for a column that has no direction, the interval begins at 0 if it contains 0. `weights`
    (n,) of people in each row; None if every row is one person.
    """
    n = len(a) if weights is None else round(float(weights.sum()))
    product = a @ b if weights is None else (weights * a) @ b
    r = float(np.clip(product / (n - 1), -1.0, 1.0))
    influence = a * b - 0.5 * r * (a**2 + b**2)
    inside = max(1.0 - r * r, 1e-15)
    variance = np.mean(influence**2) if weights is None else weights @ influence**2 / n
    error = float(np.sqrt(variance / n)) / inside
    z = float(np.arctanh(np.clip(r, -1.0 + 2**-53, 1.0 - 2**-53)))
    low, high = float(np.tanh(z - _WIDTH * error)), float(np.tanh(z + _WIDTH * error))
    low, high = min(low, r), max(high, r)
    if is_signed:
        return Effect(r, low, high)
    ends = sorted((abs(low), abs(high)))
    return Effect(abs(r), 0.0 if low <= 0.0 <= high else ends[0], ends[1])


def _root(square: float, error: float) -> Effect:
    """Effect and interval from its square and the standard error of the square, all limited to [0, 1]."""
    ends = np.sqrt(np.clip([square, square - _WIDTH * error, square + _WIDTH * error], 0.0, 1.0))
    return Effect(*map(float, ends))
