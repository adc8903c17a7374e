"""A model of embeddings read in closed form: what it transforms, saves and says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from bent_people import EDGES, NAMES, BentPeople, bent_people

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.crl.trust import IDENTIFIED, ORDER_UNKNOWN
from personax.learning.metrics import mean_correlation
from personax.views import MultiViewData, Split, split_rows

CONFIG = replace(
    CRLConfig.embeddings({"a": 3, "b": 2}, shared=1),
    hidden=8,
    phase1=Phase1Config(epochs=1, batch_size=512),
    phase2=Phase2Config(starts=2, finalists=3, final_steps=60),
)


def views_of(made: BentPeople) -> MultiViewData:
    arrays = {m: [x.numpy() for x in tensors] for m, tensors in made.people.x.items()}
    return MultiViewData(arrays, ids=np.arange(len(made.latents)), known_units=True)


def fit(bend: float) -> tuple[CRL, MultiViewData, Split, BentPeople]:
    made = bent_people(1500, bend=bend)
    data = views_of(made)
    split = split_rows(len(data), np.random.default_rng(0))
    return CRL(CONFIG, seed=1, device="cpu").fit(data, split), data, split, made


@pytest.fixture(scope="module")
def fitted() -> tuple[CRL, MultiViewData, Split, BentPeople]:
    """A model of people with bent mechanisms."""
    return fit(0.6)


def test_latents_graph_and_verdict_are_those_of_the_closed_form(
    fitted: tuple[CRL, MultiViewData, Split, BentPeople],
) -> None:
    model, data, split, made = fitted
    assert mean_correlation(model.transform(data).to_numpy()[split.test], made.latents[split.test]) > 0.95
    assert model.graph.sum() == len(EDGES)
    assert model.verdict == IDENTIFIED
    assert len(model.history) == 2  # one epoch, and the closed form
    assert ((model.edge_weights > 0) == (model.graph == 1)).all()


def test_it_is_saved_and_loaded_like_any_other(
    fitted: tuple[CRL, MultiViewData, Split, BentPeople], tmp_path: Path
) -> None:
    model, data, *_ = fitted
    model.save(tmp_path)
    loaded = CRL.load(tmp_path, device="cpu")
    pd.testing.assert_frame_equal(loaded.transform(data), model.transform(data), check_exact=True)
    assert np.array_equal(loaded.graph, model.graph)
    assert loaded.verdict == model.verdict


def test_residuals_of_the_mechanisms_do_not_depend_on_the_causes(
    fitted: tuple[CRL, MultiViewData, Split, BentPeople],
) -> None:
    model, data, *_ = fitted
    encoding = model.encode(data)
    for i, j in np.argwhere(model.graph):
        assert abs(np.corrcoef(encoding.z.iloc[:, i], encoding.eps.iloc[:, j])[0, 1]) < 0.2


def test_edges_have_no_direction_where_the_order_is_not_identified() -> None:
    model, *_ = fit(0.0)
    assert model.verdict == ORDER_UNKNOWN
    learned, shared = model.learned().adjacency, NAMES.index("s")
    others = np.arange(len(NAMES)) != shared
    assert np.array_equal(learned[np.ix_(others, others)], learned[np.ix_(others, others)].T)
    assert learned[shared].any()
    assert not learned[:, shared].any()  # s has no causes, whatever the order


def test_models_are_fitted_together_as_alone(fitted: tuple[CRL, MultiViewData, Split, BentPeople]) -> None:
    model, data, split, _ = fitted
    again = CRL(CONFIG, seed=1, device="cpu")
    CRL.fit_together([again], [(data, split)])
    assert again.transform(data).equals(model.transform(data))
