"""The geometry that the measurements give a block: how far the expected picture moves as u moves.

    M(u) = sum_{m, i} J^T J,    J = d E[x_{m,i} | u] / d u

Latents that act on different aspects of what is measured (place and brightness, say) have orthogonal
columns in J, which fixes coordinates that sparsity leaves open (Gresele et al. 2021, independent mechanism
analysis). The expectation is a regression of the measurements on the pooled codes, over everybody's style;
the decoder's own Jacobian at fixed eta would be the obvious choice, but eta takes over part of what u
could say, and the angles come out wrong: on Variant-MNIST the true latents' cosines, 0 in theory, were
spread by +-0.25 around means between 0 and -0.37 from run to run with the decoder, and by +-0.05 around
0.02 with the regression.

Orthogonal curved coordinates are many. Those are preferred along which the pictures move at an even pace,
the more so as a symmetric effect, such as a square, can be made to vanish by bending: a parabola's
coordinates are orthogonal, but crowd together at its focus.

What the regression says of people at the rim of the data is extrapolated: true latents' squared cosines are
0.005 in the middle and up to 0.4 in the outermost twentieth. So rows beyond the denser half count in
proportion to the density there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from personax.crl.regression import FourierBasis
from personax.learning.batches import Batch
from personax.views import SHARED

METRIC_RIDGE = 1e-3
SMALLEST = 1e-6  # metric that counts as none, of the mean one


@dataclass(frozen=True)
class _ModalityGeometry:
    """E[x | s, u_m] of one modality: basis, sum over its measurements of W W^T, the codes behind it."""

    basis: FourierBasis
    gram: Tensor
    fitted: Tensor

    @property
    def scale(self) -> Tensor:
        return self.fitted.std(0).clamp_min(1e-6)

    def metric(self, codes: Tensor) -> Tensor:
        """(n, d) codes -> (n, d, d) J^T J summed over the modality's measurements."""
        slopes = self.basis.derivative(self.standard(codes)) / self.scale[:, None]
        return slopes @ self.gram @ slopes.transpose(1, 2)

    def trust(self, codes: Tensor) -> Tensor:
        """(n, d) codes -> (n,) 1 where there are as many of the fitted codes as usual, less where fewer."""
        fitted = self.standard(self.fitted)
        usual = self.basis.leverage(fitted, fitted).median().clamp_min(1e-9)
        return (usual / self.basis.leverage(fitted, self.standard(codes)).clamp_min(1e-9)).clamp_max(1.0)

    def standard(self, codes: Tensor) -> Tensor:
        return (codes - self.fitted.mean(0)) / self.scale


@dataclass(frozen=True)
class Geometry:
    """Fitted regressions, from which the metric at any codes follows."""

    views: Mapping[str, _ModalityGeometry]

    @classmethod
    def fit(cls, u: Mapping[str, Tensor], batch: Batch, generator: torch.Generator) -> "Geometry":
        """Regress every measurement on its modality's (and the shared) codes u; `generator` on the CPU."""
        views = {}
        for modality, tensors in batch.x.items():
            codes = _with_shared(u, modality)
            observed = batch.observed[modality].cpu()
            basis = FourierBasis.draw(codes.shape[1], generator)
            view = _ModalityGeometry(basis, torch.zeros(1, dtype=codes.dtype), codes[observed.any(1)])
            standard = view.standard(codes)
            for number, x in enumerate(tensors):
                seen = observed[:, number]
                if seen.any():
                    weights = basis.fit(standard[seen], x.cpu()[seen].flatten(1))
                    view = replace(view, gram=view.gram + weights @ weights.T)
            views[modality] = view
        return cls(views)

    def trust(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Block -> (n,): how much what is known of M(u) there counts, in (0, 1]."""
        weights = {modality: view.trust(_with_shared(u, modality)) for modality, view in self.views.items()}
        if SHARED in u:
            weights[SHARED] = torch.stack(list(weights.values())).mean(0)
        return {block: weights[block].to(u[block]) for block in u}

    def inverse_metric(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Block -> (n, d, d): inverse of M(u); a small share of the identity keeps it invertible."""
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
        return {block: _invert_metric(metrics[block]).to(u[block]) for block in u}

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


def _invert_metric(metric: Tensor) -> Tensor:
    d = metric.shape[-1]
    ridge = METRIC_RIDGE / d * torch.eye(d, dtype=metric.dtype)
    size = _trace(metric)
    usual = float(size.mean())
    size = size.clamp_min(SMALLEST * usual if usual > 0 else 1.0)
    inverse: Tensor = torch.linalg.inv(metric / size + ridge) / size
    return inverse


def _trace(metric: Tensor) -> Tensor:
    """(n, d, d) -> (n, 1, 1)."""
    return torch.diagonal(metric, dim1=1, dim2=2).sum(1)[:, None, None]


def usual_shape(inverse_metric: Tensor, trust: Tensor) -> Tensor:
    """(d, d) mean of the inverse metrics (n, d, d), whatever their sizes, by the weights (n,); trace 1."""
    return (trust[:, None, None] * inverse_metric / _trace(inverse_metric)).sum(0) / trust.sum()
