"""A run folder: what a run was told, what it ran on, and what came out, so that it can be remade.

results/<experiment>/<name>/seed-<k>/
    config.yaml      the resolved configuration, enough to repeat the run
    manifest.json    commit, versions, device, threads, data source and checksum, times, state
    run.log          what the command said
    ...              whatever the experiment writes

The names of all files that more than one module knows stand here, once.
"""

import json
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
from personax.runs.files import read_yaml, write_json, write_yaml
from personax.runs.options import identity_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
LOG = "run.log"
HISTORY = "metrics.jsonl"  # one line per epoch or generation of training
METRICS = "metrics.json"  # written last: its presence means that the run is complete
MODEL = "model.yaml"
WEIGHTS = "weights.pt"
CHECKPOINT = "checkpoint.pt"  # of a training that has not ended
LATENTS = "latents.parquet"
GRAPH = "graph.json"
TRUE_GRAPH = "truth_graph.json"
FIGURES = "figures"

ROOT = Path(__file__).resolve().parents[2]


def project_path(path: Path | str) -> Path:
    """`path` if absolute, else below the project's root: commands mean the same from any folder."""
    return Path(path) if Path(path).is_absolute() else ROOT / path


def existing_path(path: Path | str) -> Path:
    """A path that the user typed: looked up from the current folder first, then from the project's root."""
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
    """Commit, Python, package versions, processor and thread count of this process."""
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
    """A folder that `open_run` has prepared. `path / name` is where each file goes."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    @contextmanager
    def recorded(self, **facts: Any) -> Iterator[dict[str, Any]]:
        """Keep manifest.json and run.log while the block runs; what is put in the yielded dict is added.

        `state` in the manifest ends as "finished", or as "interrupted" or "failed" with the reason. Raises
        InputError for a resumed run whose data_sha256 is no longer what the manifest says.
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
        before = json.loads(path.read_text(encoding="utf-8")).get("data_sha256") if path.exists() else None
        if before is not None and checksum != before:
            raise InputError(
                f"{self.path}: was begun on other data (SHA-256 {before[:12]}, now {str(checksum)[:12]}); "
                "restore them, or begin anew with --overwrite"
            )


def open_run(
    path: Path | str, config: "DataclassInstance", *, resume: bool = False, overwrite: bool = False
) -> RunFolder:
    """Make a run folder, or reopen one with the same configuration.

    An existing folder is refused unless `resume` (its config.yaml must agree with `config`, apart from
    options that only say where and how to run, see options.py) or `overwrite` (only a folder that holds a
    config.yaml is ever deleted).
    Raises InputError.
    """
    path = project_path(path)
    if resume and overwrite:
        raise InputError("--resume and --overwrite exclude each other; give one")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; --output must name a folder")
    if path.exists() and any(path.iterdir()):
        if not (path / CONFIG).exists():
            raise InputError(f"{path}: exists and is no run folder (no {CONFIG}); choose another --output")
        if overwrite:
            shutil.rmtree(path)
        elif resume:
            _refuse_other_config(path, config)
        else:
            raise InputError(f"{path}: exists; continue it with --resume, replace it with --overwrite")
    write_yaml(path / CONFIG, asdict(config))
    return RunFolder(path)


def _refuse_other_config(path: Path, config: "DataclassInstance") -> None:
    """Raise InputError naming the first option in which the folder's config differs from `config`."""
    before, now = (
        _flatten(identity_of(config, values)) for values in (read_yaml(path / CONFIG), asdict(config))
    )
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path}: was made with {key}={before.get(key)!r}, not {now.get(key)!r}; "
                "resume with the same config or choose another --output"
            )


def _flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat
