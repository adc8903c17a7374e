"""Source images: MNIST digits and Fashion-MNIST garments, or scikit-learn's digits in their place."""

import gzip
import hashlib
import io
import logging
import math
import sys
import tempfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Literal, NamedTuple

import numpy as np
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from personax.runs.errors import InputError
from personax.runs.files import atomic_path, sha256_arrays
from personax.variant_mnist._torchvision import torchvision_module

Source = Literal["auto", "mnist", "digits"]

SIDE = 28  # pixels a side of every source image
INK = 20  # side of the box in the middle that MNIST's digits, and the stand-in's, keep to
REAL_NAME = "MNIST and Fashion-MNIST"
STAND_IN_NAME = "sklearn-digits (stand-in)"

_PROBE_SECONDS = 5.0  # how long a machine without network waits before it goes on

_logger = logging.getLogger(__name__)

# MD5 of the unpacked files. torchvision lists those of the .gz files only; these were taken from files whose
# .gz matches its list.
_UNPACKED_MD5 = {
    "MNIST": {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}


@dataclass(frozen=True)
class ImageSource:
    """Grey pictures of two kinds of object, white on black.

    Attributes:
        digits: (N, 28, 28) uint8.
        garments: (M, 28, 28) uint8.
        digit_labels: (N,) int64, 0 to 9.
        garment_labels: (M,) int64, 0 to 9.
        name: where the images came from, for the manifest.
        sha256: of the four arrays, for the manifest.
    """

    digits: np.ndarray
    garments: np.ndarray
    digit_labels: np.ndarray
    garment_labels: np.ndarray
    name: str
    sha256: str


class IdxFile(NamedTuple):
    """One file of a collection: its unpacked name and the MD5 sums of both of its forms."""

    name: str
    packed_md5: str
    unpacked_md5: str


@dataclass(frozen=True)
class Collection:
    """MNIST or Fashion-MNIST: its folder below the data folder, its files and where to download them.

    `files` alternates images and labels: training images, training labels, test images, test labels.
    """

    folder: str
    files: Sequence[IdxFile]
    mirrors: Sequence[str]


class _NotAvailable(InputError):
    """Files that are neither there nor can be had; source "auto" goes on with the stand-in."""


def load_images(source: Source, data_dir: Path | str) -> ImageSource:
    """Digits and garments to draw scenes with.

    Args:
        source: "mnist" for MNIST and Fashion-MNIST (70,000 images each: training and test images together,
            because the scenes drawn from them are split afresh), "digits" for scikit-learn's bundled
            handwritten digits in both modalities, "auto" for the first where it can be had, else the second.
        data_dir: a folder in torchvision's layout (`MNIST/raw/train-images-idx3-ubyte.gz` and so on), each
            file packed or unpacked. It is only written to when files are missing and can be downloaded.

    Raises:
        InputError: a file does not have its known MD5 sum (whatever the source but "digits"), or, with
            source "mnist", files are missing and cannot be downloaded.
    """
    if source == "digits":
        return stand_in_images()
    try:
        (digits, digit_labels), (garments, garment_labels) = (
            read_collection(Path(data_dir), collection) for collection in torchvision_collections()
        )
    except _NotAvailable as error:
        if source == "mnist":
            raise InputError(f"{error}; put the files there, or give --source digits") from error
        _logger.warning("%s; scikit-learn's handwritten digits stand in for digits and garments", error)
        return stand_in_images()
    return _image_source(digits, garments, digit_labels, garment_labels, REAL_NAME)


def _image_source(
    digits: np.ndarray, garments: np.ndarray, digit_labels: np.ndarray, garment_labels: np.ndarray, name: str
) -> ImageSource:
    arrays = (digits, garments, digit_labels, garment_labels)
    return ImageSource(*arrays, name=name, sha256=sha256_arrays(*arrays))


def stand_in_images() -> ImageSource:
    """scikit-learn's 1797 digits (8 x 8, 17 grey levels): the first half as digits, the second as garments.

    Enlarged by cubic splines to MNIST's format, 20 x 20 in the middle of 28 x 28.
    """
    bundled = load_digits()
    enlarged = zoom(bundled.images, (1, INK / 8, INK / 8), order=3, mode="grid-constant", grid_mode=True)
    margin = (SIDE - INK) // 2
    framed = np.pad(enlarged, ((0, 0), (margin, margin), (margin, margin)))
    pixels = np.rint(framed.clip(0, 16) * (255 / 16)).astype(np.uint8)
    labels = bundled.target.astype(np.int64)
    half = len(pixels) // 2
    return _image_source(pixels[:half], pixels[half:], labels[:half], labels[half:], STAND_IN_NAME)


def torchvision_collections() -> tuple[Collection, Collection]:
    """MNIST and Fashion-MNIST with the file names, checksums and mirrors that torchvision knows."""
    mnist = torchvision_module("datasets.mnist")
    digits, garments = (
        Collection(
            folder=kind.__name__,
            files=[
                IdxFile(name.removesuffix(".gz"), md5, _UNPACKED_MD5[kind.__name__][name.removesuffix(".gz")])
                for name, md5 in kind.resources
            ],
            mirrors=kind.mirrors,
        )
        for kind in (mnist.MNIST, mnist.FashionMNIST)
    )
    return digits, garments


def read_collection(data_dir: Path, collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28) uint8 and labels (n,) int64 of a collection; missing files are downloaded first.

    Files are unpacked in memory, so that `data_dir` may be read-only. Raises InputError as `load_images`.
    """
    raw = data_dir / collection.folder / "raw"
    missing = [file for file in collection.files if _find(raw, file) is None]
    if missing:
        _download(raw, missing, collection.mirrors)
    arrays = [_read(raw, file) for file in collection.files]
    return np.concatenate(arrays[::2]), np.concatenate(arrays[1::2]).astype(np.int64)


def _find(raw: Path, file: IdxFile) -> tuple[Path, str] | None:
    """The path of a file, packed or unpacked, and the MD5 sum it should have; None if neither is there."""
    for path, md5 in ((raw / f"{file.name}.gz", file.packed_md5), (raw / file.name, file.unpacked_md5)):
        try:
            if path.is_file():
                return path, md5
        except OSError as error:  # a folder that may not be entered
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return None


def _read(raw: Path, file: IdxFile) -> np.ndarray:
    """The array in an idx file of bytes, once its checksum agrees."""
    found = _find(raw, file)
    if found is None:
        raise InputError(f"{raw / file.name}: has disappeared while it was being read; try again")
    path, expected = found
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if md5 != expected:
        raise InputError(
            f"{path}: corrupt or truncated ({len(content)} bytes, MD5 {md5}, expected {expected}); "
            "delete it and run again to download it"
        )
    try:
        return _parse_idx(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: no idx file of bytes ({error})") from error


def _parse_idx(content: bytes) -> np.ndarray:
    """Parse an idx file of unsigned bytes: 0, 0, 8, number of axes, each length as big-endian int32, data.

    Raises ValueError for another magic number or a length that disagrees with the header.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or not 1 <= content[3] <= 3:
        raise ValueError(f"magic number {content[:4].hex(' ')}, expected 00 00 08 01 to 00 00 08 03")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise ValueError(f"{len(content)} bytes, expected {start + math.prod(shape)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _download(raw: Path, files: Sequence[IdxFile], mirrors: Sequence[str]) -> None:
    """Download the .gz form of `files` into `raw`, each whole or not at all. Raises _NotAvailable."""
    first_missing = raw / f"{files[0].name}.gz"
    reached = _reachable(mirrors, _PROBE_SECONDS)
    if not reached:
        raise _NotAvailable(f"{first_missing}: not there, and no server to download it from can be reached")
    _logger.info("downloading %s to %s", ", ".join(f"{file.name}.gz" for file in files), raw)
    download_url = torchvision_module("datasets.utils").download_url
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        if not sys.stderr.isatty():
            stack.enter_context(redirect_stderr(io.StringIO()))  # torchvision's progress bar
        for file in files:
            name = f"{file.name}.gz"
            failures: list[str] = []
            for mirror in reached:
                try:
                    download_url(mirror + name, scratch, name, file.packed_md5)
                    with atomic_path(raw / name) as path:
                        path.write_bytes((Path(scratch) / name).read_bytes())
                    break
                except (OSError, RuntimeError, InputError) as error:
                    failures.append(str(error))
            else:
                raise _NotAvailable(f"{raw / name}: not there and not downloaded ({failures[-1]})")


def _reachable(mirrors: Sequence[str], seconds: float) -> list[str]:
    """Those of `mirrors` that answer at all within `seconds`, asked side by side.

    Asked in daemon threads, because neither looking up a name nor trying each of a server's addresses obeys
    urllib's time limit.
    """
    answered: set[str] = set()

    def ask(mirror: str) -> None:
        try:
            urllib.request.urlopen(mirror, timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # a bucket need not show its listing
        except (OSError, ValueError):
            return
        answered.add(mirror)

    threads = [Thread(target=ask, args=(mirror,), daemon=True) for mirror in mirrors]
    deadline = monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    return [mirror for mirror in mirrors if mirror in answered]
