from typing import Any, get_args

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency, kruskal, kurtosis
from tables.simulated import dependent_of, graph_of, small_table, truth_of

from personax.runs.errors import InputError
from personax.tables import TRAITS, PeopleTable, SimulatedSource, load_table, simulate_table
from personax.tables.schema import ATHLETE, CELEB, ColumnDeclaration, DatasetName
from personax.tables.simulation import DESIGNS, Assumptions

BOTH: tuple[DatasetName, ...] = get_args(DatasetName)


@pytest.fixture(scope="module")
def full() -> dict[DatasetName, PeopleTable]:
    """Both tables at full size, without embeddings."""
    return {name: simulate_table(name, embeddings=False) for name in BOTH}


@pytest.mark.parametrize(
    ("name", "people", "s", "image", "text"), [("athlete", 4181, 2, 5, 5), ("celeb", 9444, 3, 10, 5)]
)
def test_full_size_and_latents_of_the_paper(
    full: dict[DatasetName, PeopleTable], name: DatasetName, people: int, s: int, image: int, text: int
) -> None:
    table = full[name]
    assert len(table) == people
    assert table.simulated
    assert "simulated" in table.source
    assert {block: len(names) for block, names in truth_of(table).blocks.items()} == {
        "s": s,
        "image": image,
        "text": text,
    }
    assert list(truth_of(table).latents) == [
        name for names in truth_of(table).blocks.values() for name in names
    ]
    np.testing.assert_allclose(truth_of(table).latents.std(ddof=0), 1)


@pytest.mark.parametrize(("name", "schema"), [("athlete", ATHLETE), ("celeb", CELEB)])
def test_schema_is_that_of_the_published_table(
    full: dict[DatasetName, PeopleTable], name: DatasetName, schema: tuple[ColumnDeclaration, ...]
) -> None:
    table = full[name]
    required = [column for column in schema if not column.optional]
    assert list(table.features) == [column.name for column in required]
    for column in required:
        assert table.kinds[column.name] == column.kind
        if column.low is not None:
            assert column.high is not None
            assert table.features[column.name].dropna().between(column.low, column.high).all()
    assert table.periods == {"Birthmonth": 12}
    assert list(table.scores) == ["aggregated", "chatgpt", "gemini", "llama"]
    for rater, frame in table.scores.items():
        allowed = {1, 1.5, 2, 2.5, 3} if rater == "aggregated" else {1, 2, 3}
        assert set(np.unique(frame.to_numpy()[frame.notna().to_numpy()])) == allowed
        assert 0 < frame.isna().to_numpy().mean() < 0.1


@pytest.mark.parametrize("name", BOTH)
def test_graph_is_acyclic_sparse_and_joins_the_modalities(name: DatasetName) -> None:
    table = simulate_table(name, n=50, embeddings=False)
    design, truth, graph = DESIGNS[name], truth_of(table), graph_of(table)
    assert nx.is_directed_acyclic_graph(nx.from_numpy_array(graph, create_using=nx.DiGraph))
    assert graph.sum() == len(design.edges) == {"athlete": 16, "celeb": 25}[name]
    block = {latent: name for name, latents in truth.blocks.items() for latent in latents}
    arrows = {(block[parent], block[child]) for parent, child in design.edges}
    assert {("s", "image"), ("s", "text"), ("image", "image"), ("text", "text")} <= arrows
    assert ("text", "image") in arrows
    assert not any(child == "s" for _, child in arrows)
    into_s = {
        parent: {block[child] for p, child in design.edges if p == parent} for parent in truth.blocks["s"]
    }
    assert all(children == {"image", "text"} for children in into_s.values())


@pytest.mark.parametrize("name", BOTH)
def test_partial_correlations_of_the_latents_are_those_of_the_graph(
    full: dict[DatasetName, PeopleTable], name: DatasetName
) -> None:
    """Every edge has a partial correlation given all other latents; no two latents are nearly equal."""
    z = truth_of(full[name]).latents.to_numpy()
    precision = np.linalg.inv(np.corrcoef(z.T))
    partial = -precision / np.sqrt(np.outer(np.diag(precision), np.diag(precision)))
    graph = graph_of(full[name]).astype(bool)
    married = (graph @ graph.T.astype(int)) > 0  # parents of a common child
    adjacent = graph | graph.T
    assert np.abs(partial[adjacent]).min() > 0.2
    off = ~(adjacent | married | np.eye(len(graph), dtype=bool))
    assert np.abs(partial[off]).max() < 0.12
    assert np.abs(np.corrcoef(z.T) - np.eye(len(graph))).max() < 0.8


