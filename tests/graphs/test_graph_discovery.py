"""Discovery on linear-Gaussian data with a known graph, background knowledge, stability."""

import numpy as np
import pytest

from personax.graphs import discovery
from personax.graphs.discovery import (
    Discovery,
    check_latents,
    discover,
    linear_weights,
    marks_from_causal_learn,
)
from personax.graphs.graph import ARROW, CIRCLE, TAIL, Graph, adjacency_from_marks
from personax.graphs.knowledge import (
    Statements,
    against,
    forbidden_arrows,
    orient_by_knowledge,
    parse_arrows,
    parse_tiers,
    read_statements,
)
from personax.graphs.scores import edge_auc, graph_scores
from personax.graphs.stability import (
    consensus,
    drop_rare,
    match_latents,
    resampled_marks,
    stability,
)
from personax.independence import kci
from personax.runs.errors import InputError

NAMES = ["s1", "z11", "z12", "z21", "z22"]
BLOCKS = {"s1": "s", "z11": "image", "z12": "image", "z21": "text", "z22": "text"}
# s1 -> z11 -> z12 <- z21 -> z22, s1 -> z21: one collider, z12
TRUE = np.array([[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]])


def linear_gaussian(weights: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """(n, d) of z_j = 0.8 * sum_i weights[i, j] z_i + noise."""
    d = len(weights)
    noise = np.random.default_rng(seed).normal(size=(n, d))
    return noise @ np.linalg.inv(np.eye(d) - 0.8 * weights)


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    return linear_gaussian(TRUE, 2000)


def test_the_convention_of_causal_learn_on_a_collider():
    collider = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])  # 0 -> 2 <- 1
    data = linear_gaussian(collider, 1500)
    for method in ("pc", "ges"):
        assert np.array_equal(adjacency_from_marks(discover(data, Discovery(method))), collider)
    # FCI cannot exclude hidden common causes of 0 and 2: 0 o-> 2 <-o 1
    marks = discover(data, Discovery("fci"))
    assert marks[0, 2] == marks[1, 2] == ARROW
    assert marks[2, 0] == marks[2, 1] == CIRCLE


def test_conversion_of_every_mark():
    directed, undirected, both = [[0, -1], [1, 0]], [[0, -1], [-1, 0]], [[0, 1], [1, 0]]
    assert marks_from_causal_learn(np.array(directed))[0, 1] == ARROW
    assert marks_from_causal_learn(np.array(directed))[1, 0] == TAIL
    assert (marks_from_causal_learn(np.array(undirected))[[0, 1], [1, 0]] == TAIL).all()
    assert (marks_from_causal_learn(np.array(both))[[0, 1], [1, 0]] == ARROW).all()
    assert [
        e.mark
        for e in Graph(["a", "b"], np.array([[0, 1], [1, 0]]), marks=np.array([[0, 2], [2, 0]])).edges()
    ] == ["<->"]


@pytest.mark.parametrize("method", ["pc", "fci", "ges"])
def test_each_method_finds_the_skeleton(latents, method):
    found = adjacency_from_marks(discover(latents, Discovery(method, alpha=0.01)))
    assert graph_scores(TRUE, found)["skeleton_f1"] == 1.0


def test_knowledge_orients_what_data_cannot(latents):
    forbidden = forbidden_arrows(NAMES, BLOCKS, Statements())
    found = adjacency_from_marks(discover(latents, Discovery(alpha=0.01, forbidden=forbidden)))
    assert graph_scores(TRUE, found)["shd"] == 0  # without it, s1 - z11 and s1 - z21 stay undirected


@pytest.mark.parametrize("method", ["pc", "fci", "ges"])
def test_forbidden_edges_do_not_appear(latents, method):
    said = Statements(cross_modal=(), forbid=(("z21", "z22"), ("z22", "z21")))
    forbidden = forbidden_arrows(NAMES, BLOCKS, said)
    marks = discover(latents, Discovery(method, forbidden=forbidden))
    assert not marks[forbidden & forbidden.T].any()
    assert marks[3, 4] == marks[1, 3] == 0


