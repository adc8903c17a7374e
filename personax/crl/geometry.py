"""The geometry that the measurements give a block: how far the expected picture moves as u moves.

    M(u) = sum_{m, i} J^T J,    J = d E[x_{m,i} | u] / d u

Latents that act on different aspects of what is measured (place and brightness, say) have orthogonal
columns in J, which fixes coordinates that sparsity leaves open (Gresele et al. 2021, independent mechanism
analysis). The expectation is a regression of the measurements on the pooled codes, over everybody's style;
the decoder's own Jacobian at fixed eta would be the obvious choice, but eta takes over part of what u
could say, and the angles come out wrong: on Variant-MNIST the true latents' cosines, 0 in theory, were
spread by +-0.25 around means between 0 and -0.37 from run to run with the decoder, and by +-0.05 around
0.02 with the regression.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from personax.crl.model import SHARED, Batch
from personax.crl.regression import FourierBasis

METRIC_RIDGE = 1e-3


@dataclass(frozen=True)
class _View:
    """E[x | s, u_m] of one modality: basis, sum over its measurements of W W^T, and the codes' moments."""

    basis: FourierBasis
    gram: Tensor
    centre: Tensor
    scale: Tensor

    def metric(self, codes: Tensor) -> Tensor:
        """(n, d) codes -> (n, d, d) J^T J summed over the modality's measurements."""
        slopes = self.basis.derivative((codes - self.centre) / self.scale) / self.scale[:, None]
        return slopes @ self.gram @ slopes.transpose(1, 2)


@dataclass(frozen=True)
class Geometry:
    """Fitted regressions, from which the metric at any codes follows."""

    views: Mapping[str, _View]

    @classmethod
    def fit(cls, u: Mapping[str, Tensor], batch: Batch, generator: torch.Generator) -> "Geometry":
        """Regress every measurement on its modality's (and the shared) codes u; `generator` on the CPU."""
        views = {}
        for modality, tensors in batch.x.items():
            codes = _with_shared(u, modality)
            centre, scale = codes.mean(0), codes.std(0).clamp_min(1e-6)
            standard = (codes - centre) / scale
            basis = FourierBasis.draw(codes.shape[1], generator)
            gram = torch.zeros(1, dtype=codes.dtype)
            for number, x in enumerate(tensors):
                seen = batch.observed[modality][:, number].cpu()
                if seen.any():
                    weights = basis.fit(standard[seen], x.cpu()[seen].flatten(1))
                    gram = gram + weights @ weights.T
            views[modality] = _View(basis, gram, centre, scale)
        return cls(views)

    def inverse_metric(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Block -> (n, d, d): inverse of M(u), trace 1; a small share of the identity keeps it invertible."""
        metrics: dict[str, Tensor] = {}
        for modality, view in self.views.items():
            metric = view.metric(_with_shared(u, modality))
            own = u[modality].shape[1]
            metrics[modality] = metric[:, -own:, -own:]
            if SHARED in u:
                # what s does that no movement of u_m can do: its effect in the coordinates of `coupling`
                mixed = metric[:, -own:, :-own]
                explained = mixed.transpose(1, 2) @ torch.linalg.solve(metrics[modality], mixed)
                shared = metric[:, :-own, :-own] - explained
                metrics[SHARED] = metrics[SHARED] + shared if SHARED in metrics else shared
        return {block: _invert(metrics[block]).to(u[block]) for block in u}

    def coupling(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Block -> C (own, shared) such that moving s at fixed u_m + C s is orthogonal to moving u_m.

        Nothing else tells codes u_m from u_m + C s, which carry the same with s at hand. Empty without s.
        """
        if SHARED not in u:
            return {}
        found = {}
        for modality, view in self.views.items():
            metric = view.metric(_with_shared(u, modality)).mean(0)
            own = u[modality].shape[1]
            found[modality] = torch.linalg.solve(metric[-own:, -own:], metric[-own:, :-own]).to(u[modality])
        return found


def _with_shared(u: Mapping[str, Tensor], modality: str) -> Tensor:
    """(n, shared + own) codes of a modality, double precision on the CPU."""
    parts = [u[SHARED], u[modality]] if SHARED in u else [u[modality]]
    return torch.cat(parts, 1).double().cpu()


def _invert(metric: Tensor) -> Tensor:
    def trace(matrix: Tensor) -> Tensor:
        return torch.diagonal(matrix, dim1=1, dim2=2).sum(1).clamp_min(1e-300)[:, None, None]

    d = metric.shape[-1]
    ridge = METRIC_RIDGE / d * torch.eye(d, dtype=metric.dtype)
    inverse = torch.linalg.inv(metric / trace(metric) + ridge)
    return inverse / trace(inverse)
