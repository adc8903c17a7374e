"""Trials, the file that keeps them, and the settings that are chosen from them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from echoing_views import echoing_views

from personax.baselines import METHODS, tuned_settings
from personax.baselines import trials as tuning_module
from personax.baselines.beta_vae import BetaVAEConfig
from personax.baselines.trials import TuningTask, best_settings, tune, write_tuned
from personax.experiments.tuning.command import run_tuning
from personax.experiments.tuning.config import TuningConfig
from personax.learning.criteria import hidden_measurement_r2
from personax.runs.errors import InputError


def test_every_method_that_is_tuned_gets_six_trials_that_it_understands() -> None:
    for method in METHODS.values():
        assert len(method.trials) in (1, 6)
        made = [method.configure({"a": 1}, settings) for settings in method.trials]
        assert all(one != other for k, one in enumerate(made) for other in made[:k])
    assert [name for name, method in METHODS.items() if len(method.trials) == 1] == ["official_published"]


def test_trials_are_written_continued_and_chosen_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = TuningTask(
        *echoing_views(),
        {"a": 2, "b": 1},
        setup={"n": 400},
        settings={"hidden": 8, "training.epochs": 1, "training.batch_size": 64},
        device="cpu",
    )
    other_task = replace(task, setup={"n": 500})
    whole = tune("mcl", task, tmp_path / "whole")
    assert len(whole) == 6
    assert not list((tmp_path / "whole").glob("*.pt"))

    def stop_at_once(*_: Any) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning_module, "hidden_measurement_r2", stop_at_once)
    with pytest.raises(KeyboardInterrupt):
        tune("mcl", task, tmp_path / "first")
    monkeypatch.undo()
    with pytest.raises(InputError, match="another setup"):  # its checkpoint is already there
        tune("mcl", other_task, tmp_path / "first")

    calls = []

    def stop(*args: Any) -> float:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return hidden_measurement_r2(*args)

    monkeypatch.setattr(tuning_module, "hidden_measurement_r2", stop)
    with pytest.raises(KeyboardInterrupt):
        tune("mcl", task, tmp_path / "part")
    monkeypatch.undo()
    assert len(json.loads((tmp_path / "part" / "mcl.json").read_text())["trials"]) == 2
    continued = tune("mcl", task, tmp_path / "part")
    assert [(t["settings"], t["score"]) for t in continued] == [(t["settings"], t["score"]) for t in whole]
    with pytest.raises(InputError, match="another setup"):
        tune("mcl", other_task, tmp_path / "part")


def test_data_that_are_refused_leave_no_file_of_trials(tmp_path: Path) -> None:
    data, split = echoing_views(120)
    constant = replace(data, measurements={m: [a * 0 for a in of_m] for m, of_m in data.measurements.items()})
    with pytest.raises(InputError):
        tune("mcl", TuningTask(constant, split, {"a": 2}, setup={}, device="cpu"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_trial_that_diverges_loses(tmp_path: Path) -> None:
    data, split = echoing_views(120)
    huge = replace(
        data,
        measurements={"a": [a * np.float32(1e30) for a in data.measurements["a"]]},
        observed={},
        known_units=True,
    )
    task = TuningTask(huge, split, {"a": 2}, setup={}, settings={"hidden": 8}, device="cpu")
    trials = tune("beta_vae", task, tmp_path)
    assert [trial["score"] for trial in trials] == [None] * 6
    with pytest.raises(InputError, match="diverged"):
        best_settings(trials)
    trials[2]["score"] = -3.0
    assert best_settings(trials) == trials[2]["settings"]


def test_chosen_settings_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "baselines.yaml"
    write_tuned(path, {"beta_vae": {"beta": 16.0, "training.learning_rate": 1e-3}}, "python tune.py")
    config = METHODS["beta_vae"].configure({"a": 2}, tuned_settings("beta_vae", path))
    assert isinstance(config, BetaVAEConfig)
    assert config.beta == 16
    assert config.training.learning_rate == 1e-3
    assert tuned_settings("official_published", path) == {}
    for name, message in (("mcl", "no settings of mcl"), ("mlc", "unknown")):
        with pytest.raises(InputError, match=message):
            tuned_settings(name, path)


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