def test_nonlinear_dependence_needs_a_nonlinear_test():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 1))
    x = np.vstack([x, -x])  # exactly symmetric: no linear trace of x in x squared
    data = np.hstack([x, x**2 + 0.2 * np.abs(x), rng.normal(size=(600, 1))])
    linear, nonlinear = (
        adjacency_from_marks(discover(data, Discovery(test=test, alpha=0.01))) for test in ("fisherz", "rcit")
    )
    assert linear[0, 1] + linear[1, 0] == 0
    assert nonlinear[0, 1] + nonlinear[1, 0] > 0
    assert nonlinear[2].sum() + nonlinear[:, 2].sum() == 0


def test_kci_uses_features_only_where_nothing_is_conditioned_on(monkeypatch):
    calls = []
    monkeypatch.setattr(discovery, "kci", lambda x, y, *, rng: calls.append(1) or kci(x, y, rng=rng))
    rng = np.random.default_rng(0)
    x = rng.normal(size=250)
    y = np.tanh(x) + 0.3 * rng.normal(size=250)
    z = np.sin(2 * y) + 0.3 * rng.normal(size=250)
    found = adjacency_from_marks(discover(np.column_stack([x, y, z]), Discovery(test="kci", alpha=0.01)))
    assert len(calls) == 3  # each pair once
    assert found[0, 1] and found[1, 2]
    assert not found[0, 2] and not found[2, 0]  # separated by y, with causal-learn's conditional test


def test_no_set_larger_than_the_limit_is_tested(latents, monkeypatch):
    sizes = []

    def spy(data):
        p_value = fisher_z(data)
        return lambda x, y, given: sizes.append(len(given)) or p_value(x, y, given)

    fisher_z = discovery._fisher_z
    monkeypatch.setattr(discovery, "_fisher_z", spy)
    for method in ("pc", "fci"):
        for limit, largest in ((0, 0), (1, 1), (-1, 2)):
            sizes.clear()
            discover(latents, Discovery(method, max_conditioning=limit))
            assert max(sizes) == largest if limit >= 0 else max(sizes) >= largest


def test_discovery_leaves_the_global_generator_alone(latents):
    np.random.seed(1)  # noqa: NPY002
    before = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    discover(latents[:300, :3], Discovery(test="rcit"), seed=5)
    assert np.random.random() == before  # noqa: NPY002


def test_linear_weights_are_standardised_coefficients(latents):
    weights = linear_weights(latents, TRUE)
    assert weights[TRUE == 0].max() == 0
    assert weights[0, 1] == pytest.approx(np.corrcoef(latents[:, 0], latents[:, 1])[0, 1])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda z: z[:8], "8 people and 5 latents"),
        (lambda z: np.where(np.arange(z.size).reshape(z.shape) == 11, np.nan, z), "latent z11, row 2"),
        (lambda z: np.where(np.arange(5) == 2, 3.0, z), "latent z12: the same value"),
        (lambda z: np.column_stack([z[:, :4], z[:, 0] + z[:, 1]]), "latent z22: a linear combination"),
    ],
)
def test_latents_unfit_for_discovery(latents, spoil, said):
    with pytest.raises(InputError, match=said):
        check_latents(spoil(latents), NAMES)


# ---- knowledge


def test_statements_become_a_matrix():
    said = Statements(tiers=(("s1",), ("image",), ("text",)), forbid=(("z11", "z12"),))
    forbidden = forbidden_arrows(NAMES, BLOCKS, said)
    assert forbidden[1:, 0].all()
    assert forbidden[3:, 1:3].all()
    assert not forbidden[1:3, 3:].any()
    assert forbidden[1, 2] and not forbidden[2, 1]
    only = forbidden_arrows(NAMES, BLOCKS, Statements(cross_modal=(("text", "image"),)))
    assert only[1:3, 3:].all() and not only[3:, 1:3].any() and not only[0].any()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (Statements(tiers=(("z11", "s1"), ("z11",))), "z11 is in tier 1 and in tier 2"),
        (Statements(tiers=(("image",), ("s",))), "nothing may point into s1"),
        (
            Statements(tiers=(("image",), ("text",)), cross_modal=(("text", "image"),)),
            "text->image is allowed",
        ),
        (Statements(tiers=(("sound",),)), "'sound' in the tiers"),
        (Statements(cross_modal=(("image", "sound"),)), "'sound' is no modality"),
        (Statements(cross_modal=(("image", "image"),)), "does not cross"),
        (Statements(forbid=(("z11", "z99"),)), "'z99' is no node"),
        (Statements(forbid=(("z11", "z11"),)), "no arrow between two nodes"),
    ],
)
def test_contradictions_and_unknown_names_are_refused(said, message):
    with pytest.raises(InputError, match=message):
        forbidden_arrows(NAMES, BLOCKS, said)


