"""The command tune_baselines.py on one method, and its bad input."""

from pathlib import Path

import pytest
import yaml
from commands import run_script

from personax.baselines.methods import METHODS
from personax.experiments.tuning.config import TuningConfig
from personax.experiments.tuning.run import SETUP, run_trials, tunable_methods, write_chosen
from personax.variant_mnist.scene_config import SceneConfig

SCRIPT = "synthetic_experiment/tune_baselines.py"
SMALL = ("--n", "200", "--epochs", "1", "--source", "digits", "--device", "cpu")


def test_the_scores_of_all_trials_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (
        *SMALL,
        "--methods",
        "mcl",
        "--folder",
        tmp_path / "trials",
        "--output",
        tmp_path / "chosen.yaml",
    )
    assert run_script(SCRIPT, *words) == 0
    assert capsys.readouterr().out.count("mcl temperature") == len(METHODS["mcl"].trials)
    assert not (tmp_path / "chosen.yaml").exists()  # it is written only if all methods are tuned


def test_the_chosen_settings_are_written_with_the_command_that_found_them(tmp_path: Path) -> None:
    config = TuningConfig(
        n=200,
        epochs=1,
        source="digits",
        device="cpu",
        folder=str(tmp_path),
        output=str(tmp_path / "chosen.yaml"),
    )
    trials, setup = run_trials(config, ["mcl"])
    write_chosen(config, trials, setup)
    text = (tmp_path / "chosen.yaml").read_text()
    best = max(trials["mcl"], key=lambda trial: trial["score"])
    assert yaml.safe_load(text) == {"mcl": best["settings"]}
    assert "tune_baselines.py --n 200 --scm variant_mnist" in text
    assert "--dataset" not in text  # it was left out


def test_what_makes_the_scenes_is_part_of_the_setup() -> None:
    elsewhere = {
        "source",
        "data_dir",
    }  # where pictures come from; the name of the source is added to the setup
    assert set(SceneConfig.__dataclass_fields__) - elsewhere <= set(SETUP)


def test_a_method_with_a_single_trial_is_not_tuned() -> None:
    assert "official_published" not in tunable_methods()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--methods", "mlc"], "mlc"),
        (["--n", "3"], "at least 200"),
        (["--epochs", "0"], "epochs 0: must be at least 1"),
        (["--measurements", "3"], "measurements"),
        (["--data_seed", "null"], "data_seed"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, *SMALL, "--folder", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