def _pvalue(trait: pd.Series, feature: pd.Series) -> float:
    """A test without kernels: chi-square for labels, else Kruskal-Wallis over the trait's levels."""
    both = trait.notna() & feature.notna()
    trait, feature = trait[both], feature[both]
    if feature.dtype != float or feature.nunique() <= 12:
        return float(chi2_contingency(pd.crosstab(trait, feature)).pvalue)
    return float(kruskal(*(feature[trait == level] for level in trait.unique())).pvalue)


@pytest.mark.parametrize("name", BOTH)
def test_declared_dependences_are_those_of_the_data(
    full: dict[DatasetName, PeopleTable], name: DatasetName
) -> None:
    """Over three tables: no more than chance where independent, clear evidence for most where dependent."""
    truth = dependent_of(full[name])
    tables = [full[name], *(simulate_table(name, embeddings=False, data_seed=seed) for seed in (1, 2))]
    pvalues = np.array(
        [
            [
                [_pvalue(t.scores["chatgpt"][trait], t.features[feature]) for feature in truth]
                for trait in TRAITS
            ]
            for t in tables
        ]
    )
    independent = pvalues[:, ~truth.to_numpy()]
    assert (independent < 0.05).mean() < 0.12
    assert independent.min() > 1e-4
    assert (pvalues[:, truth.to_numpy()] < 0.01).mean() > 0.7


@pytest.mark.parametrize("name", BOTH)
def test_birth_month_and_day_are_negative_controls(
    full: dict[DatasetName, PeopleTable], name: DatasetName
) -> None:
    dependent = dependent_of(full[name])
    assert not dependent[["Birthmonth", "Birthday"]].to_numpy().any()
    share = dependent.drop(columns=["Birthmonth", "Birthday"]).to_numpy().mean()
    assert 0.3 < share < 0.9  # there are dependent and independent pairs


def test_dependences_follow_the_graph() -> None:
    dependent = dependent_of(simulate_table("athlete", n=30, embeddings=False))
    # Agreeableness is read from ztext3, a root whose only path to the biography is zimage2 -> Weight.
    agreeableness = dependent.loc["Agreeableness"].to_dict()
    assert [feature for feature, depends in agreeableness.items() if depends] == ["Weight"]
    assert not dependent.loc["Extraversion", "Birthyear"]


def _heldout_r2(x: np.ndarray, y: np.ndarray, train: int) -> np.ndarray:
    """Ridge regression through the Gram matrix, the penalty fixed beforehand."""
    x = x - x[:train].mean(axis=0)
    gram = x @ x[:train].T
    mean = y[:train].mean(axis=0)
    weights = np.linalg.solve(gram[:train] + 2000 * np.eye(train), y[:train] - mean)
    residual = y[train:] - mean - gram[train:] @ weights
    return np.asarray(1 - (residual**2).mean(axis=0) / y[train:].var(axis=0))


@pytest.mark.parametrize(("modality", "measurements"), [("image", 1), ("text", 3)])
def test_embeddings_hold_the_latents_of_their_modality_and_s_but_no_others(
    modality: str, measurements: int
) -> None:
    table = simulate_table("athlete", n=2000, image_dim=1024, text_dim=1024)
    blocks, latents = truth_of(table).blocks, truth_of(table).latents
    assert len(table.embeddings[modality]) == measurements
    other = "text" if modality == "image" else "image"
    roots = [latent for latent in blocks[other] if latent in ("ztext3", "zimage3")]
    for x in table.embeddings[modality]:
        assert x.dtype == np.float32
        r2 = _heldout_r2(x, latents[[*blocks[modality], *blocks["s"]]].to_numpy(), 1600)
        assert (r2 > 0.88).all()
        assert (r2 < 0.98).all()
        assert (_heldout_r2(x, latents[roots].to_numpy(), 1600) < 0.6).all()


def test_measurements_share_latents_and_not_nuisance() -> None:
    table = small_table("athlete", n=1500, text_dim=200)
    text = [x - x.mean(axis=0) for x in table.embeddings["text"]]
    # Leading principal coordinates of two measurements: as many shared directions as latents (5 + 2).
    bases = [np.linalg.svd(x, full_matrices=False)[0][:, :10] for x in text]
    shared = np.linalg.svd(bases[0].T @ bases[1], compute_uv=False)
    assert (shared[:7] > 0.8).all()
    assert (shared[7:] < 0.3).all()
    assert not np.allclose(text[0], text[1])


def test_missing_measurements_are_masked_and_zero() -> None:
    table = small_table("celeb")
    observed = table.observed["image"]
    assert observed[:, 0].all()
    assert not observed[:, 2].all()
    assert (table.embeddings["image"][2][~observed[:, 2]] == 0).all()
    assert table.observed["text"].all()