def test_text_and_yaml_say_the_same(tmp_path):
    (tmp_path / "knowledge.yaml").write_text(
        "nothing_into_s: false\ntiers: [[s], [z11, z12], [text]]\n"
        "cross_modal: [image->text]\nforbid: [z11->z12]\n"
    )
    assert read_statements(tmp_path / "knowledge.yaml") == Statements(
        nothing_into_s=False,
        tiers=parse_tiers("s; z11, z12; text"),
        cross_modal=parse_arrows("image->text", "--cross_modal"),
        forbid=parse_arrows("z11 -> z12", "--forbid"),
    )


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("tier: []", "unknown key 'tier'"),
        ("- a", "mapping"),
        ("nothing_into_s: 3", "true or false"),
        ("tiers: [a, b]", "list of lists"),
        ("forbid: [a]", "no arrow"),
        ("cross_modal: image->text", "list of arrows"),
    ],
)
def test_a_bad_knowledge_file_is_named(tmp_path, yaml, said):
    (tmp_path / "knowledge.yaml").write_text(yaml)
    with pytest.raises(InputError, match=said) as error:
        read_statements(tmp_path / "knowledge.yaml")
    assert "knowledge.yaml" in str(error.value)


def test_orientation_after_the_search():
    marks = np.array([[0, TAIL, ARROW], [TAIL, 0, TAIL], [TAIL, TAIL, 0]])  # 0 - 1, 0 -> 2, 1 - 2
    forbidden = np.zeros((3, 3), dtype=bool)
    forbidden[1, 0] = forbidden[0, 2] = forbidden[1, 2] = forbidden[2, 1] = True
    oriented = orient_by_knowledge(marks, forbidden)
    assert np.array_equal(adjacency_from_marks(oriented), [[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    assert against(oriented, forbidden) == 1


# ---- stability


def test_resamples_are_equal_for_any_number_of_jobs(latents):
    alone, together = (
        resampled_marks([latents[:500]], Discovery(), resamples=4, seed=3, jobs=jobs) for jobs in (1, 2)
    )
    assert np.array_equal(alone, together)
    other = resampled_marks([latents[:500]], Discovery(), resamples=4, seed=4)
    assert alone.shape == other.shape == (4, 5, 5)


def test_frequencies_separate_true_from_false_edges():
    rng = np.random.default_rng(0)
    true = np.triu(rng.random((9, 9)) < 0.25, 1).astype(int)
    weights = true * rng.uniform(0.5, 1, true.shape) * rng.choice([-1, 1], true.shape)
    marks = resampled_marks([linear_gaussian(weights, 800)], Discovery(), resamples=20, resample="half")
    found = stability(marks)
    assert edge_auc(true, found.frequency) > 0.95
    assert found.resamples == 20
    assert np.array_equal(found.frequency, found.frequency.T)
    assert (found.orientation + found.orientation.T <= 1).all()


def test_consensus_and_rare_edges():
    right, left, plain = (np.array([[0, a], [b, 0]]) for a, b in ((ARROW, TAIL), (TAIL, ARROW), (TAIL, TAIL)))
    none = np.zeros((2, 2), dtype=int)
    agreed = stability(np.array([right, right, plain, none]))
    assert agreed.frequency[0, 1] == 0.75
    assert agreed.orientation[0, 1] == pytest.approx(2 / 3)
    assert np.array_equal(consensus(agreed), right)
    assert not consensus(agreed, least=0.8).any()
    assert np.array_equal(consensus(stability(np.array([right, left, plain]))), plain)
    assert not drop_rare(right, agreed.frequency, 0.8).any()


def test_latents_of_another_seed_are_paired_within_their_block():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 5))
    blocks = ["s", "image", "image", "text", "text"]
    order = np.array([0, 2, 1, 4, 3])
    other = -np.exp(z[:, order]) + 0.1 * rng.normal(size=z.shape)
    permutation, similarity = match_latents(z, other, blocks, blocks)
    assert np.array_equal(permutation, order)
    assert similarity > 0.9
    shuffled, _ = match_latents(z, other[:, ::-1], blocks, blocks[::-1])
    assert np.array_equal(4 - shuffled, order)
