"""The command diagnose.py: its report on runs of scenes and of people, and what it refuses."""

import json
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from commands import run_script
from perfect_model import evidence
from pictures import is_drawn
from small_runs import FEW_LATENTS, SIMULATED_PEOPLE, SMALL_PEOPLE, SmallRun

from personax.crl.trust import in_words
from personax.experiments.diagnostics import observations
from personax.experiments.diagnostics.findings import SEVERITY, UNKNOWN, VIOLATED
from personax.experiments.diagnostics.report import MEANINGS
from personax.experiments.diagnostics.run import diagnose
from personax.experiments.run_options import OURS
from personax.runs.run_folder import CONFIG, FIGURES, METRICS, WEIGHTS

KEYS = ["eps", "eta", "eta_z", "eta_eps", "x_given_z", "proposition_2", "alignment", "orthogonality"]
KEYS += ["evenness", "variability", "reach", "graph"]


def run_diagnose(*words: object) -> int:
    """The exit code of the command."""
    return run_script("synthetic_experiment/diagnose.py", *words)


@pytest.fixture(scope="module", autouse=True)
def few_exchanges() -> Iterator[None]:
    """Exchanges of residuals are most of the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observations, "EXCHANGES", 4)
        yield


@pytest.fixture(scope="module")
def diagnosed(mnist_run: SmallRun, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A copy of a finished run, and what the command printed about it."""
    folder = Path(shutil.copytree(mnist_run.folder, tmp_path_factory.mktemp("diagnosed") / "run"))
    with redirect_stdout(StringIO()) as printed:
        assert run_diagnose(folder) == 0
    return SmallRun(folder, mnist_run.config, printed.getvalue())


@pytest.fixture
def copied(mnist_run: SmallRun, tmp_path: Path) -> Path:
    """A copy of a finished run, which a test may change."""
    return Path(shutil.copytree(mnist_run.folder, tmp_path / "copy"))


def test_every_assumption_has_a_verdict(diagnosed: SmallRun) -> None:
    report = json.loads((diagnosed.folder / "diagnostics.json").read_text())
    assert list(report["findings"]) == KEYS
    assert report["test_rows"] == 40
    assert {finding["verdict"] for finding in report["findings"].values()} <= set(SEVERITY)


def test_findings_are_printed_and_on_the_page(diagnosed: SmallRun) -> None:
    page = (diagnosed.folder / "diagnostics.md").read_text()
    for finding in json.loads((diagnosed.folder / "diagnostics.json").read_text())["findings"].values():
        assert f"{finding['assumption']}: {finding['measured']}" in diagnosed.printed
        assert finding["assumption"] in page


def test_every_finding_is_explained_and_all_are_summed_up(diagnosed: SmallRun) -> None:
    page = (diagnosed.folder / "diagnostics.md").read_text()
    printed = " ".join(diagnosed.printed.split())
    assert list(MEANINGS) == KEYS
    for meaning in MEANINGS.values():
        assert meaning in page
        assert meaning in printed
    verdict = json.loads((diagnosed.folder / "diagnostics.json").read_text())["overall"]
    assert f"**Overall: {verdict}.**" in page
    assert f"overall: {verdict}" in diagnosed.printed
    of_itself = in_words(json.loads((diagnosed.folder / METRICS).read_text())["verdict"])
    assert f"of itself: {of_itself}" in diagnosed.printed
    assert f"of itself, after training: {of_itself}." in (diagnosed.folder / "diagnostics.md").read_text()


def test_nothing_is_violated_in_a_perfect_run() -> None:
    assert VIOLATED not in {found.verdict for found in diagnose(evidence())}


def test_the_findings_are_drawn(diagnosed: SmallRun) -> None:
    assert is_drawn(diagnosed.folder / FIGURES / "diagnostics.png")


def test_the_same_rows_give_the_same_findings(diagnosed: SmallRun, copied: Path) -> None:
    assert run_diagnose(copied, "--rows", "40") == 0
    first = (diagnosed.folder / "diagnostics.json").read_bytes()
    assert (copied / "diagnostics.json").read_bytes() == first


def test_a_run_of_people_is_diagnosed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is a single image and no eta: the report says what is unknown."""
    script, run = "real_world_experiment/run_athlete_3measurement.py", tmp_path / "run"
    words = (*SMALL_PEOPLE, *SIMULATED_PEOPLE, *FEW_LATENTS, "--model.noise", "0")
    assert run_script(script, *words, "--output", run) == 0
    assert run_diagnose(run) == 0
    assert "SIMULATED DATA" in capsys.readouterr().out
    assert "SIMULATED" in (run / "diagnostics.md").read_text()
    findings = json.loads((run / "diagnostics.json").read_text())["findings"]
    assert findings["eta"]["verdict"] == findings["proposition_2"]["verdict"] == UNKNOWN
    assert set(findings["alignment"]["details"]) == {"text 1, 2", "text 1, 3", "text 2, 3"}


def refusal(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which the command refuses these words."""
    capsys.readouterr()
    assert run_diagnose(*words) == 2
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1
    return message[0]


def test_what_is_no_run_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such run folder" in refusal(capsys, tmp_path / "absent")
    assert "not a run folder" in refusal(capsys, tmp_path)


def test_one_folder_is_needed(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "give one" in refusal(capsys)
    assert "give one" in refusal(capsys, copied, copied)


@pytest.mark.parametrize("words", [("--rows", "5"), ("--alpha", "2"), ("--seed", "-1")])
def test_values_out_of_range_are_refused(
    words: tuple[str, str], copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert " ".join(words).removeprefix("--") in refusal(capsys, copied, *words)


def test_a_wrong_device_is_not_laid_to_the_folder(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "error: device 'gpu': unknown; choose auto" in refusal(capsys, copied, "--device", "gpu")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("nuisance: independent", "nuisance: shared", "sha256"),
        ("nuisance: independent", "nuisance: odd", "config.yaml: written by another version"),
        ("starts: 4", "starts: x", "starts: expected a whole number, not x); copy the run"),
        ("n: 400\n", "n: 400\nsurplus: 1\n", "another version"),
        ("scm: variant_mnist\n", "", "not a run of"),
        (f"method: {OURS}", "method: beta_vae", "a run of beta_vae"),
        ("n: 400\n", "n: [400\n", "not valid YAML"),
    ],
)
def test_a_changed_configuration_is_refused(
    old: str, new: str, message: str, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = (copied / CONFIG).read_text()
    assert old in config
    (copied / CONFIG).write_text(config.replace(old, new))
    assert message in refusal(capsys, copied)
    assert not list(copied.rglob("diagnostics*"))


def test_a_run_without_weights_is_refused(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / WEIGHTS).unlink()
    assert "not trained to the end" in refusal(capsys, copied)
