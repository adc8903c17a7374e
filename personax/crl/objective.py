"""The objective, term by term. Equation numbers are this module's; sources stand beside them.

For a person with measurements x_{m,i}, pooled posterior q(u_m | x_{m,1..I}), measurement noise eta_{m,i}:

    (1)  L1 = sum_{m,i} reconstruction_{m,i} + beta KL + a_w align + a_x cross + a_s shared + a_g edges
    (2)  reconstruction_{m,i} = |x_{m,i} - f_{m,i}(u_m, s, eta_{m,i})|^2 / (2 sd^2)          (paper's L_Recon)
    (3)  KL = E_q[log q(u) - log p(u)] + sum_{m,i} KL(q(eta_{m,i}) || N(0, I))                 (paper's L_Ind)
    (4)  align = InfoNCE between the measurements' encodings of u_m                (Yao et al. 2023, Thm 3.2)
    (5)  cross = InfoNCE between learned maps of the modalities' pooled encodings, shared = InfoNCE between
                 their encodings of s                                      (Yao et al. 2023; Sun et al. C.3)
    (6)  edges = expected number of edges, weighted within and between blocks        (paper's L_Sp; Sun 4.3)
    (7)  orthogonality = sum_{j<k} cos^2(grad z_j, grad z_k) in the inverse metric of geometry.py
                                                   (Reizinger et al. 2022; Gresele et al. 2021, IMA)
    (8)  evenness = mean_j E[(log |grad z_j|^2 here - there)^2], two rows  (isometry, Horan et al. 2021)
         Rows count in (7) and (8) as far as the metric there is trusted.
    (9)  L2 = -E[log p(h(u)) + log |det dh/du|] + a_o orthogonality + a_e evenness + edges     identification
"""

from typing import Any

import torch
from torch import Tensor

LOWEST_EXPONENT = -60.0
NOWHERE = -1e9  # similarity of rows that are not there; finite, so that gradients stay numbers


def reconstruction(x: Tensor, decoded: Tensor, sd: float, observed: Tensor) -> Tensor:
    """Eq. (2): mean over the batch; x and decoded (n, ...), observed (n,) bool; unobserved rows count 0."""
    error = (x - decoded).flatten(1).square().sum(1)
    return torch.where(observed, error, 0.0).mean() / (2 * sd**2)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Eq. (3), eta: KL(N(mean, variance) || N(0, I)) per row, (n, k) -> (n,)."""
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)


def info_nce(a: Tensor, b: Tensor, scale: Tensor | float = 1.0, seen: Tensor | None = None) -> Tensor:
    """Eq. (4), (5): each row of a finds its partner in b among all rows, and the reverse.

    Args:
        a, b: (n, d) encodings; row i of one belongs to row i of the other.
        scale: inverse temperature of the negative squared distance.
        seen: (n,) bool, rows of which both encodings exist; all of them if left out.

    Returns:
        Scalar, 0 for perfect pairs and log n for no information; its optimum aligns partners and spreads
        the rows, the L2 distance and the entropy of Yao et al.'s Theorem 3.2.
    """
    # -scale |a - b|^2 as one matrix product, which is several times faster than term by term
    one = a.new_ones(len(a), 1)
    left = torch.cat([2 * scale * a, -scale * a.square().sum(1, keepdim=True), one], 1)
    right = torch.cat([b, one, -scale * b.square().sum(1, keepdim=True)], 1)
    similarity = left @ right.T
    partner = similarity.diagonal()
    if seen is None:
        along_rows, along_columns, *_ = _LogSumExpBothWays.apply(similarity)
        return 0.5 * (along_rows + along_columns).mean() - partner.mean()
    absent = ~(seen[:, None] & seen)
    along_rows, along_columns, *_ = _LogSumExpBothWays.apply(similarity.masked_fill(absent, NOWHERE))
    lost = 0.5 * (along_rows + along_columns) - partner
    return torch.where(seen, lost, 0.0).sum() / seen.sum().clamp_min(1)


class _LogSumExpBothWays(torch.autograd.Function):
    """log sum exp of every row and of every column of a matrix (n, n), fast where most entries are far below.

    The exponentials are kept for the gradient, and those below e^-60 are rounded up to it: the mathematical
    library takes ten times as long where exp underflows, which well aligned encodings do nearly everywhere.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(matrix: Tensor) -> tuple[Tensor, ...]:
        results, shares = [], []
        for along in (1, 0):
            top = matrix.amax(along, keepdim=True)
            exponentials = (matrix - top).clamp_min(LOWEST_EXPONENT).exp()
            total = exponentials.sum(along, keepdim=True)
            results.append((top + total.log()).squeeze(along))
            shares.append(exponentials / total)
        return *results, *shares

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, ...]) -> None:
        ctx.mark_non_differentiable(*output[2:])
        ctx.save_for_backward(*output[2:])

    @staticmethod
    def backward(ctx: Any, rows: Tensor, columns: Tensor, *_: Any) -> Tensor:
        row_shares, column_shares = ctx.saved_tensors
        return rows[:, None] * row_shares + columns * column_shares


def expected_edges(probability: Tensor, cross: Tensor, within_weight: float, cross_weight: float) -> Tensor:
    """Eq. (6): weighted expected number of edges; probability (R, d, d), cross (d, d) of 0/1 -> (R,)."""
    return (probability * (within_weight + (cross_weight - within_weight) * cross)).sum((1, 2))


def gradient_products(jacobian: Tensor, inverse_metric: Tensor) -> Tensor:
    """(R, n, d, d) inner products of the gradients of a block's coordinates, for Eq. (7) and (8).

    Args:
        jacobian: (R, n, d, d), [.., j, i] = dz_j / du_i.
        inverse_metric: (n, d, d), from geometry.py; (R, n, d, d) where models see different rows.
    """
    return jacobian @ inverse_metric @ jacobian.transpose(2, 3)


def orthogonality(products: Tensor, trust: Tensor) -> Tensor:
    """Eq. (7): how far a block's coordinates are from orthogonal.

    Args:
        products: (R, n, d, d), of `gradient_products`.
        trust: (n,) weights of the rows, from geometry.py; (R, n) where models see different rows.

    Returns:
        (R,) weighted mean over rows of the sum over pairs j < k of the squared cosine; 0 means orthogonal.
    """
    length = _squared_lengths(products).rsqrt()
    cosine = products * length[..., :, None] * length[..., None, :]
    share = trust / trust.sum(-1, keepdim=True)
    return 0.5 * ((cosine.square().sum((2, 3)) - products.shape[-1]) * share).sum(1)


def evenness(products: Tensor, trust: Tensor) -> Tensor:
    """Eq. (8): how unevenly the pictures change along a block's coordinates.

    Args:
        products, trust: as of `orthogonality`.

    Returns:
        (R,) mean over coordinates of the squared difference, between two random rows, of the logarithm of the
        gradient's squared length, which is twice its variance; 0 where equal steps of a coordinate change the
        pictures equally everywhere.
    """
    pace = _squared_lengths(products).log()
    share = (trust / trust.sum(-1, keepdim=True))[..., None]
    deviation = pace - (pace * share).sum(1, keepdim=True)
    return 2 * (deviation.square() * share).sum(1).mean(1)


def _squared_lengths(products: Tensor) -> Tensor:
    return torch.diagonal(products, dim1=2, dim2=3).clamp_min(1e-30)
