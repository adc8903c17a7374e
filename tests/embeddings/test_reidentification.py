import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.metrics import roc_auc_score

from personax.embeddings.alignment_maps import Compared
from personax.embeddings.reidentification import (
    WITH_PAIRS,
    by_distances,
    by_whitened_distances,
    directly,
    mated_auc,
    mutual_pairs,
    share_found,
    squared_distances,
    top_one_with_pairs,
)

RNG = np.random.default_rng(0)
N, D = 150, 20
X = RNG.standard_normal((N, D)) * np.geomspace(1, 4, D)
ROTATED = X @ ortho_group.rvs(D, random_state=1)
GENERAL = X @ (RNG.standard_normal((D, D)) * np.geomspace(1, 10, D))
STRANGERS = RNG.standard_normal((N, D))


def test_enough_pairs_find_everybody() -> None:
    for attack, hidden in (("Procrustes", ROTATED), ("ridge", ROTATED), ("ridge", GENERAL)):
        assert top_one_with_pairs(attack, hidden, X, 60, np.random.default_rng(0)) > 0.95


def test_one_pair_undoes_a_rotation_but_no_general_map() -> None:
    assert top_one_with_pairs("Procrustes", ROTATED, X, 1, np.random.default_rng(0)) > 0.9
    assert top_one_with_pairs("Procrustes", GENERAL, X, 1, np.random.default_rng(0)) < 0.2


@pytest.mark.parametrize("attack", WITH_PAIRS)
def test_of_strangers_nobody_is_found(attack: str) -> None:
    """Each of 140 people is found with probability 1 / 140: more than 8 in 140 would be a wonder."""
    assert top_one_with_pairs(attack, STRANGERS, X, 10, np.random.default_rng(0)) <= 8 / 140


def test_without_any_pair_everybody_is_found() -> None:
    order = RNG.permutation(N)
    for attack, hidden in (
        (by_distances, ROTATED),
        (by_whitened_distances, ROTATED),
        (by_whitened_distances, GENERAL),
    ):
        found = attack(hidden[order], X)
        nearest = squared_distances(found.released, found.candidates).argmin(axis=1)
        assert (nearest == order).mean() > 0.95


def test_without_any_pair_nobody_is_found_among_strangers() -> None:
    for attack in (by_distances, by_whitened_distances):
        assert share_found(attack(STRANGERS, X)) <= 8 / N


def test_a_map_learned_from_the_first_matches_finds_more() -> None:
    noisy = ROTATED + 0.3 * RNG.standard_normal((N, D))
    assert share_found(by_distances(noisy, X)) > 0.95


def test_the_auc_is_that_of_sklearn() -> None:
    compared = Compared(X[:40], X[:40] + 3 * RNG.standard_normal((40, D)))
    distances = squared_distances(compared.released, compared.candidates)
    expected = roc_auc_score(np.eye(40).ravel(), -distances.ravel())
    assert mated_auc(compared) == pytest.approx(expected)
    assert 0.5 < expected < 1


def test_a_direct_comparison_of_rotated_vectors_tells_little() -> None:
    assert mated_auc(directly(X, X)) == 1
    assert mated_auc(directly(ROTATED, X)) == pytest.approx(0.5, abs=0.2)


def test_squared_distances_are_those_of_all_pairs() -> None:
    expected = ((X[:5, None] - X[None, :7]) ** 2).sum(-1)
    np.testing.assert_allclose(squared_distances(X[:5], X[:7]), expected, atol=1e-10)


def test_mutual_pairs_are_nearest_to_each_other() -> None:
    compared = Compared(np.array([[0.0], [1.0], [1.2]]), np.array([[0.1], [1.1], [9.0]]))
    found = mutual_pairs(compared)
    assert found.released.tolist() == [0, 1]
    assert found.candidates.tolist() == [0, 1]
