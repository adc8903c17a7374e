"""The geometry that the measurements give a block: how much the expected picture changes as u changes.

A block is the set of latents of one modality (or of those that all share), and u are its codes from phase 1.
Its metric, which measures lengths and angles of changes of u, is

    M(u) = sum_{m, i} J^T D^-1 J,    J = d E[x_{m,i} | u] / d u,    D = diag(Var[x_{m,i} | u] + v)

D has a variance for every pixel, and v is their mean. So a change counts in comparison to what is uncertain
there; with v = 0 this is the Fisher information of a normal distribution with mean and variance as given u.

Metric. Latents that act on different aspects of a picture, such as place and brightness, have orthogonal
columns in J. This determines the coordinates that sparse edges do not determine (Gresele et al. 2021,
independent mechanism analysis). The expectation is a regression of the measurements on the codes, so it
averages over everybody's style. The Jacobian of the decoder at fixed eta (the noise of one measurement) would
be the obvious choice, but eta carries part of what u could carry, and then the angles are wrong. On
Variant-MNIST the cosines between true latents should be 0. From run to run they varied by +-0.25 around means
between 0 and -0.37 with the decoder, and by +-0.05 around 0.02 with the regression.

Evenness. There are many curved coordinates with right angles. We prefer those that are even: equal steps of a
coordinate change the pictures equally everywhere. Otherwise curved coordinates could hide a symmetric effect,
such as a square: parabolic coordinates are orthogonal, but uneven, because they are crowded at the focus.

Noise. Without D (D = 1) two things go wrong. A grey background and the brightness of a digit change the same
pixels: the squared cosine of the true latents is 0.12 and 0.24, with D it is 0.03 and 0.12. And an object
near the border changes fewer pixels, so that its position seems uneven: 0.3 in Eq. (8), with D 0.01 to 0.08.
With v = 0, pixels in which nothing is ever seen would count for more than all others. (Regressions on true
latents, tuning scenes.)

Trust. Where there are few people the regression extrapolates: the squared cosines of true latents are 0.005
in the middle of the data and up to 0.4 in the outermost twentieth. So rows outside the denser half of the
data have a weight in proportion to the density around them. We call this weight trust.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.regression import FourierBasis
from personax.learning.batches import Batch
from personax.views import SHARED

METRIC_RIDGE = 1e-3  # share of the identity that is added to a metric before it is inverted
LEAST_PIXEL_VARIANCE = 1e-9  # of a pixel: measurements without any noise have no other
METRICS_AT_ONCE = 2048  # rows whose metrics are computed together
SMALLEST = 1e-6  # smallest size of a metric, as a share of the mean size


@dataclass(frozen=True)
class _Regression:
    """Mean and variance of the pixels of a measurement given the codes.

    Attributes:
        mean: (f, pixels) weights of the functions of the codes in the mean.
        variance: (f, pixels) their weights in the variance, for functions that are centred.
        middle: (pixels,) the mean of the variance over people, which is added to that.
        centre: (f,) means of the functions, by which they are centred.
    """

    mean: Float[Tensor, "f pixels"]
    variance: Float[Tensor, "f pixels"]
    middle: Float[Tensor, " pixels"]
    centre: Float[Tensor, " f"]

    @classmethod
    def fit(
        cls, basis: FourierBasis, standard: Float[Tensor, "m d"], x: Float[Tensor, "m pixels"]
    ) -> "_Regression":
        """Regress pixels on the codes, and then the squares of what is left over."""
        mean, features = basis.fit(standard, x), basis(standard)
        centre = features.mean(0)
        squares = (x - x.mean(0) - (features - centre) @ mean).square()
        return cls(mean, basis.fit(standard, squares), squares.mean(0), centre)

    def metric(
        self, features: Float[Tensor, "n f"], slopes: Float[Tensor, "n d f"]
    ) -> Float[Tensor, "n d d"]:
        """(n, d, d) J^T D^-1 J, from functions of the codes and their derivatives."""
        usual = self.middle.mean()
        variance = (self.middle + (features - self.centre) @ self.variance).clamp_min(0) + usual
        jacobian = slopes @ self.mean
        return (jacobian / variance.clamp_min(LEAST_PIXEL_VARIANCE)[:, None]) @ jacobian.transpose(1, 2)


@dataclass(frozen=True)
class _ModalityGeometry:
    """The regressions E[x | s, u_m] of one modality.

    Attributes:
        basis: the functions of the codes on which the measurements are regressed.
        fitted: (m, d) the codes of the m people who have a measurement of the modality.
        regressions: one for each measurement.
    """

    basis: FourierBasis
    fitted: Float[Tensor, "m d"]
    regressions: tuple[_Regression, ...] = ()

    @property
    def scale(self) -> Float[Tensor, " d"]:
        return self.fitted.std(0).clamp_min(1e-6)

    def metric(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        """(n, d) codes -> (n, d, d) sum of J^T D^-1 J over the modality's measurements."""
        parts = [self._metric(rows) for rows in self.standard(codes).split(METRICS_AT_ONCE)]
        return torch.cat(parts) / self.scale[:, None] / self.scale

    def _metric(self, standard: Float[Tensor, "n d"]) -> Float[Tensor, "n d d"]:
        features, slopes = self.basis(standard), self.basis.derivative(standard)
        total = torch.zeros(len(standard), standard.shape[1], standard.shape[1], dtype=standard.dtype)
        for regression in self.regressions:
            total = total + regression.metric(features, slopes)
        return total

    def trust(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """(n, d) codes -> (n,) weights: 1 where fitted codes have at least median density, else less."""
        fitted = self.standard(self.fitted)
        usual = self.basis.leverage(fitted, fitted).median().clamp_min(1e-9)
        return (usual / self.basis.leverage(fitted, self.standard(codes)).clamp_min(1e-9)).clamp_max(1.0)

    def standard(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return (codes - self.fitted.mean(0)) / self.scale


@dataclass(frozen=True)
class Geometry:
    """The metric of every block at any codes, computed from fitted regressions.

    Attributes:
        views: modality -> its regressions.
    """

    views: Mapping[str, _ModalityGeometry]

    @classmethod
    def fit(
        cls, u: Mapping[str, Float[Tensor, "n _"]], batch: Batch, generator: torch.Generator
    ) -> "Geometry":
        """Regress every measurement on the codes u of its modality and of s; `generator` is on the CPU."""
        views = {}
        for modality, tensors in batch.x.items():
            codes = _with_shared(u, modality)
            observed = batch.observed[modality].cpu()
            basis = FourierBasis.draw(codes.shape[1], generator)
            view = _ModalityGeometry(basis, codes[observed.any(1)])
            standard = view.standard(codes)
            regressions = [
                _Regression.fit(basis, standard[seen], x.cpu()[seen].flatten(1).to(standard))
                for x, seen in zip(tensors, observed.T, strict=True)
                if seen.any()
            ]
            views[modality] = replace(view, regressions=tuple(regressions))
        return cls(views)

    def trust(self, u: Mapping[str, Float[Tensor, "n _"]]) -> dict[str, Float[Tensor, " n"]]:
        """Block -> (n,) weights in (0, 1]: how reliable M(u) is at each row."""
        weights = {modality: view.trust(_with_shared(u, modality)) for modality, view in self.views.items()}
        if SHARED in u:
            weights[SHARED] = torch.stack(list(weights.values())).mean(0)
        return {block: weights[block].to(u[block]) for block in u}

    def inverse_metric(self, u: Mapping[str, Float[Tensor, "n _"]]) -> dict[str, Float[Tensor, "n _ _"]]:
        """Block -> (n, d, d): inverse of M(u), to which a small share of the identity is added."""
        metrics: dict[str, Tensor] = {}
        for modality, view in self.views.items():
            metric = view.metric(_with_shared(u, modality))
            own = u[modality].shape[1]
            metrics[modality] = metric[:, -own:, -own:]
            if SHARED in u:
                # the part of the effect of s that no change of u_m could produce, as in `coupling`
                mixed = metric[:, -own:, :-own]
                explained = mixed.transpose(1, 2) @ torch.linalg.solve(metrics[modality], mixed)
                shared = metric[:, :-own, :-own] - explained
                metrics[SHARED] = metrics[SHARED] + shared if SHARED in metrics else shared
        return {block: _invert_metric(metrics[block]).to(u[block]) for block in u}

    def coupling(self, u: Mapping[str, Float[Tensor, "n _"]]) -> dict[str, Float[Tensor, "own shared"]]:
        """Modality -> C (own, shared), a matrix that makes the codes of the modality orthogonal to s.

        If s changes while u_m + C s stays the same, the pictures change orthogonally to any change that u_m
        makes. Given s, codes u_m and codes u_m + C s carry the same information, so nothing else decides
        between them. Empty without shared latents.
        """
        if SHARED not in u:
            return {}
        found = {}
        for modality, view in self.views.items():
            metric = view.metric(_with_shared(u, modality)).mean(0)
            own = u[modality].shape[1]
            found[modality] = torch.linalg.solve(metric[-own:, -own:], metric[-own:, :-own]).to(u[modality])
        return found


def _with_shared(u: Mapping[str, Float[Tensor, "n _"]], modality: str) -> Float[Tensor, "n d"]:
    """(n, shared + own) codes that a modality depends on, in double precision on the CPU."""
    parts = [u[SHARED], u[modality]] if SHARED in u else [u[modality]]
    return torch.cat(parts, 1).double().cpu()


def _invert_metric(metric: Float[Tensor, "n d d"]) -> Float[Tensor, "n d d"]:
    """(n, d, d) -> (n, d, d): the inverse of each metric plus a small share of the identity."""
    d = metric.shape[-1]
    ridge = METRIC_RIDGE / d * torch.eye(d, dtype=metric.dtype)
    size = _trace(metric)
    usual = float(size.mean())
    size = size.clamp_min(SMALLEST * usual if usual > 0 else 1.0)
    inverse: Tensor = torch.linalg.inv(metric / size + ridge) / size
    return inverse


def _trace(metric: Float[Tensor, "n d d"]) -> Float[Tensor, "n 1 1"]:
    """Trace of each matrix, (n, d, d) -> (n, 1, 1)."""
    return torch.diagonal(metric, dim1=1, dim2=2).sum(1)[:, None, None]


def usual_shape(inverse_metric: Float[Tensor, "n d d"], trust: Float[Tensor, " n"]) -> Float[Tensor, "d d"]:
    """Mean of the inverse metrics, each divided by its trace, with weights `trust`; its trace is 1."""
    return (trust[:, None, None] * inverse_metric / _trace(inverse_metric)).sum(0) / trust.sum()
