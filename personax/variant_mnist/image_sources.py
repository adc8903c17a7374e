"""Source images: MNIST digits and Fashion-MNIST garments, or the digits of scikit-learn instead of both."""

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
from functools import cache
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped, UInt8
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from personax.runs.errors import InputError
from personax.runs.files import atomic_path, sha256_arrays
from personax.variant_mnist.torchvision_import import torchvision_module

Source = Literal["auto", "mnist", "digits"]

SIDE = 28  # side of every source image in pixels
INK = 20  # the digits are in a box with this side in the middle of the image
REAL_NAME = "MNIST and Fashion-MNIST"
STAND_IN_NAME = "sklearn-digits (stand-in)"

_PROBE_SECONDS = 5.0  # how long a machine without a network waits for an answer

log = logging.getLogger(__name__)

# MD5 sums of the unpacked files. torchvision has only the sums of the .gz files. These sums were computed
# from files whose .gz has the MD5 sum in torchvision.
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
    """Grey pictures of digits and of garments, white on black.

    Attributes:
        digits: pictures of digits.
        garments: pictures of garments.
        digit_labels: classes of the digits, 0 to 9.
        garment_labels: classes of the garments, 0 to 9.
        name: where the images came from, for the manifest of a run.
        sha256: checksum of the four arrays, for the manifest.
    """

    digits: UInt8[np.ndarray, "digits 28 28"]
    garments: UInt8[np.ndarray, "garments 28 28"]
    digit_labels: Int64[np.ndarray, " digits"]
    garment_labels: Int64[np.ndarray, " garments"]
    name: str
    sha256: str


class IdxFile(NamedTuple):
    """A file of a collection: its unpacked name, and the MD5 sums of its packed and unpacked form."""

    name: str
    packed_md5: str
    unpacked_md5: str


@dataclass(frozen=True)
class Collection:
    """MNIST or Fashion-MNIST.

    Attributes:
        folder: its folder in the data folder.
        files: training images, training labels, test images, test labels.
        mirrors: addresses to download the files from.
    """

    folder: str
    files: Sequence[IdxFile]
    mirrors: Sequence[str]


class _NotAvailable(InputError):
    """Files are missing and cannot be downloaded. The source "auto" then uses the digits of scikit-learn."""


def load_images(source: Source, data_dir: Path | str) -> ImageSource:
    """Load the images of digits and garments from which scenes are made.

    Args:
        source: "mnist" for MNIST and Fashion-MNIST (70,000 images each: training and test images together,
            because the scenes are split separately); "digits" for scikit-learn's handwritten digits in both
            modalities; "auto" for "mnist" if the files are there or can be downloaded, else "digits".
        data_dir: a folder in torchvision's layout (`MNIST/raw/train-images-idx3-ubyte.gz` and so on), with
            packed or unpacked files. Missing files are downloaded into it; nothing else is written.

    Raises:
        InputError: a file does not have the known MD5 sum (for every source except "digits"), or files are
            missing and cannot be downloaded (for the source "mnist").
    """
    if source == "digits":
        return stand_in_images()
    try:
        (digits, digit_labels), (garments, garment_labels) = (
            read_collection(Path(data_dir), collection) for collection in torchvision_collections()
        )
    except _NotAvailable as error:
        if source == "mnist":
            raise InputError(f"{error}; put the files there, or use --source digits") from error
        log.warning("%s; the handwritten digits of scikit-learn are used instead", error)
        return stand_in_images()
    return _image_source(digits, garments, digit_labels, garment_labels, REAL_NAME)


def _image_source(
    digits: Shaped[np.ndarray, "n_digits side side"],
    garments: Shaped[np.ndarray, "n_garments side side"],
    digit_labels: Shaped[np.ndarray, " n_digits"],
    garment_labels: Shaped[np.ndarray, " n_garments"],
    name: str,
) -> ImageSource:
    arrays = (digits, garments, digit_labels, garment_labels)
    return ImageSource(*arrays, name=name, sha256=sha256_arrays(*arrays))


@cache  # many runs of one process have the same images
def stand_in_images() -> ImageSource:
    """The 1797 digits of scikit-learn: the first half as digits, the second half as garments.

    They have 8 x 8 pixels with 17 grey levels. Cubic splines enlarge them to the format of MNIST, 20 x 20
    pixels in the middle of 28 x 28. The arrays can be read only.
    """
    bundled = load_digits()
    enlarged = zoom(bundled.images, (1, INK / 8, INK / 8), order=3, mode="grid-constant", grid_mode=True)
    margin = (SIDE - INK) // 2
    framed = np.pad(enlarged, ((0, 0), (margin, margin), (margin, margin)))
    pixels = np.rint(framed.clip(0, 16) * (255 / 16)).astype(np.uint8)
    labels = bundled.target.astype(np.int64)
    for array in (pixels, labels):
        array.flags.writeable = False
    half = len(pixels) // 2
    return _image_source(pixels[:half], pixels[half:], labels[:half], labels[half:], STAND_IN_NAME)


