"""The cases: sizes of their papers, the truth, seeds, and what is and is not dependent in them."""

import numpy as np
import pytest
from scipy import stats

from personax.numerical.numerical_cases import CASES, ROWS_OF_A_DRAW
from personax.runs.errors import InputError
from personax.views import SHARED

# case -> modalities, own latents of each, shared latents, numbers of a measurement
SIZES = {
    "case1": (2, 2, 0, 15),
    "case1_hidden": (2, 2, 0, 15),
    "case2": (2, 3, 0, 20),
    "case3": (4, 2, 0, 30),
    "modalities5": (5, 2, 0, 30),
    "modalities6": (6, 2, 0, 30),
    "modalities8": (8, 2, 0, 30),
    "shared2": (2, 2, 2, 30),
    "shared3": (3, 2, 2, 30),
    "groups": (3, 10, 0, 10),
    "domains": (2, 2, 3, 15),
    "content": (2, 10, 5, 15),
}


def test_all_cases_are_checked() -> None:
    assert list(SIZES) == list(CASES)


@pytest.mark.parametrize("name", SIZES)
def test_a_case_has_the_sizes_of_its_paper(name: str) -> None:
    modalities, own, shared, width = SIZES[name]
    data = CASES[name].draw(200, 1000)
    truth = data.known_truth
    assert len(data.modalities) == modalities
    assert all([x.shape for x in views] == [(200, width)] for views in data.measurements.values())
    assert [len(truth.blocks[m]) for m in data.modalities] == [own] * modalities
    assert len(truth.blocks.get(SHARED, ())) == shared
    assert [z for names in truth.blocks.values() for z in names] == list(truth.latents.columns)
    assert truth.latents.to_numpy().std(0) == pytest.approx(1)
    if truth.graph is not None:
        assert truth.graph[shared:, :shared].sum() == 0  # shared latents are not caused by others


@pytest.mark.parametrize("name", ["case1", "shared2", "groups", "domains", "content"])
def test_a_seed_is_a_draw(name: str) -> None:
    case = CASES[name]
    first, again, other = (case.draw(200, seed) for seed in (1000, 1000, 1001))
    assert np.array_equal(first.measurements["m1"][0], again.measurements["m1"][0])
    assert first.true_latents.equals(again.true_latents)
    assert not np.array_equal(first.measurements["m1"][0], other.measurements["m1"][0])


def test_cases_of_one_seed_are_different_draws() -> None:
    first, second = (CASES[name].draw(200, 1000).true_latents.iloc[:, 0] for name in ("case1", "case2"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.3


@pytest.mark.parametrize("name", ["case1", "case3"])
def test_latents_of_a_modality_can_be_read_from_its_own_measurement(name: str) -> None:
    """From its own measurement a linear reading is nearly right, from another one it is not."""
    data = CASES[name].draw(2000, 1001)
    for modality in data.modalities:
        x = data.measurements[modality][0].astype(float)
        own = data.true_latents[list(data.known_truth.blocks[modality])].to_numpy()
        weights = np.linalg.lstsq(x - x.mean(0), own, rcond=None)[0]
        assert ((own - (x - x.mean(0)) @ weights).var(0) < 0.1).all()
        other = next(m for m in data.modalities if m != modality)
        y = data.measurements[other][0].astype(float)
        elsewhere = np.linalg.lstsq(y - y.mean(0), own, rcond=None)[0]
        assert ((own - (y - y.mean(0)) @ elsewhere).var(0) > 0.2).all()


def test_eta_depends_on_nothing() -> None:
    """What a modality's latents do not explain of its measurement is independent of all other latents."""
    data = CASES["case1"].draw(4000, 1002)
    z = data.true_latents.to_numpy()
    x = data.measurements["m1"][0].astype(float)
    bins = np.column_stack([np.digitize(z[:, k], np.quantile(z[:, k], [0.33, 0.66])) for k in (0, 1)])
    for cell in np.unique(bins, axis=0):
        rows = (bins == cell).all(1)
        if rows.sum() > 100:
            own = z[rows][:, :2]
            design = np.column_stack([np.ones(rows.sum()), own, own**2, own[:, :1] * own[:, 1:]])
            rest = x[rows, 0] - design @ np.linalg.lstsq(design, x[rows, 0], rcond=None)[0]
            assert stats.spearmanr(rest, z[rows, 2]).pvalue > 1e-4


def test_only_some_numbers_of_style_are_changed() -> None:
    """In the second modality a style is the same as in the first one with chance 1/4."""
    z = CASES["content"].draw(4000, 1000).true_latents
    for k in range(1, 6):
        slope, start = np.polyfit(z[f"z2{k}"], z[f"z1{k}"], 1)
        assert 0.3 < abs(np.corrcoef(z[f"z1{k}"], z[f"z2{k}"])[0, 1]) < 0.98, (slope, start)


def test_specific_latents_are_independent_of_content_and_of_the_other_modality() -> None:
    z = CASES["content"].draw(4000, 1000).true_latents
    specific = [f"z1{k}" for k in range(6, 10)]
    others = [*(f"s{k}" for k in range(1, 6)), *(f"z2{k}" for k in range(6, 10))]
    between = z[specific + others].corr().loc[specific, others].to_numpy()
    assert np.abs(between).max() < 4 / np.sqrt(4000)
    content = z[[f"s{k}" for k in range(1, 6)]].corr().to_numpy()[np.triu_indices(5, 1)]
    assert np.abs(content).max() > 0.2


def test_domains_are_linear_in_their_latents() -> None:
    data = CASES["domains"].draw(400, 1000)
    for number, modality in enumerate(data.modalities):
        names = ["s1", "s2", "s3", f"z{number + 1}1", f"z{number + 1}2"]
        z = data.true_latents[names].to_numpy()
        x = data.measurements[modality][0].astype(float)
        rest = x - z @ np.linalg.lstsq(z, x, rcond=None)[0]
        assert np.abs(rest).max() < 1e-4


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match=f"at least {ROWS_OF_A_DRAW} rows"):
        CASES["case1"].draw(99, 0)


def test_the_graph_of_domains_is_never_empty() -> None:
    """With three latents and a density of 0.75, one graph in 64 is drawn again."""
    graphs = [CASES["domains"].draw(100, seed).known_truth.graph for seed in range(60)]
    assert all(graph is not None and graph.any() for graph in graphs)
