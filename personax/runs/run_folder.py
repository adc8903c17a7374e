"""A run folder: the options of a run, its environment and its results, so that the run can be repeated.

results/<experiment>/<name>/seed-<k>/
    config.yaml      all options with their values: enough to repeat the run
    manifest.json    commit, versions, device, threads, source and checksum of the data, times, state
    run.log          the messages of the command
    ...              the results of the experiment

Names of files that more than one module needs are defined only here.
"""

import logging
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch

from personax.runs.errors import InputError
from personax.runs.files import read_json, read_yaml, write_json, write_yaml
from personax.runs.options import identity_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
LOG = "run.log"
HISTORY = "metrics.jsonl"  # one line per epoch or generation of training
METRICS = "metrics.json"  # written last, so a run that has this file is complete
MODEL = "model.yaml"
WEIGHTS = "weights.pt"
CHECKPOINT = "checkpoint.pt"  # state of a training that has not ended yet
LATENTS = "latents.parquet"
GRAPH = "graph.json"
TRUE_GRAPH = "truth_graph.json"
FIGURES = "figures"

CHECKOUT = Path(__file__).resolve().parents[2]  # the root of a clone; another folder in an installation
IN_A_CLONE = (CHECKOUT / "pyproject.toml").exists()
ROOT = CHECKOUT if IN_A_CLONE else Path.cwd()  # results, data and configurations are looked up below it


def project_path(path: Path | str) -> Path:
    """Make a path absolute: from the root of a clone, or in an installation from the current folder."""
    return Path(path) if Path(path).is_absolute() else ROOT / path


def shipped_config(name: str) -> Path:
    """The path of a file in configs/, which is inside the package if PersonaX is installed."""
    return (CHECKOUT if IN_A_CLONE else Path(__file__).parents[1]) / "configs" / name


def existing_path(path: Path | str) -> Path:
    """A path that the user has typed. It is looked up in the current folder, then as `project_path` does."""
    here = Path(path).expanduser()
    return here.absolute() if here.exists() else project_path(here)


def _git(*words: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


_RECORDED = (
    "personax",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "causal-learn",
    "hyppo",
)


def environment() -> dict[str, Any]:
    """Commit, versions of Python and of packages, processor, and number of threads of this process."""
    versions: dict[str, str | None] = {}
    for name in _RECORDED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = None
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain")),
        "python": platform.python_version(),
        "versions": versions,
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
    }


@dataclass(frozen=True)
class RunFolder:
    """A folder that `open_run` has prepared. `folder / name` is the path of the file `name` in it."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @contextmanager
    def recorded(self, **facts: Any) -> Iterator[dict[str, Any]]:
        """Write manifest.json and run.log while the block runs.

        At the end, `state` in the manifest is "finished", or "interrupted" or "failed" with the reason.

        Args:
            facts: entries of the manifest. `data_sha256` is the checksum of the data.

        Yields:
            The manifest, to which the block may add entries.

        Raises:
            InputError: a run is resumed, but its data have another checksum than before.
        """
        self._refuse_other_data(facts.get("data_sha256"))
        started, clock = datetime.now(UTC), monotonic()
        manifest: dict[str, Any] = {
            "state": "running",
            "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "started": started.isoformat(timespec="seconds"),
            **environment(),
            **facts,
        }
        write_json(self / MANIFEST, manifest)
        handler = logging.FileHandler(self / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logging.getLogger().addHandler(handler)
        try:
            yield manifest
            manifest["state"] = "finished"
        except BaseException as error:
            manifest["state"] = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            manifest["reason"] = f"{type(error).__name__}: {error}"
            raise
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()
            manifest["seconds"] = round(monotonic() - clock, 2)
            write_json(self / MANIFEST, manifest)

    def _refuse_other_data(self, checksum: str | None) -> None:
        path = self / MANIFEST
        facts = read_json(path) if path.exists() else {}
        if not isinstance(facts, dict):
            raise InputError(f"{path}: holds no names with values; start again with --overwrite")
        before = facts.get("data_sha256")
        if before is not None and checksum != before:
            raise InputError(
                f"{self.path}: was made with other data (SHA-256 {str(before)[:12]}, now "
                f"{str(checksum)[:12]}); restore those data, or start again with --overwrite"
            )


def open_run(
    path: Path | str, config: "DataclassInstance", *, resume: bool = False, overwrite: bool = False
) -> RunFolder:
    """Make a run folder, or open an existing one again.

    Args:
        path: the folder; a relative path is taken from the root of the project.
        config: the options of the run, which go to config.yaml.
        resume: allow an existing folder with the same options. Options that only say where or how to run
            may differ, see options.py.
        overwrite: delete an existing folder, but only if it contains a config.yaml.

    Raises:
        InputError: the folder exists and neither `resume` nor `overwrite` is given, it is not a run folder,
            or with `resume` its options differ.
    """
    path = project_path(path)
    if resume and overwrite:
        raise InputError("--resume and --overwrite contradict each other; give one of them")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; --output must name a folder")
    if path.exists() and any(path.iterdir()):
        if not (path / CONFIG).exists():
            raise InputError(f"{path}: exists and is not a run folder (no {CONFIG}); choose another --output")
        if overwrite:
            shutil.rmtree(path)
        elif resume:
            _refuse_other_config(path, config)
        else:
            raise InputError(f"{path}: exists; continue it with --resume, replace it with --overwrite")
    write_yaml(path / CONFIG, asdict(config))
    return RunFolder(path)


def _refuse_other_config(path: Path, config: "DataclassInstance") -> None:
    """Raise InputError if an option differs from the folder's config.yaml; the message names the first."""
    written = read_yaml(path / CONFIG)
    if not isinstance(written, Mapping):
        raise InputError(f"{path / CONFIG}: holds no options; start again with --overwrite")
    before, now = (_flatten(identity_of(config, values)) for values in (written, asdict(config)))
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path}: was made with {key}={before.get(key)!r}, not {now.get(key)!r}; "
                "resume with the same options or choose another --output"
            )


def _flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat
