"""A run folder: the options of a run, its environment and its results, so that the run can be repeated.

results/<experiment>/<name>/seed-<k>/
    config.yaml      all options with their values: enough to repeat the run
    manifest.json    commit, versions, device, threads, source and checksum of the data, times, state
    run.log          the messages of the command
    ...              the results of the experiment
    .lock            while a process works in the folder

Names of files that more than one module needs are defined only here.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from personax.runs.environment import environment
from personax.runs.errors import InputError, PersonaxError, advising
from personax.runs.files import read_json, read_yaml, remove_path, write_json, write_yaml
from personax.runs.folder_lock import contents, locked_folder
from personax.runs.options import identity_of

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CONFIG = "config.yaml"
MANIFEST = "manifest.json"
LOG = "run.log"
HISTORY = "metrics.jsonl"  # one line per epoch or generation of training
RESPONSES = "responses.jsonl"  # one line per answer of a language model
METRICS = "metrics.json"  # written last, so a run that has this file is complete
MODEL = "model.yaml"
WEIGHTS = "weights.pt"
CHECKPOINT = "checkpoint.pt"  # state of a training that has not ended yet
LATENTS = "latents.parquet"
GRAPH = "graph.json"
TRUE_GRAPH = "truth_graph.json"
FIGURES = "figures"
TOGETHER = "together.json"  # the folders whose models are trained in one pass, until all of them are saved
PARTIAL_SUMS = "partial_sums"  # of a table that is counted part by part, until all of it is
LEARNED = (
    HISTORY,
    RESPONSES,
    PARTIAL_SUMS,
)  # a run that has got as far as one of these is kept, even if it fails
START_AGAIN = "start again with --overwrite"
# What --overwrite replaces, until the new run has ended. By its name, it is swept away if that is killed.
_ASIDE = ".replaced.partial-00000000"

CHECKOUT = Path(__file__).resolve().parents[2]  # the root of a clone; another folder in an installation
IN_A_CLONE = (CHECKOUT / "pyproject.toml").exists()
ROOT = CHECKOUT if IN_A_CLONE else Path.cwd()  # results, data and configurations are looked up below it


def project_path(path: Path | str) -> Path:
    """A default of this project: below the root of a clone, or below the current folder without a clone."""
    return ROOT / path


def shipped_config(name: str) -> Path:
    """The path of a file in configs/, which is inside the package if PersonaX is installed."""
    return (CHECKOUT if IN_A_CLONE else Path(__file__).parents[1]) / "configs" / name


def typed_path(path: Path | str) -> Path:
    """A path that the user has typed, made absolute: it is relative to where the user stands; ~ is home."""
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError as error:
        raise InputError(f"{path}: there is no such user; give a path without ~") from error


def path_or_default(option: Path | str | None, default: Path | str) -> Path:
    """The path that the user has typed, or, if that is None, a default of this project."""
    return project_path(default) if option is None else typed_path(option)


@dataclass(frozen=True)
class RunFolder:
    """A folder that `open_run` has prepared. `folder / name` is the path of the file `name` in it.

    Attributes:
        path: the folder.
        manifest: what manifest.json will hold at the end; the run may add entries.
    """

    path: Path
    manifest: dict[str, Any]

    def __truediv__(self, name: str) -> Path:
        return self.path / name


@contextmanager
def open_run(
    path: Path | str,
    config: "DataclassInstance",
    *,
    resume: bool = False,
    overwrite: bool = False,
    **facts: Any,
) -> Iterator[RunFolder]:
    """Make a run folder, or open an existing one again; write manifest.json and run.log while the block runs.

    No other process can open the folder meanwhile. At the end, `state` in the manifest is "finished", or
    "interrupted" or "failed" with the reason. If the block refuses its input before anything was learned or
    answered, the folder is as it was before: it does not exist, or has what `overwrite` would have replaced.

    Args:
        path: the folder.
        config: the options of the run, which go to config.yaml.
        resume: allow an existing folder with the same options. Options that only say where or how to run,
            and those that may change, may differ, see options.py.
        overwrite: delete what is in an existing folder, but only if it contains a config.yaml.
        facts: entries of the manifest. `data_sha256` is the checksum of the data.

    Raises:
        InputError: the folder exists and neither `resume` nor `overwrite` allows it; it is no run folder;
            another process is working in it; or a run is resumed, but its data are not those of before.
    """
    path = Path(path)
    if resume and overwrite:
        raise InputError("--resume and --overwrite contradict each other; give one of them")
    _refuse_occupied(path, config, resume=resume, overwrite=overwrite)  # before a lock is written into it
    with locked_folder(path):
        _refuse_occupied(path, config, resume=resume, overwrite=overwrite)  # it may just have been made
        refuse_changed_data(path, facts.get("data_sha256"), resume=resume)
        with _undone_on_refusal(path, set_aside=overwrite):
            write_yaml(path / CONFIG, asdict(config))
            with _recorded(path, facts) as folder:
                yield folder


def _refuse_occupied(path: Path, config: "DataclassInstance", *, resume: bool, overwrite: bool) -> None:
    """Raise InputError if something is at the path that may be neither continued nor replaced."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: is a file; --output must name a folder")
    if not contents(path):
        return
    if not (path / CONFIG).exists():
        raise InputError(f"{path}: exists and is not a run folder (no {CONFIG}); choose another --output")
    if resume:
        refuse_other_config(path, config)
    elif not overwrite:
        ways = ["continue it with --resume"] if hasattr(config, "resume") else []
        raise InputError(f"{path}: exists; {', '.join([*ways, 'replace it with --overwrite'])}")


