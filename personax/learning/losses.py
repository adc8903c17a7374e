"""Loss terms that our model and the baselines share, each a pure function of tensors.

Equation numbers are those of personax/crl/objective.py. eta is the noise of one measurement: what this
measurement shows and no other one of the same modality does.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

LOWEST_EXPONENT = -60.0  # smaller exponents are set to this, see _LogSumExpBothWays
NOWHERE = -1e9  # similarity of rows that do not exist; finite, so that gradients are never NaN


def reconstruction(
    x: Float[Tensor, "n *shape"], decoded: Float[Tensor, "n *shape"], sd: float, observed: Bool[Tensor, " n"]
) -> Float[Tensor, ""]:
    """Eq. (2): the mean over all rows of the batch, where a row that is not observed counts as 0.

    Args:
        x: measurements (n, ...).
        decoded: what the decoder returns for them.
        sd: standard deviation of the decoder's Gaussian, in the units of x.
        observed: (n,) bool, who has the measurement.
    """
    error = (x - decoded).flatten(1).square().sum(1)
    return torch.where(observed, error, 0.0).mean() / (2 * sd**2)


def kl_to_standard_normal(
    mean: Float[Tensor, "n k"], log_variance: Float[Tensor, "n k"]
) -> Float[Tensor, " n"]:
    """Eq. (3), the part of eta: KL(N(mean, variance) || N(0, I)) of every row."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)


def info_nce(
    a: Float[Tensor, "n d"],
    b: Float[Tensor, "n d"],
    scale: Float[Tensor, ""] | float = 1.0,
    seen: Bool[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    """Eq. (4) and (5): how well each row of a finds its partner among the rows of b, and each of b in a.

    Args:
        a, b: (n, d) encodings; row i of one belongs to row i of the other.
        scale: inverse temperature; the similarity of two rows is minus their squared distance, times `scale`.
        seen: (n,) bool, rows for which both encodings exist; all rows if left out.

    Returns:
        Scalar: 0 for perfect pairs, log n if the encodings carry no information. At its minimum partners are
        close and the rows are spread out. These are the two parts, L2 distance and entropy, of the objective
        in Yao et al.'s Theorem 3.2.
    """
    # -scale |a - b|^2 as one matrix product, which is several times faster than term by term
    one = a.new_ones(len(a), 1)
    left = torch.cat([2 * scale * a, -scale * a.square().sum(1, keepdim=True), one], 1)
    right = torch.cat([b, one, -scale * b.square().sum(1, keepdim=True)], 1)
    similarity = left @ right.T
    partner = similarity.diagonal()
    if seen is None:
        along_rows, along_columns = _log_sum_exp_both_ways(similarity)
        return 0.5 * (along_rows + along_columns).mean() - partner.mean()
    absent = ~(seen[:, None] & seen)
    along_rows, along_columns = _log_sum_exp_both_ways(similarity.masked_fill(absent, NOWHERE))
    lost = 0.5 * (along_rows + along_columns) - partner
    return torch.where(seen, lost, 0.0).sum() / seen.sum().clamp_min(1)


def _log_sum_exp_both_ways(matrix: Float[Tensor, "n n"]) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    along_rows, along_columns, *_ = _LogSumExpBothWays.apply(matrix)  # type: ignore[no-untyped-call]  # torch's
    return along_rows, along_columns


class _LogSumExpBothWays(torch.autograd.Function):
    """log sum exp of every row and every column of a matrix (n, n), fast where most entries are very small.

    The exponentials are kept for the gradient. Those below e^-60 are set to e^-60, because exp takes ten
    times as long where its result underflows, and for well aligned encodings most results underflow.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Float[Tensor, "n n"]) -> tuple[Float[Tensor, "n ..."], ...]:
        results, shares = [], []
        for along in (1, 0):
            top = matrix.amax(along, keepdim=True)
            exponentials = (matrix - top).clamp_min(LOWEST_EXPONENT).exp()
            total = exponentials.sum(along, keepdim=True)
            results.append((top + total.log()).squeeze(along))
            shares.append(exponentials / total)
        return *results, *shares

    @staticmethod
    def setup_context(
        ctx: Any,
        inputs: tuple[Float[Tensor, "n n"]],  # noqa: ARG004
        output: tuple[Float[Tensor, "n ..."], ...],
    ) -> None:
        ctx.mark_non_differentiable(*output[2:])
        ctx.save_for_backward(*output[2:])

    @staticmethod
    def backward(
        ctx: Any, rows: Float[Tensor, " n"], columns: Float[Tensor, " n"], *_: Any
    ) -> Float[Tensor, "n n"]:
        row_shares, column_shares = ctx.saved_tensors
        gradient: Tensor = rows[:, None] * row_shares + columns * column_shares
        return gradient
