"""Discovery on data whose graph is known, the conversion from causal-learn, and latents that are refused."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian
from scipy.stats import binom

from personax.graphs import discovery
from personax.graphs.choices import DiscoveryMethod
from personax.graphs.discovery import (
    LEAST_PEOPLE,
    Discovery,
    PValue,
    check_latents,
    check_sample_size,
    discover,
    fisher_z_test,
    linear_weights,
    near_copies,
    rescaled,
    standardised,
)
from personax.graphs.graph import (
    ARROW,
    CIRCLE,
    NONE,
    TAIL,
    adjacency_from_marks,
    marks_from_adjacency,
    marks_from_causal_learn,
)
from personax.graphs.graph_scores import graph_scores
from personax.graphs.knowledge import Statements, forbidden_arrows
from personax.runs.errors import InputError

METHODS: tuple[DiscoveryMethod, ...] = ("pc", "fci", "ges")


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    return linear_gaussian(TRUE, 2000)


def test_every_method_finds_the_arrows_of_a_collider() -> None:
    collider = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])  # 0 -> 2 <- 1
    data = linear_gaussian(collider, 1500)
    for method in ("pc", "ges"):
        assert np.array_equal(adjacency_from_marks(discover(data, Discovery(method))), collider)
    # FCI cannot exclude hidden common causes of 0 and 2: 0 o-> 2 <-o 1
    marks = discover(data, Discovery("fci"))
    assert marks[0, 2] == marks[1, 2] == ARROW
    assert marks[2, 0] == marks[2, 1] == CIRCLE


def test_every_mark_of_causal_learn_is_converted() -> None:
    directed, undirected, both = [[0, -1], [1, 0]], [[0, -1], [-1, 0]], [[0, 1], [1, 0]]
    assert marks_from_causal_learn(np.array(directed))[0, 1] == ARROW
    assert marks_from_causal_learn(np.array(directed))[1, 0] == TAIL
    assert (marks_from_causal_learn(np.array(undirected))[[0, 1], [1, 0]] == TAIL).all()
    assert (marks_from_causal_learn(np.array(both))[[0, 1], [1, 0]] == ARROW).all()


@pytest.mark.parametrize("method", METHODS)
def test_each_method_finds_the_skeleton(latents: np.ndarray, method: DiscoveryMethod) -> None:
    found = adjacency_from_marks(discover(latents, Discovery(method, alpha=0.01)))
    assert graph_scores(TRUE, found)["skeleton_f1"] == 1.0


def test_knowledge_orients_what_data_cannot(latents: np.ndarray) -> None:
    forbidden = forbidden_arrows(NAMES, BLOCKS, Statements())
    without = adjacency_from_marks(discover(latents, Discovery(alpha=0.01)))
    assert graph_scores(TRUE, without)["shd"] == 3  # s1 - z11, s1 - z21 and z21 - z22 are undirected
    found = adjacency_from_marks(discover(latents, Discovery(alpha=0.01, forbidden=forbidden)))
    assert graph_scores(TRUE, found)["shd"] == 0


@pytest.mark.parametrize("method", METHODS)
def test_forbidden_edges_do_not_appear(latents: np.ndarray, method: DiscoveryMethod) -> None:
    known = Statements(cross_modal=(), forbid=(("z21", "z22"), ("z22", "z21")))
    forbidden = forbidden_arrows(NAMES, BLOCKS, known)
    marks = discover(latents, Discovery(method, forbidden=forbidden))
    twice = marks[forbidden & forbidden.T]
    if method == "fci":  # neither causes the other: only a hidden common cause is possible
        assert set(twice.tolist()) <= {NONE, ARROW}
    else:
        assert not twice.any()


def test_nonlinear_dependence_needs_a_nonlinear_test() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 1))
    x = np.vstack([x, -x])  # exactly symmetric: x and x squared are not correlated
    data = np.hstack([x, x**2 + 0.2 * np.abs(x), rng.normal(size=(600, 1))])
    linear = adjacency_from_marks(discover(data, Discovery(test="fisherz", alpha=0.01)))
    nonlinear = adjacency_from_marks(discover(data, Discovery(test="rcit", alpha=0.01)))
    assert linear[0, 1] + linear[1, 0] == 0
    assert nonlinear[0, 1] + nonlinear[1, 0] > 0
    assert nonlinear[2].sum() + nonlinear[:, 2].sum() == 0


def test_kci_separates_by_a_nonlinear_condition_where_fisher_z_does_not() -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    x, z = (y**2 + 0.3 * rng.normal(size=400) for _ in range(2))
    data = np.column_stack([x, y, z])
    linear, kernel = (
        adjacency_from_marks(discover(data, Discovery(test=test, alpha=0.01))) for test in ("fisherz", "kci")
    )
    assert linear[0, 2] + linear[2, 0] > 0
    assert linear[0, 1] + linear[1, 0] == 0
    assert kernel[0, 2] + kernel[2, 0] == 0
    assert kernel[0, 1] + kernel[1, 0] > 0
    assert kernel[1, 2] + kernel[2, 1] > 0


@pytest.mark.parametrize("method", ["pc", "fci"])
@pytest.mark.parametrize(("limit", "largest"), [(0, {0}), (1, {1}), (-1, {2, 3})])
def test_no_conditioning_set_larger_than_the_limit_is_tested(
    latents: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    method: DiscoveryMethod,
    limit: int,
    largest: set[int],
) -> None:
    sizes: list[int] = []

    def spy(data: np.ndarray) -> PValue:
        p_value = fisher_z_test(data)

        def recorded(x: int, y: int, given: list[int]) -> float:
            sizes.append(len(given))
            return p_value(x, y, given)

        return recorded

    monkeypatch.setattr(discovery, "fisher_z_test", spy)
    discover(latents, Discovery(method, max_conditioning=limit))
    assert max(sizes) in largest


def test_discovery_leaves_the_global_generator_alone(latents: np.ndarray) -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    discover(latents[:300, :3], Discovery(test="rcit"), seed=5)
    assert np.random.random() == before  # noqa: NPY002


def test_linear_weights_are_standardised_coefficients(latents: np.ndarray) -> None:
    weights = linear_weights(latents, marks_from_adjacency(TRUE))
    assert not weights[TRUE == 0].any()
    assert weights[0, 1] == pytest.approx(np.corrcoef(latents[:, 0], latents[:, 1])[0, 1])


def test_the_weight_of_an_edge_without_direction_does_not_depend_on_the_order_of_the_columns() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    y = 0.5 * x + rng.normal(size=500)
    data = np.column_stack([x, y, 2 * y + rng.normal(size=500)])
    marks = marks_from_adjacency(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))  # x - y - z
    weights = linear_weights(data, marks)
    assert np.array_equal(weights, weights.T)
    np.testing.assert_allclose(weights[::-1, ::-1], linear_weights(data[:, ::-1], marks), atol=1e-12)
    assert weights[0, 1] == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_the_weight_of_an_edge_without_direction_is_a_partial_correlation_given_the_parents() -> None:
    latents = linear_gaussian(np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]]), 500)
    marks = marks_from_adjacency(np.array([[0, 1, 1], [0, 0, 1], [0, 1, 0]]))  # 0 -> 1 - 2 <- 0
    precision = np.linalg.inv(np.corrcoef(latents.T))
    expected = -precision[1, 2] / np.sqrt(precision[1, 1] * precision[2, 2])
    assert linear_weights(latents, marks)[1, 2] == pytest.approx(expected)


def test_a_latent_that_is_the_same_for_everybody_has_no_edges() -> None:
    latents = linear_gaussian(np.array([[0, 1], [0, 0]]), 400)
    with_constant = np.column_stack([np.ones(400), latents])
    marks = discover(with_constant, Discovery())
    assert not marks[0].any()
    assert np.array_equal(marks[1:, 1:], discover(latents, Discovery()))


@pytest.mark.parametrize(
    ("n", "method", "resamples", "least"),
    [(8, "pc", False, 9), (12, "ges", False, 100), (17, "pc", True, 18), (150, "ges", True, 200)],
)
def test_too_few_people_for_a_method_are_refused(
    n: int, method: DiscoveryMethod, resamples: bool, least: int
) -> None:
    with pytest.raises(InputError, match=f"{n} people.* at least {least}"):
        check_sample_size(n, 5, method, resamples=resamples)
    check_sample_size(least, 5, method, resamples=resamples)


@pytest.mark.parametrize("method", METHODS)
def test_the_least_people_give_few_edges_among_independent_latents(method: DiscoveryMethod) -> None:
    rng = np.random.default_rng(3)
    n = max(9, LEAST_PEOPLE[method])
    joined = sum(
        int((discover(rng.normal(size=(n, 5)), Discovery(method)) != NONE).sum() // 2) for _ in range(20)
    )
    assert joined <= binom(200, 0.05).ppf(0.999)


def test_nearly_equal_latents_are_named() -> None:
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(300, 4))
    latents[:, 3] = -latents[:, 1] + 1e-4 * rng.normal(size=300)
    assert near_copies(latents) == [(1, 3)]
    assert near_copies(latents[:, :3]) == []


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda z: z[:8], "8 people and 5 latents"),
        (lambda z: np.where(np.arange(z.size).reshape(z.shape) == 11, np.nan, z), "latent z11, row 2"),
        (lambda z: np.where(np.arange(5) == 2, 3.0, z), "latent z12: the same value"),
        (lambda z: np.column_stack([z[:, :4], z[:, 0] + z[:, 1]]), "latent z22: a linear combination"),
    ],
)
def test_latents_unfit_for_discovery_are_refused(
    latents: np.ndarray, spoil: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_latents(spoil(latents), NAMES)


def test_constant_means_constant_relative_to_the_latents_own_size(latents: np.ndarray) -> None:
    for scale in (1e-320, 1e-13, 1e200, 1e305):
        check_latents(latents * scale, NAMES)
    with pytest.raises(InputError, match="latent z12: the same value"):
        check_latents(np.where(np.arange(5) == 2, 1e200 * (1 + 1e-14 * latents), latents), NAMES)
    with pytest.raises(InputError, match="latent z12: the same value"):
        check_latents(np.where(np.arange(5) == 2, 0.0, latents), NAMES)


@pytest.mark.parametrize("method", METHODS)
def test_the_scale_of_a_latent_changes_no_bit_of_its_graph(
    latents: np.ndarray, method: DiscoveryMethod
) -> None:
    scales = 2.0 ** np.array([-600, 0, 600, -40, 700])  # powers of two round nothing
    data, scaled = latents[:500], latents[:500] * scales
    assert np.array_equal(discover(scaled, Discovery(method)), discover(data, Discovery(method)))
    assert np.array_equal(linear_weights(scaled, TRUE), linear_weights(data, TRUE))


@pytest.mark.parametrize("order", ["C", "F"])
def test_standardising_is_the_textbook_formula_bit_for_bit(latents: np.ndarray, order: str) -> None:
    data = np.array(latents * [1e-5, 1, 3e4, 7, 1e9] + 0.3, order="F" if order == "F" else "C")
    assert np.array_equal(standardised(data), (data - data.mean(0)) / data.std(0))
    largest = np.abs(rescaled(data)).max(0)
    assert ((largest >= 0.5) & (largest < 1)).all()
    assert np.array_equal(rescaled(np.zeros((2, 1))), np.zeros((2, 1)))


def colliders(dag: np.ndarray) -> set[tuple[int, ...]]:
    """Triples i -> k <- j of a DAG (d, d) whose i < j are not adjacent."""
    adjacent = dag | dag.T
    return {
        (i, k, j)
        for k in range(len(dag))
        for i, j in itertools.combinations(np.flatnonzero(dag[:, k]).tolist(), 2)
        if not adjacent[i, j]
    }


def agreed_marks(dag: np.ndarray, forbidden: np.ndarray) -> np.ndarray:
    """Marks (d, d) on which all DAGs agree that have the independences of this one and no forbidden arrow.

    Brute force over all directions of its edges; a mark on which they differ is a tail, as in a CPDAG.
    """
    pairs = np.argwhere(dag)
    class_members = []
    for turned in itertools.product((False, True), repeat=len(pairs)):
        other = np.zeros_like(dag)
        for (i, j), turn in zip(pairs, turned, strict=True):
            other[(j, i) if turn else (i, j)] = 1
        acyclic = not np.linalg.matrix_power(other, len(dag)).any()
        if acyclic and colliders(other) == colliders(dag) and not (other & forbidden).any():
            class_members.append(other)
    return marks_from_adjacency(np.any(class_members, axis=0).astype(int))


def exact_sample(dag: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(10,000, d) with the covariance of a linear model with this DAG and random weights, to rounding.

    The model is faithful: no effect cancels another one, so adjacent latents are dependent given any others.
    """
    d, n = len(dag), 10_000
    centred = rng.normal(size=(n, d))
    centred -= centred.mean(0)
    white = np.linalg.qr(centred)[0] * np.sqrt(n)
    while True:
        mixing = np.linalg.inv(np.eye(d) - dag * rng.uniform(0.4, 0.9, (d, d)))
        if least_dependence(mixing.T @ mixing, dag) > 0.1:
            return np.asarray(white @ mixing)


