"""How well recovered latents match the truth: R2 of a fitted map, and correlation after matching."""

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import r2_score

from personax.runs.errors import InputError

KERNEL_RIDGE_ROWS = 4000  # most training rows of the map: its cost is cubic, and a smooth map needs no more


def kernel_ridge_r2(
    z_train: Num[np.ndarray, "n d"],
    truth_train: Num[np.ndarray, "n k"],
    z_test: Num[np.ndarray, "m d"],
    truth_test: Num[np.ndarray, "m k"],
) -> Float[np.ndarray, " k"]:
    """R2 per true latent of a kernel ridge map from all recovered latents, scored on test rows.

    Both sides are standardised with the training rows' moments. The kernel is exp(-|a - b|^2 / (2 d)) for
    d recovered latents, with ridge 0.1. At most KERNEL_RIDGE_ROWS training rows are used, evenly spaced.

    Args:
        z_train, z_test: (n, d) and (n', d) recovered latents.
        truth_train, truth_test: (n, k) and (n', k) true latents.

    Returns:
        (k,) R2: at most 1, about 0 for latents without information, negative for latents that mislead.

    Raises InputError for NaN or inf.
    """
    check_latent_rows(z_train, truth_train)
    check_latent_rows(z_test, truth_test)
    z_train, z_test = _without_exponent(z_train, z_test)
    truth_train, truth_test = _without_exponent(truth_train, truth_test)
    step = max(1, -(-len(z_train) // KERNEL_RIDGE_ROWS))
    z_fit, truth_fit = z_train[::step], truth_train[::step]
    z_mean, z_sd = z_fit.mean(0), _positive(z_fit.std(0))
    t_mean, t_sd = truth_fit.mean(0), _positive(truth_fit.std(0))
    ridge = KernelRidge(kernel="rbf", alpha=0.1, gamma=0.5 / z_fit.shape[1])
    ridge.fit((z_fit - z_mean) / z_sd, (truth_fit - t_mean) / t_sd)
    predicted = ridge.predict((z_test - z_mean) / z_sd) * t_sd + t_mean
    return np.asarray(r2_score(truth_test, predicted, multioutput="raw_values"))


def insample_r2(z: Num[np.ndarray, "n d"], truth: Num[np.ndarray, "n k"]) -> float:
    """The R2 of the official code: a kernel ridge that is fitted and scored on the same rows.

    Its ridge is 1, its kernel exp(-|a - b|^2 / d), and latents are not standardised. This R2 is only printed
    beside the held-out numbers. It makes overfitted latents look better, and good ones worse, because its
    ridge and its kernel are coarser than those of `kernel_ridge_r2`.

    Args:
        z: (n, d) recovered latents.
        truth: (n, k) true latents.

    Returns:
        Mean R2 over the true latents, at most 1.

    Raises InputError for NaN or inf.
    """
    check_latent_rows(z, truth)
    ridge = KernelRidge(kernel="rbf", alpha=1.0, gamma=1.0 / z.shape[1]).fit(z, truth)
    return float(r2_score(truth, ridge.predict(z)))


def match(
    z: Num[np.ndarray, "n d"], truth: Num[np.ndarray, "n k"], *, ranks: bool = False
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Assign one recovered latent to each true latent so that the mean |correlation| is the largest.

    Args:
        z: (n, d) recovered latents.
        truth: (n, k) true latents.
        ranks: Spearman's correlation (of the ranks) instead of Pearson's.

    Returns:
        (k,) the column of z that is assigned to each true latent, and (k,) signed correlations. A constant
        column has correlation 0 with everything. If d < k, some true latents get no recovered one: their
        column is d or larger, and their correlation is 0.

    Raises InputError for NaN or inf, and if z and truth have different numbers of rows.
    """
    check_latent_rows(z, truth)
    correlations = _correlations(z, truth, ranks)
    missing = max(0, len(correlations) - correlations.shape[1])
    correlations = np.pad(correlations, ((0, 0), (0, missing)))
    truth_index, columns = linear_sum_assignment(-np.abs(correlations))
    order = np.argsort(truth_index)
    columns = columns[order]
    return columns, correlations[truth_index[order], columns]


def mean_correlation(
    z: Num[np.ndarray, "n d"], truth: Num[np.ndarray, "n k"], *, ranks: bool = False
) -> float:
    """MCC (mean correlation coefficient): the mean |correlation| of the pairs of `match`, in [0, 1].

    Order, sign and scale of the recovered latents do not matter. Arguments and errors are those of `match`.

    Examples:
        >>> truth = np.random.default_rng(0).standard_normal((100, 2))
        >>> swapped = truth[:, [1, 0]] * [-3.0, 0.1]
        >>> round(mean_correlation(swapped, truth), 6)
        1.0
    """
    return float(np.abs(match(z, truth, ranks=ranks)[1]).mean())


def matched(z: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """The recovered latents (n, k) with the names, the order and the signs of the true ones that they match.

    If there are fewer recovered latents than true ones, the missing columns are zero. Raises InputError as
    `match` does.
    """
    columns, correlations = match(z.to_numpy(), truth.to_numpy())
    missing = max(0, truth.shape[1] - z.shape[1])
    values = np.pad(z.to_numpy(), ((0, 0), (0, missing)))[:, columns] * np.where(correlations < 0, -1.0, 1.0)
    return pd.DataFrame(values, columns=truth.columns, index=z.index)


def _correlations(
    z: Num[np.ndarray, "n d"], truth: Num[np.ndarray, "n k"], ranks: bool
) -> Float[np.ndarray, "k d"]:
    """(k, d) correlations between the columns of truth and of z."""
    if ranks:
        z, truth = rankdata(z, axis=0), rankdata(truth, axis=0)
    z, truth = _without_exponent(z)[0], _without_exponent(truth)[0]
    z, truth = z - z.mean(0), truth - truth.mean(0)
    scale = np.sqrt((truth**2).sum(0))[:, None] * np.sqrt((z**2).sum(0))
    return np.asarray(np.divide(truth.T @ z, scale, out=np.zeros_like(scale), where=scale > 0))


def check_latent_rows(z: Num[np.ndarray, "n d"], truth: Num[np.ndarray, "m k"]) -> None:
    """Raise InputError unless recovered and true latents have the same rows, and all are finite."""
    if len(z) != len(truth):
        raise InputError(f"{len(z)} rows of recovered latents, but {len(truth)} of true ones")
    for name, values in (("recovered", z), ("true", truth)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            row, column = bad[0]
            raise InputError(f"{name} latent {column + 1}, row {row + 1}: NaN or inf; leave the row out")


def _without_exponent(*parts: Num[np.ndarray, "_ d"]) -> list[Float[np.ndarray, "_ d"]]:
    """Divide each column of a table, given in parts (n, d), by a power of 2.

    The power is chosen so that the largest value in the column of the first part is about 1. Squares then
    neither overflow nor vanish, and results that do not depend on the scale keep all their bits.
    """
    exponents = np.frexp(np.abs(parts[0]).max(0, initial=0))[1]
    return [np.ldexp(part, -exponents) for part in parts]


def _positive(sd: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """Standard deviations, with 1 instead of 0, so that one can divide by them."""
    return np.where(sd > 0, sd, 1.0)
