"""Phase 1 in two processes that torchrun starts: the losses of one process, one leader, resumed by all."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from styled_scenes import QUICK, read_small_scenes, scenes

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.learning.training import History
from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.views import MultiViewData, split_rows

EPOCHS = 4
SCRIPT = """
import json, sys
from dataclasses import dataclass
from pathlib import Path
sys.path[:0] = [{tests!r}, {tests!r} + "/..", {root!r}]
from test_data_parallel import data_of, fit_of_one_style, model_of, refused
from personax.runs.command_line import run_command
from personax.views import split_rows

@dataclass(frozen=True)
class Options:
    "None."

def body(options):
    home = Path({home!r})
    found = {{"refused": refused(3)}}
    for name in ("whole", "resumed"):
        model = model_of().fit(*data_of(), checkpoint=home / f"{{name}}.pt")
        found[name] = model.history
    found["begun twice"] = model_of(beginnings=2).fit(*data_of()).history
    found["one style"] = fit_of_one_style().history
    (home / "found.json").write_text(json.dumps(found))
    print("the leader has ended")

if __name__ == "__main__":
    sys.exit(run_command(Options, body, []))
"""


def data_of() -> tuple[MultiViewData, Any]:
    """120 people, of whom some lack measurements, so that the masks of all shares matter."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((120, 3))
    measurements = {
        "face": [(z[:, :2] @ rng.standard_normal((2, 6))).astype(np.float32) for _ in range(3)],
        "voice": [(z @ rng.standard_normal((3, 5))).astype(np.float32) for _ in range(2)],
    }
    observed = {"face": rng.random((120, 3)) > 0.2, "voice": rng.random((120, 2)) > 0.2}
    return MultiViewData(measurements, observed=observed), split_rows(120, rng)


def model_of(batch_size: int = 16, beginnings: int = 1) -> CRL:
    """A small model with shared latents."""
    search = Phase2Config(starts=2, generations=1, generation_steps=1, finalists=1, final_steps=1)
    phase1 = Phase1Config(epochs=EPOCHS, batch_size=batch_size, beginnings=beginnings)
    config = CRLConfig(
        latents={"face": 1, "voice": 1}, shared=1, hidden=8, phase1=phase1, phase2=search, compress=False
    )
    return CRL(config, seed=1, device="cpu")


def fit_of_one_style() -> CRL:
    """A model of pictures of one style, whose latents one process reads alone, before phase 1."""
    data = scenes("shared", (2, 1))
    with pytest.MonkeyPatch.context() as patch:
        read_small_scenes(patch)
        model = CRL(replace(QUICK, phase1=replace(QUICK.phase1, epochs=6)), seed=1, device="cpu")
        return model.fit(data, split_rows(len(data), np.random.default_rng(0)))


def refused(batch_size: int) -> str:
    """The message for a batch size."""
    try:
        model_of(batch_size).fit(*data_of())
    except InputError as error:
        return str(error)
    return ""


def test_two_processes_have_the_losses_of_one_and_resume_together(tmp_path: Path) -> None:
    expected = dict.fromkeys(("whole", "resumed"), model_of().fit(*data_of()).history)
    expected["begun twice"] = model_of(beginnings=2).fit(*data_of()).history
    expected["one style"] = fit_of_one_style().history
    assert len(phase1_of(expected["one style"])) == 2  # of six epochs: what reads already learns no more
    assert expected["begun twice"] != expected["whole"]
    interrupt_after_two_epochs(tmp_path / "resumed.pt")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), root=str(ROOT), home=str(tmp_path)))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    ended = subprocess.run(
        [*torchrun, str(script)], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("the leader has ended") == 1  # the helper runs no command
    found = json.loads((tmp_path / "found.json").read_text())
    assert "batch_size 3: must be a multiple of 2 processes" in found["refused"]
    for name, history in expected.items():
        assert len(found[name]) == len(history)
        for row, right in zip(phase1_of(found[name]), phase1_of(history), strict=True):
            assert row["phase"] == right["phase"]
            numbers = [key for key in right if key != "phase"]
            np.testing.assert_allclose(
                [row[key] for key in numbers], [right[key] for key in numbers], rtol=1e-4, atol=1e-5
            )


def interrupt_after_two_epochs(checkpoint: Path) -> None:
    """Leave the checkpoint of a training in one process."""

    def interrupt(history: History) -> None:
        if len(history) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model_of().fit(*data_of(), checkpoint=checkpoint, on_progress=interrupt)


def phase1_of(history: History) -> History:
    """The rows of the epochs."""
    return [row for row in history if row["phase"] == "representation"]
