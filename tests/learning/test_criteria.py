"""The criterion without the truth, on latents whose quality is known."""

from dataclasses import replace
from typing import Any, ClassVar, cast

import numpy as np
import pandas as pd
import pytest
from echoing_views import echoing_views

from personax.baselines.baseline import Baseline
from personax.learning.criteria import hidden_measurement_r2, hide
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


class Oracle:
    """Returns the chosen columns of the truth, for the modalities that are not hidden."""

    def __init__(self, columns: list[str], noise: float = 0.0) -> None:
        self.columns, self.noise, self.asked = columns, noise, 0

    def transform(self, data: MultiViewData) -> pd.DataFrame:
        self.asked += 1
        truth = data.true_latents[self.columns]
        rng = np.random.default_rng(self.asked)
        return truth + self.noise * rng.standard_normal(truth.shape)


def score(model: Oracle, data: MultiViewData, split: Split) -> float:
    return hidden_measurement_r2(cast("Baseline[Any]", model), data, split)


def test_the_criterion_ranks_latents_by_what_they_know() -> None:
    data, split = echoing_views()
    everything = score(Oracle(["z11", "z12", "z21"]), data, split)
    half = score(Oracle(["z11"]), data, split)
    nothing = score(Oracle(["z11", "z12"], noise=100), data, split)
    assert everything > 0.9 > half > 0.3 > abs(nothing)


def test_the_measurement_that_is_predicted_is_hidden_and_the_truth_is_not_needed() -> None:
    data, split = echoing_views()

    class Spy(Oracle):
        hidden: ClassVar[list[tuple[str, int]]] = []

        def transform(self, data: MultiViewData) -> pd.DataFrame:
            missing = [(m, int(k)) for m, mask in data.observed.items() for k in np.flatnonzero(~mask.all(0))]
            self.hidden.extend(missing)
            return pd.DataFrame(data.measurements["a"][0])

    score(Spy([]), replace(data, truth=None), split)
    places = [("a", 0), ("a", 1), ("a", 2), ("b", 0)]
    assert Spy.hidden == [place for place in places for _ in range(2)]
    assert hide(data, "a", 1).observed["a"].all(0).tolist() == [True, False, True]
    assert data.observed["a"].all()


def test_rows_that_lack_a_measurement_are_not_predicted() -> None:
    data, split = echoing_views()
    observed = np.ones((len(data), 3), dtype=bool)
    observed[::2, 0] = False
    broken = [data.measurements["a"][0].copy(), *data.measurements["a"][1:]]
    broken[0][::2] = np.nan
    masked = replace(data, measurements={**data.measurements, "a": broken}, observed={"a": observed})
    assert score(Oracle(["z11", "z12", "z21"]), masked, split) > 0.9


def test_nothing_to_predict_from_is_an_error() -> None:
    data, split = echoing_views()
    alone = MultiViewData({"b": data.measurements["b"]}, data.ids)
    with pytest.raises(InputError, match="single measurement"):
        score(Oracle(["z11"]), alone, split)