def least_dependence(covariance: np.ndarray, dag: np.ndarray) -> float:
    """The smallest |partial correlation| of adjacent latents, over all sets of others that are given."""
    found = [1.0]
    for i, j in np.argwhere(dag).tolist():
        others = [k for k in range(len(dag)) if k not in (i, j)]
        for size in range(len(others) + 1):
            for given in itertools.combinations(others, size):
                these = [i, j, *given]
                precision = np.linalg.inv(covariance[np.ix_(these, these)])
                found.append(abs(precision[0, 1]) / np.sqrt(precision[0, 0] * precision[1, 1]))
    return min(found)


def random_dag(rng: np.random.Generator) -> np.ndarray:
    """(5, 5) a DAG in a random order of its nodes."""
    order = rng.permutation(5)
    return np.asarray(np.triu(rng.random((5, 5)) < 0.4, 1).astype(int)[np.ix_(order, order)])


@pytest.mark.parametrize("method", ["pc", "ges"])
def test_pc_and_ges_return_the_equivalence_class_of_an_exact_covariance(method: DiscoveryMethod) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        dag = random_dag(rng)
        marks = discover(exact_sample(dag, rng), Discovery(method, alpha=1e-6))
        assert np.array_equal(marks, agreed_marks(dag, np.zeros_like(dag)))


def test_pc_with_knowledge_directs_what_all_permitted_graphs_agree_on() -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        dag = random_dag(rng)
        forbidden = (rng.random(dag.shape) < 0.3) & (dag == 0)
        forbidden &= ~forbidden.T
        marks = discover(exact_sample(dag, rng), Discovery(alpha=1e-6, forbidden=forbidden))
        assert np.array_equal(marks, agreed_marks(dag, forbidden))
