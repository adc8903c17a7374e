"""The two tables on the Hugging Face hub, at a commit, from the network or from an earlier download.

A commit is resolved first and every file is fetched at it, so that the manifest can name exactly what was
used. What was fetched is noted in `<data_dir>/<dataset>.json`; when the hub cannot be reached, the note says
which commit to take from the cache, and the report says so.
"""

import json
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from huggingface_hub.errors import HTTPError as TransportError

from personax.runs.errors import InputError
from personax.runs.files import write_json
from personax.tables.schema import DatasetName

REPOSITORIES: dict[str, str] = {"athlete": "Persona-X/athlepersona", "celeb": "Persona-X/celebpersona"}
# Best first: typed columns and fixed-size lists before texts.
PREFERRED = (".parquet", ".arrow", ".jsonl", ".csv", ".tsv")
TIMEOUT = 10.0  # seconds until an answer begins

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """Local files of one table: `paths` in order of their names, and the commit they are from."""

    paths: list[Path]
    revision: str
    source: str
    warnings: tuple[str, ...] = ()


class _Unreachable(Exception):
    """No answer that could be used; what a cached copy can stand in for."""


def fetch(dataset: DatasetName, revision: str | None, data_dir: Path) -> Fetched:
    """The files of a table at `revision` (commit, branch or tag; None for the newest), downloaded if needed.

    `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` are honoured. Raises InputError: login or accepted terms
    needed, no such repository or revision, no table in it, a download that stays incomplete, or a hub that
    cannot be reached and no earlier download.
    """
    repository = REPOSITORIES[dataset]
    note = data_dir / f"{dataset}.json"
    try:
        commit, names = _look_up(repository, revision)
        files = choose_files(repository, names)
        paths = [_download(repository, name, commit, data_dir) for name in files]
    except _Unreachable as reason:
        return _from_cache(repository, revision, data_dir, note, str(reason))
    write_json(note, {"repository": repository, "asked": revision, "revision": commit, "files": files})
    return Fetched(paths, commit, f"{repository} at {commit[:12]}")


def choose_files(repository: str, names: Sequence[str]) -> list[str]:
    """The files that make up the table: the best format there is, all its shards.

    Raises InputError if there is none, or if several files are no shards of one another.
    """
    for suffix in PREFERRED:
        chosen = sorted(name for name in names if name.lower().endswith(suffix))
        if not chosen:
            continue
        # train-00000-of-00003.parquet, train-00001-of-00003.parquet, ... are one table.
        stems = {re.sub(r"-\d+-of-\d+$", "", name[: -len(suffix)]) for name in chosen}
        if len(stems) > 1:
            raise InputError(
                f"{repository}: several tables ({', '.join(chosen[:4])}); download the one you want and "
                "give it with --table"
            )
        return chosen
    listing = ", ".join(names[:5]) or "no files"
    raise InputError(f"{repository}: no {', '.join(PREFERRED)} file on the hub (it has {listing})")


def _endpoint() -> str | None:
    # Read at each call: the library reads it once, when it is imported.
    return os.environ.get("HF_ENDPOINT")


def _look_up(repository: str, revision: str | None) -> tuple[str, list[str]]:
    """Commit and file names of a repository."""
    try:
        info = HfApi(endpoint=_endpoint()).dataset_info(repository, revision=revision, timeout=TIMEOUT)
    except HfHubHTTPError as error:
        raise _explained(error, repository, revision) from error
    except (TransportError, OSError) as error:
        raise _Unreachable(_one_line(error)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _Unreachable("the answer is not that of a hub") from error
    if info.sha is None:
        raise _Unreachable("the answer names no commit")
    return info.sha, [sibling.rfilename for sibling in info.siblings or []]


def _download(repository: str, name: str, commit: str, data_dir: Path) -> Path:
    try:
        return Path(
            hf_hub_download(
                repository,
                name,
                repo_type="dataset",
                revision=commit,
                cache_dir=data_dir,
                endpoint=_endpoint(),
                etag_timeout=TIMEOUT,
            )
        )
    except LocalEntryNotFoundError as error:
        raise _Unreachable(_one_line(error.__cause__ or error)) from error
    except HfHubHTTPError as error:
        raise _explained(error, repository, commit) from error
    except PermissionError as error:
        raise InputError(
            f"{data_dir}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    except (TransportError, OSError) as error:
        raise _Unreachable(f"the download of {name} stayed incomplete: {_one_line(error)}") from error


def _explained(error: HfHubHTTPError, repository: str, revision: str | None) -> Exception:
    """What a status of the hub means for the person at the keyboard."""
    status = error.response.status_code if error.response is not None else 0
    code = error.response.headers.get("X-Error-Code", "") if error.response is not None else ""
    if code == "GatedRepo" or status == 403:
        return InputError(
            f"{repository}: access must be granted (HTTP {status}); accept the terms on the dataset's page, "
            "log in with `hf auth login`, and try again"
        )
    if code == "RevisionNotFound":
        return InputError(f"{repository}: has no revision {revision!r}; leave --revision out for the newest")
    if code == "RepoNotFound" or status in (401, 404):
        return InputError(
            f"{repository}: not found, or not for you (HTTP {status}); if it exists, log in with "
            "`hf auth login` and accept its terms, or give a copy with --table"
        )
    return _Unreachable(f"HTTP {status}")


def _one_line(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def _from_cache(repository: str, revision: str | None, data_dir: Path, note: Path, reason: str) -> Fetched:
    """The earlier download that `note` speaks of, if it is whole and answers what is asked."""
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
        commit, asked, files = facts["revision"], facts["asked"], facts["files"]
    except (OSError, ValueError, KeyError, TypeError):
        commit, asked, files = None, None, []
    if commit is None or revision not in (asked, commit):
        raise InputError(
            f"{repository}: the hub could not be reached ({reason}), and {data_dir} holds no earlier "
            "download; try again, or give a file with --table, or use --source simulated"
        )
    try:
        paths = [
            Path(
                hf_hub_download(
                    repository,
                    name,
                    repo_type="dataset",
                    revision=commit,
                    cache_dir=data_dir,
                    local_files_only=True,
                )
            )
            for name in files
        ]
    except (LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"{repository}: the hub could not be reached ({reason}), and the earlier download in {data_dir} "
            "is incomplete; try again, or give a file with --table"
        ) from error
    warning = f"the hub could not be reached ({reason}); using the copy of commit {commit[:12]} in {data_dir}"
    logger.warning("%s: %s", repository, warning)
    return Fetched(paths, commit, f"{repository} at {commit[:12]} (cached)", (warning,))
