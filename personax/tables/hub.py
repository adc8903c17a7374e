"""The two tables on the Hugging Face hub, from the network or from an earlier download.

First the newest commit is requested from the hub. Then every file is downloaded at this commit, so that the
manifest of a run can name exactly what was used. A note about each download is written to
`<data_dir>/<dataset>.json`. If the hub cannot be reached, the files of the commit in this note are read from
the cache, and the report has a warning.
"""

import json
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download

# HTTPError is that of requests or of httpx, whichever the installed version of the library uses.
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

from personax.runs.errors import InputError
from personax.runs.files import write_json
from personax.tables.schema import DatasetName

REPOSITORIES: dict[str, str] = {"athlete": "Persona-X/athlepersona", "celeb": "Persona-X/celebpersona"}
# Best first: typed columns and fixed-size lists before texts.
PREFERRED = (".parquet", ".arrow", ".jsonl", ".csv", ".tsv")
TIMEOUT = 10.0  # seconds until an answer begins

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """Downloaded files of one table.

    Attributes:
        paths: the files in the order of their names.
        revision: the commit of the files.
        source: the repository and the commit, for the manifest.
        warnings: sentences for the report.
    """

    paths: list[Path]
    revision: str
    source: str
    warnings: tuple[str, ...] = ()


class _Unreachable(Exception):
    """The hub gave no usable answer. A cached copy may be used instead."""


def fetch(dataset: DatasetName, revision: str | None, data_dir: Path) -> Fetched:
    """The files of a table at `revision` (commit, branch or tag; None for the newest), downloaded if needed.

    The variables `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` of the environment work as usual.

    Raises:
        InputError: a login or accepted terms are needed; there is no such repository or revision, or no table
            in it; or the hub cannot be reached (or a download stays incomplete) and there is no earlier
            download.
    """
    repository = REPOSITORIES[dataset]
    note = data_dir / f"{dataset}.json"
    try:
        commit, names = _look_up(repository, revision)
        files = choose_files(repository, names)
        paths = [_download_file(repository, name, commit, data_dir) for name in files]
    except _Unreachable as reason:
        return _from_cache(repository, revision, data_dir, note, str(reason))
    write_json(note, {"repository": repository, "asked": revision, "revision": commit, "files": files})
    return Fetched(paths, commit, f"{repository} at {commit[:12]}")


def choose_files(repository: str, names: Sequence[str]) -> list[str]:
    """The files that make up the table: all parts in the best format that there is.

    Raises:
        InputError: there is no table, or there are several files that are not parts of one table.
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
    # The library reads this variable only once, when it is imported.
    return os.environ.get("HF_ENDPOINT")


def _look_up(repository: str, revision: str | None) -> tuple[str, list[str]]:
    """Commit and file names of a repository."""
    try:
        info = HfApi(endpoint=_endpoint()).dataset_info(repository, revision=revision, timeout=TIMEOUT)
    except HfHubHTTPError as error:
        raise _hub_error(error, repository, revision) from error
    except (HTTPError, OSError) as error:
        raise _Unreachable(_one_line(error)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _Unreachable("the answer does not come from a hub") from error
    if info.sha is None:
        raise _Unreachable("the answer names no commit")
    return info.sha, [sibling.rfilename for sibling in info.siblings or []]


def _download_file(repository: str, name: str, commit: str, data_dir: Path) -> Path:
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
        raise _hub_error(error, repository, commit) from error
    except PermissionError as error:
        raise InputError(
            f"{data_dir}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    except (HTTPError, OSError) as error:
        raise _Unreachable(f"the download of {name} stayed incomplete: {_one_line(error)}") from error


def _hub_error(error: HfHubHTTPError, repository: str, revision: str | None) -> Exception:
    """The exception whose message explains the hub's answer to the user."""
    response: Any = error.response  # None is possible in older versions of the library
    status = 0 if response is None else response.status_code
    code = "" if response is None else response.headers.get("X-Error-Code", "")
    if code == "GatedRepo" or status == 403:
        return InputError(
            f"{repository}: access must be granted (HTTP {status}); accept the terms on the dataset's page, "
            "log in with `hf auth login`, and try again"
        )
    if code == "RevisionNotFound":
        return InputError(f"{repository}: has no revision {revision!r}; leave --revision out for the newest")
    if code == "RepoNotFound" or status in (401, 404):
        return InputError(
            f"{repository}: not found, or not open to you (HTTP {status}); if it exists, log in with "
            "`hf auth login` and accept its terms, or give a copy with --table"
        )
    return _Unreachable(f"HTTP {status}")


def _one_line(error: BaseException) -> str:
    text = re.sub(r"\s+", " ", str(error)).strip()
    return f"{type(error).__name__}: {text[:160]}" if text else type(error).__name__


def _from_cache(repository: str, revision: str | None, data_dir: Path, note: Path, reason: str) -> Fetched:
    """The earlier download that `note` names, if it is complete and of the requested revision."""
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
    log.warning("%s: %s", repository, warning)
    return Fetched(paths, commit, f"{repository} at {commit[:12]} (cached)", (warning,))