def test_same_seed_same_table_other_seed_other_people() -> None:
    first, again, other = (small_table("celeb", data_seed=seed) for seed in (5, 5, 6))
    assert first.sha256 == again.sha256 != other.sha256
    pd.testing.assert_frame_equal(first.features, again.features)
    for one, two in zip(first.embeddings["text"], again.embeddings["text"], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not first.features.equals(other.features)
    np.testing.assert_array_equal(graph_of(first), graph_of(other))


def test_leaving_embeddings_out_changes_nothing_else() -> None:
    with_them, without = (
        small_table("athlete"),
        simulate_table("athlete", n=300, embeddings=False),
    )
    pd.testing.assert_frame_equal(with_them.features, without.features)
    pd.testing.assert_frame_equal(with_them.scores["aggregated"], without.scores["aggregated"])
    assert without.embeddings == {}
    assert without.observed == {}


def test_load_table_gives_the_table_of_simulate_table() -> None:
    one = load_table("athlete", source=SimulatedSource(3, image_dim=24, text_dim=40), n=300)
    assert one.sha256 == small_table("athlete", data_seed=3).sha256
    assert one.views().known_truth is one.truth
    assert one.views().modalities == ["image", "text"]


def test_models_agree_fairly_but_not_fully(full: dict[DatasetName, PeopleTable]) -> None:
    agreement = full["celeb"].agreement()
    kappas = agreement.filter(like="kappa").to_numpy()
    assert kappas.shape == (5, 3)
    assert kappas.min() > 0.3
    assert kappas.max() < 0.9
    assert agreement["icc"].between(0.3, 0.9).all()


@pytest.mark.parametrize(
    ("sizes", "words"),
    [({"n": 5}, "n = 5"), ({"image_dim": 4}, "image_dim = 4"), ({"text_dim": 9}, "text_dim = 9")],
)
def test_too_small_sizes_are_refused(sizes: dict[str, int], words: str) -> None:
    with pytest.raises(InputError, match=words):
        small_table("athlete", **sizes)


def test_embeddings_have_the_lengths_of_the_paper() -> None:
    table = simulate_table("athlete", n=60)
    assert [x.shape for x in table.embeddings["text"]] == [(60, 3584)] * 3
    assert {x.shape for x in table.embeddings["image"]} == {(60, 1024)}


def test_assumptions_change_what_they_say() -> None:
    def of(**assumptions: Any) -> PeopleTable:
        return simulate_table("athlete", n=4000, embeddings=False, assumptions=Assumptions(**assumptions))

    for noise, kurtosis_of_roots in (("laplace", 3.0), ("normal", 0.0), ("uniform", -1.2)):
        roots = truth_of(of(noise=noise)).latents[["ztext3"]].to_numpy()
        assert kurtosis(roots)[0] == pytest.approx(kurtosis_of_roots, abs=1.2 if noise == "laplace" else 0.2)
    for bend, bends in ((0.0, False), (1.0, True)):
        latents = truth_of(of(bend=bend, noise="normal")).latents
        design = np.column_stack([latents["ztext3"], np.tanh(2 * latents["ztext3"])])
        # of the three parents of ztext4 only this one is bent and in the design, so its bend shows
        assert (abs(partial_slope(design, latents["ztext4"].to_numpy())) > 0.05) == bends
    edges = (("s1", "zimage1"), ("zimage1", "ztext2"))
    table = of(edges=edges)
    names = list(truth_of(table).latents)
    assert [(names[i], names[j]) for i, j in np.argwhere(graph_of(table))] == list(edges)


def test_curved_embeddings_are_explained_worse_by_lines() -> None:
    explained = []
    for curve in (0.0, 1.0, 3.0):
        table = simulate_table(
            "athlete", n=2000, image_dim=40, text_dim=40, assumptions=Assumptions(curve=curve)
        )
        latents, array = truth_of(table).latents.to_numpy(), table.embeddings["image"][0]
        design = np.column_stack([latents, np.abs(latents), np.ones(len(latents))])
        lines = np.delete(design, np.s_[latents.shape[1] : -1], 1)
        left = [np.square(array - x @ np.linalg.lstsq(x, array)[0]).mean() for x in (lines, design)]
        explained.append(left[0] / left[1] - 1)
    assert explained[0] < 0.01 < explained[1] < explained[2]


def partial_slope(design: np.ndarray, target: np.ndarray) -> float:
    """The slope of the second column beside the first one and a constant."""
    return float(np.linalg.lstsq(np.column_stack([np.ones(len(design)), design]), target)[0][2])
