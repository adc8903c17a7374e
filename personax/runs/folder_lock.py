"""One process at a time in a folder, and no traces of those that were killed in it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from personax.runs.errors import InputError
from personax.runs.files import is_partial, make_folder, missing_folders, remove_empty, remove_path

LOCK = ".lock"


@contextmanager
def locked_folder(path: Path) -> Iterator[None]:
    """Keep every other process out of the folder while the block runs; it is made if it does not exist.

    The operating system holds the lock (Unix: flock), so it ends with the process, also if that is killed.
    What killed processes have left half-written in the folder is removed first. If the folder is empty after
    the block, it is removed, together with the parents that were made for it.

    Raises InputError if another process is in the folder, or if it cannot be made or written.
    """
    made = missing_folders(path)
    make_folder(path)
    lock = _acquired(path)
    try:
        _sweep(path)
        yield
    finally:
        with suppress(OSError):
            (path / LOCK).unlink(missing_ok=True)
        lock.release()
        remove_empty(made)


def contents(path: Path) -> list[Path]:
    """What is in a folder, without the lock and without half-written files; [] if there is no folder."""
    if not path.is_dir():
        return []
    return [entry for entry in path.iterdir() if entry.name != LOCK and not is_partial(entry)]


def has_traces(path: Path) -> bool:
    """Whether a killed process has left its lock or a half-written file in the folder."""
    return len(contents(path)) < len(list(path.iterdir()))


def _sweep(path: Path) -> None:
    """Remove half-written files in a folder, and in those of its folders in which no other process is."""
    inner = [entry for entry in path.iterdir() if entry.is_dir() and not is_partial(entry)]
    for folder in (path, *inner):
        if folder == path or not (folder / LOCK).exists():
            with suppress(OSError):  # one that cannot be read, or has just been removed, is left alone
                for entry in filter(is_partial, folder.iterdir()):
                    remove_path(entry)


def _acquired(path: Path) -> FileLock:
    """The lock of the folder, held by this process. Raises InputError."""
    busy = f"{path}: another process is working in it; wait until that has ended, or choose another folder"
    lock = FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(busy) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
    if not (path / LOCK).exists():  # its holder has removed it between our opening and our locking it
        lock.release()
        raise InputError(busy)
    return lock
