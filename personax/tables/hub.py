"""The two tables on the Hugging Face hub, from the network or from an earlier download.

First the newest commit is requested from the hub. Then every file is downloaded at this commit, so that the
manifest of a run can name exactly what was used. A note about each download is written to
`<data_dir>/<dataset>.json`. If the hub cannot be reached, the files of the commit in this note are read from
the cache, and the report has a warning.
"""

import logging
import os
import re
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import HfApi, hf_hub_download

# HTTPError is that of httpx or of httpx2, whichever the installed version of the library uses.
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError  # type: ignore[attr-defined]

from personax.runs.errors import InputError
from personax.runs.files import read_json, sha256_file, write_json
from personax.tables.schema import DatasetName

REPOSITORIES: dict[str, str] = {"athlete": "Persona-X/athlepersona", "celeb": "Persona-X/celebpersona"}
# Best first: typed columns and fixed-size lists before texts.
PREFERRED = (".parquet", ".arrow", ".jsonl", ".csv", ".tsv")
TIMEOUT = 10.0  # seconds until an answer begins
PATIENCE = 60.0  # seconds for a whole answer, or for the next part of a file:
PART = 2**16  # bytes. A slower server is left alone, so that no command waits for ever

Response = TypeVar("Response")

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


class HubFile(NamedTuple):
    """What the hub says about a file: SHA-256 and size in bytes; None for what it does not tell."""

    sha256: Any = None
    size: Any = None


class Listing(NamedTuple):
    """What the hub says about a repository: a commit and its files."""

    commit: str
    files: Mapping[str, HubFile]


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
        listing = checked_listing(*_in_time(partial(_look_up, repository, revision)))
        commit = listing.commit
        files = choose_files(repository, list(listing.files))
        require_space(repository, data_dir, [listing.files[name].size or 0 for name in files])
        paths = [_download_file(repository, name, commit, data_dir) for name in files]
    except _Unreachable as reason:
        return _from_cache(repository, revision, data_dir, note, str(reason))
    for name, path in zip(files, paths, strict=True):
        _refuse_other_bytes(path, listing.files[name].sha256)
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


def _in_time(work: Callable[[], Response], received: Callable[[], int] = lambda: 0) -> Response:
    """What `work` returns. It runs in a thread, which is left alone if it takes too long.

    Args:
        work: a function without arguments; its exceptions are raised here.
        received: how many bytes have come so far. `PATIENCE` begins anew with every `PART` of them.

    Raises:
        _Unreachable: `PATIENCE` has run out.
    """
    outcome: Queue[tuple[Any, BaseException | None]] = Queue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:  # it is raised again in the thread that waits
            outcome.put((None, error))

    Thread(target=run, daemon=True).start()
    seen, last = received(), monotonic()
    while True:
        try:
            answer, error = outcome.get(timeout=min(0.2, PATIENCE))
        except Empty:
            if received() - seen >= PART:
                seen, last = received(), monotonic()
            elif monotonic() - last > PATIENCE:
                raise _Unreachable(f"less than {PART} bytes came within {PATIENCE:g} s") from None
            continue
        if error is not None:
            raise error
        found: Response = answer
        return found


def require_space(repository: str, data_dir: Path, sizes: Sequence[int]) -> None:
    """Raise InputError if files of these sizes (bytes) are larger than what is free at `data_dir`.

    What an earlier download has left there is counted as space, because it need not come again.
    """
    there = next(folder for folder in (data_dir, *data_dir.parents) if folder.exists())
    free, needed = shutil.disk_usage(there).free, sum(sizes)
    if needed > free + _bytes_in(data_dir):
        raise InputError(
            f"{repository}: the download has {needed / 1e9:,.1f} GB, but only {free / 1e9:,.1f} GB are free "
            f"in {data_dir}; make room there, or give a copy with --table"
        )


