"""A disk that is full for a while, at every file that a run writes."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from personax.crl import CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.experiments.mnist import run
from personax.experiments.mnist.config import MnistConfig
from personax.runs.errors import InputError
from personax.runs.files import is_partial, read_json
from personax.runs.run_folder import HISTORY, LATENTS, LOG, MANIFEST, METRICS, WEIGHTS

CONFIG = MnistConfig(
    n=100,
    source="digits",
    ceiling_epochs=1,
    device="cpu",
    figures=False,
    model=CRLConfig(
        latents={"digit": 2, "garment": 2},
        hidden=4,
        phase1=Phase1Config(epochs=2, batch_size=64),
        phase2=Phase2Config(
            starts=2, population=2, generations=1, generation_steps=1, finalists=1, final_steps=1
        ),
    ),
)


class Disk:
    """Takes so many files, and is full then; every file of a run is put in its place by `Path.replace`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 0
        put = Path.replace

        def put_if_there_is_room(temporary: Path, path: Path) -> Path:
            if self.room == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= 1
            return put(temporary, path)

        monkeypatch.setattr(Path, "replace", put_if_there_is_room)


def test_a_run_goes_on_wherever_the_disk_was_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt finds room for one file more; what was written stays, and the result is the same."""
    scenes = run.make_scenes(CONFIG)
    monkeypatch.setattr(run, "make_scenes", lambda config: scenes)
    whole, often = tmp_path / "whole", tmp_path / "often"
    run.run_mnist_seed(CONFIG, whole)
    disk, attempts = Disk(monkeypatch), 0
    while not (often / METRICS).exists():
        attempts += 1
        disk.room = attempts
        kept = {name for name in (HISTORY, WEIGHTS) if (often / name).exists()}
        try:
            run.run_mnist_seed(replace(CONFIG, resume=often.exists()), often)
        except InputError as error:
            assert "cannot be written (No space left on device)" in str(error)  # noqa: PT017  # of many attempts
            assert all((often / name).exists() for name in kept)
            assert not often.exists() or not any(map(is_partial, often.iterdir()))
    assert attempts > 5
    disk.room = 10
    run.run_mnist_seed(replace(CONFIG, resume=True), often)  # the last attempt may have ended at the manifest
    assert read_json(often / MANIFEST)["state"] == "finished"
    for name in (LATENTS, WEIGHTS):
        assert (often / name).read_bytes() == (whole / name).read_bytes()
    left = {path.name for path in whole.iterdir()}
    assert {path.name for path in often.iterdir()} == left | {LOG}
