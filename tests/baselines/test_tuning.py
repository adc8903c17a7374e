"""The criterion on latents whose quality is known; trials, their file and the settings they lead to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pandas as pd
import pytest

from personax.baselines import METHODS, tuned_config
from personax.baselines import trials as tuning_module
from personax.baselines.baseline import Baseline
from personax.baselines.beta_vae import BetaVAEConfig
from personax.baselines.trials import best_settings, tune, write_tuned
from personax.experiments.tuning.command import run_tuning
from personax.experiments.tuning.config import TuningConfig
from personax.learning.criteria import hidden_measurement_r2, hide
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split, Truth, split_rows


def views(n: int = 400) -> tuple[MultiViewData, Split]:
    """A modality of three views and one of a single view that echoes its first latent."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 2))
    echo = z[:, :1] + 0.1 * rng.standard_normal((n, 1))

    def seen(latents: np.ndarray) -> np.ndarray:
        mixed = latents @ rng.standard_normal((latents.shape[1], 5))
        return (mixed + 0.1 * rng.standard_normal((n, 5))).astype(np.float32)

    data = MultiViewData(
        {"a": [seen(z) for _ in range(3)], "b": [seen(echo)]},
        np.arange(n),
        truth=Truth(
            pd.DataFrame(np.c_[z, echo], columns=["z11", "z12", "z21"]), {"a": ["z11", "z12"], "b": ["z21"]}
        ),
    )
    return data, split_rows(n, rng)


class Oracle:
    """Says the columns of the truth that it is told to, of the modalities that are still to be seen."""

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
    data, split = views()
    everything = score(Oracle(["z11", "z12", "z21"]), data, split)
    half = score(Oracle(["z11"]), data, split)
    nothing = score(Oracle(["z11", "z12"], noise=100), data, split)
    assert everything > 0.9 > half > 0.3 > abs(nothing)


def test_the_measurement_that_is_predicted_is_hidden_and_the_truth_is_not_needed() -> None:
    data, split = views()

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
    data, split = views()
    observed = np.ones((len(data), 3), dtype=bool)
    observed[::2, 0] = False
    broken = [data.measurements["a"][0].copy(), *data.measurements["a"][1:]]
    broken[0][::2] = np.nan
    masked = replace(data, measurements={**data.measurements, "a": broken}, observed={"a": observed})
    assert score(Oracle(["z11", "z12", "z21"]), masked, split) > 0.9


def test_nothing_to_predict_from_is_an_error() -> None:
    data, split = views()
    alone = MultiViewData({"b": data.measurements["b"]}, data.ids)
    with pytest.raises(InputError, match="single measurement"):
        score(Oracle(["z11"]), alone, split)


def test_every_method_that_is_tuned_gets_six_trials_that_it_understands() -> None:
    for method in METHODS.values():
        assert len(method.trials) in (1, 6)
        made = [method.configure({"a": 1}, settings) for settings in method.trials]
        assert all(one != other for k, one in enumerate(made) for other in made[:k])
    assert [name for name, method in METHODS.items() if len(method.trials) == 1] == ["official_published"]


def test_trials_are_written_continued_and_chosen_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, split = views()
    options: dict[str, Any] = {
        "setup": {"n": 400},
        "training": {"hidden": 8, "training.epochs": 1, "training.batch_size": 64},
        "device": "cpu",
    }
    sizes = {"a": 2, "b": 1}
    whole = tune("mcl", data, split, sizes, tmp_path / "whole", **options)
    assert len(whole) == 6
    assert not list((tmp_path / "whole").glob("*.pt"))

    def stop_at_once(*_: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning_module, "hidden_measurement_r2", stop_at_once)
    with pytest.raises(KeyboardInterrupt):
        tune("mcl", data, split, sizes, tmp_path / "first", **options)
    monkeypatch.undo()
    with pytest.raises(InputError, match="another setup"):  # whose checkpoint lies there already
        tune("mcl", data, split, sizes, tmp_path / "first", **{**options, "setup": {"n": 500}})

    calls = []

    def stop(*args: Any) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return hidden_measurement_r2(*args)

    monkeypatch.setattr(tuning_module, "hidden_measurement_r2", stop)
    with pytest.raises(KeyboardInterrupt):
        tune("mcl", data, split, sizes, tmp_path / "part", **options)
    monkeypatch.undo()
    assert len(json.loads((tmp_path / "part" / "mcl.json").read_text())["trials"]) == 2
    continued = tune("mcl", data, split, sizes, tmp_path / "part", **options)
    assert [(t["settings"], t["score"]) for t in continued] == [(t["settings"], t["score"]) for t in whole]
    with pytest.raises(InputError, match="another setup"):
        tune("mcl", data, split, sizes, tmp_path / "part", **{**options, "setup": {"n": 500}})


def test_a_trial_that_diverges_loses(tmp_path: Path) -> None:
    data, split = views(120)
    huge = replace(
        data, measurements={"a": [a * np.float32(1e30) for a in data.measurements["a"]]}, observed={}
    )
    trials = tune("beta_vae", huge, split, {"a": 2}, tmp_path, setup={}, training={"hidden": 8}, device="cpu")
    assert [trial["score"] for trial in trials] == [None] * 6
    with pytest.raises(InputError, match="diverged"):
        best_settings(trials)
    trials[2]["score"] = -3.0
    assert best_settings(trials) == trials[2]["settings"]


def test_chosen_settings_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "baselines.yaml"
    write_tuned(path, {"beta_vae": {"beta": 16.0, "training.learning_rate": 1e-3}}, "python tune.py")
    config = tuned_config("beta_vae", {"a": 2}, path)
    assert isinstance(config, BetaVAEConfig)
    assert config.beta == 16
    assert config.training.learning_rate == 1e-3
    assert tuned_config("official_published", {"a": 2}, path).training.epochs == 3000
    for name, message in (("mcl", "no settings of mcl"), ("mlc", "unknown")):
        with pytest.raises(InputError, match=message):
            tuned_config(name, {"a": 2}, path)


def test_the_command_runs_and_refuses_nonsense(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = TuningConfig(
        methods="mcl",
        n=200,
        epochs=1,
        source="digits",
        device="cpu",
        folder=str(tmp_path),
        output=str(tmp_path),
    )
    run_tuning(config)
    assert capsys.readouterr().out.count("mcl temperature") == 6
    for wrong in (replace(config, methods="mlc"), replace(config, n=3), replace(config, measurements="3")):
        with pytest.raises(InputError):
            run_tuning(wrong)