def checked_listing(commit: Any, files: Mapping[Any, HubFile]) -> Listing:
    """The hub's answer, if it names a commit and files that can be kept in a folder.

    The answer may come from anybody, such as the network of a hotel. So a file may not lie outside of the
    folder of the download.
    """
    if not isinstance(commit, str) or not re.fullmatch("[0-9a-f]{7,64}", commit):
        raise _Unreachable("the answer names no commit")
    for name, (checksum, size) in files.items():
        parts = PurePosixPath(name).parts if isinstance(name, str) else ()
        if not parts or ".." in parts or name.startswith("/") or "\\" in name or not name.isprintable():
            raise _Unreachable(f"the answer names a file {str(name)[:60]!r}, which no folder can hold")
        if checksum is not None and not re.fullmatch("[0-9a-f]{64}", str(checksum)):
            raise _Unreachable(f"the answer has no SHA-256 of {name[:60]!r}")
        if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
            raise _Unreachable(f"the answer has no size of {name[:60]!r}")
    return Listing(commit, files)


def _refuse_other_bytes(path: Path, expected: str | None) -> None:
    """Remove a downloaded file whose SHA-256 is not the hub's, and raise InputError."""
    if expected is None or sha256_file(path) == expected:
        return
    path.resolve().unlink(missing_ok=True)  # the cache has a link to the file itself
    path.unlink(missing_ok=True)
    raise InputError(
        f"{path.name}: the SHA-256 of the download is not the hub's ({expected[:12]}); try again"
    )


def _look_up(repository: str, revision: str | None) -> tuple[Any, dict[Any, HubFile]]:
    """Commit and files of a repository, with their checksums and sizes, as the hub says."""
    try:
        info = HfApi(endpoint=_endpoint()).dataset_info(
            repository, revision=revision, timeout=TIMEOUT, files_metadata=True
        )
        return info.sha, {
            each.rfilename: HubFile(each.lfs and each.lfs.sha256, each.size) for each in info.siblings or []
        }
    except HfHubHTTPError as error:
        raise _hub_error(error, repository, revision) from error
    except (HTTPError, OSError) as error:
        raise _Unreachable(_one_line(error)) from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _Unreachable("the answer does not come from a hub") from error


def _download_file(repository: str, name: str, commit: str, data_dir: Path) -> Path:
    try:
        download = partial(
            hf_hub_download,
            repository,
            name,
            repo_type="dataset",
            revision=commit,
            cache_dir=data_dir,
            endpoint=_endpoint(),
            etag_timeout=TIMEOUT,
        )
        with warnings.catch_warnings():  # the library would only warn, and go on
            warnings.filterwarnings("error", "Not enough free disk space")
            return Path(_in_time(download, partial(_bytes_in, data_dir)))
    except UserWarning as error:  # the list of files had no size, or another one
        raise InputError(
            f"{repository}: {name} is larger than what is free in {data_dir}; make room there, or give a "
            "copy with --table"
        ) from error
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
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _Unreachable(f"the answer about {name} does not come from a hub") from error


def _bytes_in(folder: Path) -> int:
    """How many bytes the files in a folder have together; a file that disappears has none."""
    sizes = []
    for path in folder.rglob("*"):
        try:
            sizes.append(path.lstat().st_size)
        except OSError:
            continue
    return sum(sizes)


def _hub_error(error: HfHubHTTPError, repository: str, revision: str | None) -> Exception:
    """The exception whose message explains the hub's answer to the user."""
    response: Any = error.response
    status, code = response.status_code, response.headers.get("X-Error-Code", "")
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
        facts = read_json(note)
        asked, (commit, names) = (
            facts["asked"],
            checked_listing(facts["revision"], dict.fromkeys(facts["files"], HubFile())),
        )
        files = list(names)
    except (InputError, LookupError, TypeError, _Unreachable):
        commit, asked, files = "", None, []
    if not commit or revision not in (asked, commit):
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
