"""The objective, term by term. Other files use these equation numbers; the sources are in brackets.

A person has measurements x_{m,i} of modality m. u_m are the codes of the modality's block (the latents of one
modality), with the pooled posterior q(u_m | x_{m,1..I}), which uses all measurements of the modality; s are
the codes that all modalities share; eta_{m,i} is the noise of one measurement: what it shows and no other one
of the same modality does; f_{m,i} is a decoder, sd the standard deviation of its errors; h is the map from
codes to latents z. In shapes, R is the number of models that phase 2 trains side by side.

    (1)  L1 = sum_{m,i} reconstruction_{m,i} + beta KL + a_w align + a_x cross + a_s shared + a_g edges
    (2)  reconstruction_{m,i} = |x_{m,i} - f_{m,i}(u_m, s, eta_{m,i})|^2 / (2 sd^2)          (paper's L_Recon)
    (3)  KL = E_q[log q(u) - log p(u)] + sum_{m,i} KL(q(eta_{m,i}) || N(0, I))                 (paper's L_Ind)
    (4)  align = InfoNCE between the measurements' encodings of (s, u_m)           (Yao et al. 2023, Thm 3.2)
    (5)  cross = InfoNCE between learned maps of the modalities' pooled encodings, shared = InfoNCE between
                 their encodings of s                                      (Yao et al. 2023; Sun et al. C.3)
    (6)  edges = expected number of edges, weighted within and between blocks        (paper's L_Sp; Sun 4.3)
    (7)  orthogonality = sum_{j<k} cos^2(grad z_j, grad z_k) in the inverse metric of geometry.py
                                                   (Reizinger et al. 2022; Gresele et al. 2021, IMA)
    (8)  evenness = mean_j E_{n,l}[(log |grad z_j(n)|^2 - log |grad z_j(l)|^2)^2]
                                                                            (isometry, Horan et al. 2021)
         n and l are two rows, drawn independently. In (7) and (8) a row counts in proportion to the trust in
         the metric there (geometry.py), and both are sums over blocks.
         centring = sum_j mean(z_j)^2 + (sd(z_j) - 1)^2, which fixes the units of the latents
    (9)  L2 = -E[log p(h(u)) + log |det dh/du|] + a_o orthogonality + a_e evenness + centring + edges

The weights are options (model_config.py). Of Phase1Config: beta is `beta`, a_w is `align`, a_x `cross`, a_s
`shared` and a_g `sparsity`. Of Phase2Config: a_o is `orthogonality`, a_e `evenness`; the weights within (6)
are `sparsity` and `cross_sparsity`. (In phase 1 they are 1/2 and 1.) docs/objective.md has all as formulas.

Phase 1 (representation) minimises Eq. (1), phase 2 (identification) Eq. (9). The terms of Eq. (2) to (5) are
used by other methods, too, and are in learning/losses.py.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def expected_edges(
    probability: Float[Tensor, "R d d"],
    cross: Float[Tensor, "d d"],
    within_weight: float,
    cross_weight: float,
) -> Float[Tensor, " R"]:
    """Eq. (6): the weighted expected number of edges of each model.

    Args:
        probability: [.., i, j] probability of the edge i -> j.
        cross: 1 for edges that join two blocks, 0 for others.
        within_weight: weight of an edge within a block.
        cross_weight: weight of an edge between blocks.
    """
    return (probability * (within_weight + (cross_weight - within_weight) * cross)).sum((1, 2))


def gradient_products(
    jacobian: Float[Tensor, "R n d d"], inverse_metric: Float[Tensor, "*models n d d"]
) -> Float[Tensor, "R n d d"]:
    """Inner products of the gradients of a block's coordinates, for Eq. (7) and (8).

    Args:
        jacobian: [.., j, i] = dz_j / du_i.
        inverse_metric: from geometry.py, (n, d, d), or (R, n, d, d) if models see different rows.

    Returns:
        [.., j, k] = inner product of grad z_j and grad z_k in the inverse metric.
    """
    return jacobian @ inverse_metric @ jacobian.transpose(2, 3)


def orthogonality(
    products: Float[Tensor, "R n d d"], trust: Float[Tensor, "*models n"]
) -> Float[Tensor, " R"]:
    """Eq. (7): how far a block's coordinates are from orthogonal.

    Args:
        products: what `gradient_products` returns.
        trust: weights of the rows, from geometry.py, (n,), or (R, n) if models see different rows.

    Returns:
        (R,) weighted mean over rows of the sum over pairs j < k of the squared cosine; 0 means orthogonal.
    """
    length = _squared_lengths(products).rsqrt()
    cosine = products * length[..., :, None] * length[..., None, :]
    share = trust / trust.sum(-1, keepdim=True)
    return 0.5 * ((cosine.square().sum((2, 3)) - products.shape[-1]) * share).sum(1)


def evenness(products: Float[Tensor, "R n d d"], trust: Float[Tensor, "*models n"]) -> Float[Tensor, " R"]:
    """Eq. (8): how unevenly the pictures change along a block's coordinates.

    Args:
        products, trust: as in `orthogonality`.

    Returns:
        (R,) mean over coordinates of twice the variance of log |gradient|^2, which is the mean squared
        difference between two random rows. It is 0 if equal steps of a coordinate change the pictures equally
        everywhere.
    """
    pace = _squared_lengths(products).log()
    share = (trust / trust.sum(-1, keepdim=True))[..., None]
    deviation = pace - (pace * share).sum(1, keepdim=True)
    return 2 * (deviation.square() * share).sum(1).mean(1)


def _squared_lengths(products: Float[Tensor, "R n d d"]) -> Float[Tensor, "R n d"]:
    return torch.diagonal(products, dim1=2, dim2=3).clamp_min(1e-30)
