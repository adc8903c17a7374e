"""Canonical variates, shared latents and joint sources."""

import numpy as np
from bent_people import bent_people

from personax.crl.closed_form import centred_means
from personax.crl.joint_sources import (
    canonical_variates,
    find_sources,
    independent_components,
    polynomials,
    read_shared,
    rest_given,
)
from personax.learning.metrics import mean_correlation


def test_two_modalities_have_their_canonical_correlations() -> None:
    """The oracle: singular values of the product of orthonormal bases (Björck & Golub)."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = x[:, :2] @ rng.standard_normal((2, 4)) + rng.standard_normal((200, 4))
    x, y = x - x.mean(0), y - y.mean(0)
    rho, maps = canonical_variates({"x": x, "y": y})
    expected = np.linalg.svd(np.linalg.qr(x)[0].T @ np.linalg.qr(y)[0], compute_uv=False)
    np.testing.assert_allclose(rho, expected, atol=1e-9)
    np.testing.assert_allclose((x @ maps["x"]).T @ (x @ maps["x"]) / 200, np.eye(3), atol=1e-9)


def test_the_shared_latent_is_read_and_the_rest_has_none_of_it() -> None:
    made = bent_people(1500)
    x = centred_means(made.people)[0]
    reading = read_shared(x, 1, seed=0)
    assert mean_correlation(reading.s, made.latents[:, :1]) > 0.98
    rest = rest_given(x["a"], reading.s)
    np.testing.assert_allclose(polynomials(reading.s).T @ rest / len(rest), 0, atol=1e-8)


def test_no_shared_latents_need_no_reading() -> None:
    x = centred_means(bent_people(100).people)[0]
    reading = read_shared(x, 0, seed=0)
    assert reading.s.shape == (100, 0)
    np.testing.assert_allclose(rest_given(x["a"], reading.s), x["a"] - x["a"].mean(0), atol=1e-9)


def test_sources_belong_to_the_modality_that_they_act_on() -> None:
    made = bent_people()
    x = centred_means(made.people)[0]
    sources = find_sources(x, read_shared(x, 1, seed=0).s, {"a": 3, "b": 2}, seed=0)
    assert (np.bincount(sources.owner) == (3, 2)).all()
    noises = sources.rest @ np.linalg.inv(sources.mixing).T
    roots = noises[:, sources.owner == 1]  # b1 given s, and b2 given b1
    b1 = rest_given(made.latents[:, 4:5], made.latents[:, :1])
    assert np.abs(np.corrcoef(roots.T, b1.T)[-1, :-1]).max() > 0.95


def test_independent_components_are_found_behind_a_turn() -> None:
    rng = np.random.default_rng(0)
    e = rng.laplace(size=(2000, 3))
    x = e @ rng.standard_normal((3, 3))
    found = (x - x.mean(0)) @ independent_components(x, 0, "logcosh").T
    assert mean_correlation(found, e) > 0.99