def refuse_changed_data(path: Path, checksum: str | None, *, resume: bool) -> None:
    """Raise InputError if a run is resumed, or read, whose data had another checksum."""
    before = _read_manifest(path).get("data_sha256") if resume else None
    if before is not None and checksum != before:
        raise InputError(
            f"{path}: was made with other data (SHA-256 {str(before)[:12]}, now {str(checksum)[:12]}); "
            "use the same data, or choose another --output"
        )


def _read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run folder; {} if it has none."""
    if not (path / MANIFEST).exists():
        return {}
    with advising(START_AGAIN):
        manifest = read_json(path / MANIFEST)
    if not isinstance(manifest, dict) or "state" not in manifest:
        raise InputError(f"{path / MANIFEST}: is not the manifest of a run, it has no state; {START_AGAIN}")
    return manifest


@contextmanager
def _undone_on_refusal(path: Path, *, set_aside: bool) -> Iterator[None]:
    """If the block refuses its input, leave the folder as it was before, unless something was learned.

    set_aside: the folder's contents are to be replaced, so they are put aside until the block has ended.
    """
    aside = path / _ASIDE
    before = contents(path)
    if set_aside:
        aside.mkdir()
        for entry in sorted(before, key=lambda entry: entry.name == CONFIG):  # until then it is a run folder
            entry.rename(aside / entry.name)
    try:
        yield
    except PersonaxError:
        if (set_aside or not before) and not any((path / name).exists() for name in LEARNED):
            for entry in contents(path):
                remove_path(entry)
            for entry in aside.iterdir() if set_aside else ():
                entry.rename(path / entry.name)
        raise
    finally:
        remove_path(aside)


@contextmanager
def _recorded(path: Path, facts: Mapping[str, Any]) -> Iterator[RunFolder]:
    """Write manifest.json and run.log while the block runs."""
    started, clock = datetime.now(UTC), monotonic()
    manifest: dict[str, Any] = {
        "state": "running",
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": started.isoformat(timespec="seconds"),
        **environment(),
        **facts,
    }
    write_json(path / MANIFEST, manifest)
    handler = logging.FileHandler(path / LOG, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield RunFolder(path, manifest)
        manifest["state"] = "finished"
    except BaseException as error:
        manifest["state"] = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        manifest["reason"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
        manifest["seconds"] = round(monotonic() - clock, 2)
        write_json(path / MANIFEST, manifest)


def refuse_other_config(path: Path, config: "DataclassInstance", name: str = CONFIG) -> None:
    """Raise InputError if an option differs from those in a file of the folder; the message names the first.

    An option that is younger than the folder had its default when the folder was made.
    """
    with advising(START_AGAIN):
        written = read_yaml(path / name)
    if not isinstance(written, Mapping):
        raise InputError(f"{path / name}: holds no options; {START_AGAIN}")
    before, now = (
        _flatten(identity_of(config, values)) for values in (_completed(written, config), asdict(config))
    )
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            raise InputError(
                f"{path / name}: was made with {key}={before.get(key)!r}, not {now.get(key)!r}; "
                "resume with the same options or choose another --output"
            )


def _as_written(value: Any) -> Any:
    """A dataclass as a dictionary; anything else as it is."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _completed(written: Mapping[str, Any], config: "DataclassInstance") -> dict[str, Any]:
    """Written options, and the default of every option that is not among them."""
    complete = dict(written)
    for option in fields(config):
        value, known = getattr(config, option.name), written.get(option.name)
        if option.name not in written:
            if option.default is not MISSING:
                complete[option.name] = _as_written(option.default)
            elif option.default_factory is not MISSING:
                complete[option.name] = _as_written(option.default_factory())
        elif is_dataclass(value) and not isinstance(value, type) and isinstance(known, Mapping):
            complete[option.name] = _completed(known, value)
    return complete


def _flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            plain = str(value) if isinstance(value, Path) else value  # as config.yaml has it
            flat[prefix + key] = list(plain) if isinstance(plain, tuple) else plain
    return flat
