"""Latents, graph and verdict of the closed form on small data with a known truth."""

from typing import Any

import numpy as np
import pytest
import torch
from bent_people import BentPeople, bent_people

from personax.crl.closed_form import ClosedForm, ClosedFormEvidence, has_closed_form, mean_measurements, solve
from personax.crl.model_config import Phase2Config
from personax.crl.trust import IDENTIFIED, LATENTS_UNKNOWN, LATENTS_UNSTABLE, ORDER_UNKNOWN
from personax.graphs.graph_scores import graph_scores
from personax.learning.batches import Batch
from personax.learning.metrics import match
from personax.runs.errors import InputError

SEARCH = Phase2Config(starts=2, finalists=3)
WIDTHS = {"a": 3, "b": 2}


def latents_of(form: ClosedForm, made: BentPeople) -> np.ndarray:
    """(n, 6) latents in the order of the form's graph."""
    x = {m: mean - form.centre[m] for m, mean in mean_measurements(made.people).items()}
    s = np.mean([x[m] @ form.shared[m] for m in x], axis=0)
    return np.concatenate([s, *(x[m] @ form.own[m] for m in x)], axis=1)


def random_people(n: int, latents: int) -> Batch:
    """People with one measurement of 12 numbers in each of two modalities."""
    rng = np.random.default_rng(0)
    z = rng.laplace(size=(n, latents))
    x = {m: [torch.from_numpy(z @ rng.normal(size=(latents, 12)) + rng.normal(size=(n, 12)))] for m in "ab"}
    return Batch(x, {m: torch.ones(n, 1, dtype=torch.bool) for m in x})


@pytest.fixture(scope="module")
def bent() -> tuple[ClosedForm, BentPeople]:
    """The closed form of people with bent mechanisms."""
    made = bent_people()
    return solve(made.people, 1, WIDTHS, config=SEARCH, seed=0), made


def test_latents_and_all_edges_are_found(bent: tuple[ClosedForm, BentPeople]) -> None:
    form, made = bent
    columns, correlations = match(latents_of(form, made), made.latents)
    assert np.abs(correlations).min() > 0.95
    found = form.parents[np.ix_(columns, columns)].astype(int)
    assert graph_scores(made.graph, found)["shd"] == 0


def test_every_edge_leads_from_an_earlier_to_a_later_latent(bent: tuple[ClosedForm, BentPeople]) -> None:
    form, _ = bent
    place = np.argsort(form.order)
    assert all(place[i] < place[j] for i, j in np.argwhere(form.parents))


def test_latents_have_variance_one_and_fall_in_units_of_noise(bent: tuple[ClosedForm, BentPeople]) -> None:
    form, made = bent
    np.testing.assert_allclose(latents_of(form, made).std(0), 1, atol=0.01)
    for own in form.own.values():
        assert (np.diff(np.linalg.norm(own, axis=0)) >= 0).all()  # the larger, the shorter


def test_the_same_seed_gives_the_same_bits(bent: tuple[ClosedForm, BentPeople]) -> None:
    form, made = bent
    again = solve(made.people, 1, WIDTHS, config=SEARCH, seed=0)
    assert np.array_equal(form.own["a"], again.own["a"])
    assert np.array_equal(form.parents, again.parents)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [({}, IDENTIFIED), ({"bend": 0.0}, ORDER_UNKNOWN), ({"normal": True}, LATENTS_UNKNOWN)],
)
def test_the_verdict_says_what_the_data_do_not_identify(changes: dict[str, Any], verdict: str) -> None:
    form = solve(bent_people(**changes).people, 1, WIDTHS, config=SEARCH, seed=0)
    assert form.evidence.verdict(range(5)) == verdict


def test_half_of_the_people_agree_where_there_are_many_and_not_where_there_are_few(
    bent: tuple[ClosedForm, BentPeople],
) -> None:
    form, _ = bent
    few = solve(bent_people(60).people, 1, WIDTHS, config=SEARCH, seed=0)
    assert min(form.evidence.agreement) > 0.97
    assert np.mean(few.evidence.agreement) < 0.95


def test_a_half_that_would_be_too_small_is_not_solved() -> None:
    form = solve(random_people(44, 16), 2, {"a": 8, "b": 8}, config=SEARCH, seed=0, causal=False)
    assert form.evidence.agreement == []


@pytest.mark.parametrize(("shared", "least"), [(0, 5), (1, 8)])
def test_too_few_people_for_the_latents_are_refused_in_one_line(shared: int, least: int) -> None:
    made = random_people(least, 4)
    assert solve(made, shared, {"a": 2, "b": 2}, config=SEARCH, seed=0).evidence.agreement == []
    told = (
        f"^{least - 1} training people with every modality are too few .* at least {least}, or fewer latents$"
    )
    fewer = made.rows(torch.arange(least - 1))
    with pytest.raises(InputError, match=told):
        solve(fewer, shared, {"a": 2, "b": 2}, config=SEARCH, seed=0)


def test_a_half_with_fewer_people_than_polynomials_and_latents_is_not_solved() -> None:
    """Half of 60 people has three people for each latent, but 4 shared latents have 35 polynomials."""
    form = solve(random_people(60, 8), 4, {"a": 2, "b": 2}, config=SEARCH, seed=0, causal=False)
    assert form.evidence.agreement == []


@pytest.mark.parametrize(
    ("agreement", "verdict"),
    [([0.99, 0.98, 0.1], IDENTIFIED), ([0.99, 0.9, 1.0], LATENTS_UNSTABLE), ([], LATENTS_UNSTABLE)],
)
def test_latents_that_half_of_the_people_do_not_give_are_called_uncertain(
    agreement: list[float], verdict: str
) -> None:
    evidence = ClosedFormEvidence([], [50.0, 40.0, 0.0], 0.1, 0.1, agreement)
    assert evidence.verdict([0, 1]) == verdict  # the third is nuisance


def test_without_causes_there_is_no_edge() -> None:
    form = solve(bent_people().people, 1, WIDTHS, config=SEARCH, seed=0, causal=False)
    assert not form.parents.any()
    assert sorted(form.order) == list(range(6))


def test_a_person_without_a_modality_does_not_count() -> None:
    made = bent_people(600)
    made.people.x["b"][0][::3] = 1e6
    made.people.observed["b"][::3] = False
    form = solve(made.people, 1, WIDTHS, config=SEARCH, seed=0)
    kept = np.arange(600) % 3 != 0
    _, correlations = match(latents_of(form, made)[kept][:, :1], made.latents[kept][:, :1])
    assert abs(correlations[0]) > 0.95


@pytest.mark.parametrize(
    ("shapes", "shared", "there"),
    [
        ({"a": [[4]], "b": [[3]]}, 1, True),
        ({"a": [[4]], "b": [[2]]}, 1, False),
        ({"a": [[4], [5]], "b": [[3]]}, 1, False),
        ({"a": [[4]]}, 1, False),
        ({"a": [[3]]}, 0, True),
        ({"a": [[3, 8, 8]], "b": [[3]]}, 0, False),
    ],
)
def test_it_needs_enough_numbers_and_two_modalities_to_share(
    shapes: dict[str, list[list[int]]], shared: int, there: bool
) -> None:
    assert has_closed_form(shapes, shared, {m: WIDTHS[m] for m in shapes}) is there