def torchvision_collections() -> tuple[Collection, Collection]:
    """MNIST and Fashion-MNIST with the file names, checksums and mirrors of torchvision."""
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


def read_collection(
    data_dir: Path, collection: Collection
) -> tuple[UInt8[np.ndarray, "n 28 28"], Int64[np.ndarray, " n"]]:
    """Images and labels of a collection. Missing files are downloaded first.

    Files are unpacked in memory, so `data_dir` may be read-only. Raises InputError as `load_images` does.
    """
    raw = data_dir / collection.folder / "raw"
    missing = [file for file in collection.files if _find_idx(raw, file) is None]
    if missing:
        _download_missing(raw, missing, collection.mirrors)
    arrays = [_read_idx(raw, file) for file in collection.files]
    return np.concatenate(arrays[::2]), np.concatenate(arrays[1::2]).astype(np.int64)


def _find_idx(raw: Path, file: IdxFile) -> tuple[Path, str] | None:
    """The path of the packed or unpacked file and its expected MD5 sum; None if there is no such file."""
    for path, md5 in ((raw / f"{file.name}.gz", file.packed_md5), (raw / file.name, file.unpacked_md5)):
        try:
            if path.is_file():
                return path, md5
        except OSError as error:  # a folder that may not be entered
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    return None


def _read_idx(raw: Path, file: IdxFile) -> Shaped[np.ndarray, "..."]:
    """The array in an idx file of bytes. Raises InputError if the checksum is wrong."""
    found = _find_idx(raw, file)
    if found is None:
        raise InputError(f"{raw / file.name}: disappeared while it was being read; try again")
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
        raise InputError(f"{path}: not an idx file of bytes ({error})") from error


def _parse_idx(content: bytes) -> Shaped[np.ndarray, "..."]:
    """Parse an idx file of unsigned bytes: 0, 0, 8, number of axes, their lengths as big-endian int32, data.

    Raises ValueError if the first four bytes or the length of the file are wrong.
    """
    if len(content) < 4 or content[:3] != b"\x00\x00\x08" or not 1 <= content[3] <= 3:
        raise ValueError(f"begins with {content[:4].hex(' ')}, expected 00 00 08 01 to 00 00 08 03")
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4)]
    if len(content) != start + math.prod(shape):
        raise ValueError(f"{len(content)} bytes, expected {start + math.prod(shape)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _download_missing(raw: Path, files: Sequence[IdxFile], mirrors: Sequence[str]) -> None:
    """Download the packed `files` into the folder `raw`. Raises _NotAvailable."""
    first_missing = raw / f"{files[0].name}.gz"
    reached = reachable_mirrors(mirrors, _PROBE_SECONDS)
    if not reached:
        raise _NotAvailable(f"{first_missing}: is missing, and no server can be reached to download it")
    log.info("downloading %s to %s", ", ".join(f"{file.name}.gz" for file in files), raw)
    with ExitStack() as stack:
        if not sys.stderr.isatty():
            stack.enter_context(redirect_stderr(io.StringIO()))  # hides torchvision's progress bar
        for file in files:
            _download_from_first(reached, file, raw)


def _download_from_first(mirrors: Sequence[str], file: IdxFile, raw: Path) -> None:
    """Download a packed file from the first mirror that has it. Raises _NotAvailable."""
    download_url = torchvision_module("datasets.utils").download_url
    name = f"{file.name}.gz"
    failure = ""
    with tempfile.TemporaryDirectory() as scratch:
        for mirror in mirrors:
            try:
                download_url(mirror + name, scratch, name, file.packed_md5)
                with atomic_path(raw / name) as path:
                    path.write_bytes((Path(scratch) / name).read_bytes())
                return
            except (OSError, RuntimeError, InputError) as error:
                failure = str(error)
    raise _NotAvailable(f"{raw / name}: is missing and could not be downloaded ({failure})")


def reachable_mirrors(mirrors: Sequence[str], seconds: float) -> list[str]:
    """The mirrors that give any answer within `seconds`. All are tried at the same time.

    They are tried in daemon threads, because urllib's time limit includes neither the look-up of a name nor
    the attempts at all addresses of a server.
    """
    answered: set[str] = set()

    def ask(mirror: str) -> None:
        try:
            urllib.request.urlopen(mirror, timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # the server answers, even if it does not list its files
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
