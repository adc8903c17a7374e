"""Image sources: found, verified, downloaded or replaced; all with our own tiny idx files."""

import gzip
import hashlib
import logging
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from loopback import LoopbackServer

from personax.runs.errors import InputError
from personax.variant_mnist import image_sources
from personax.variant_mnist.image_sources import (
    Collection,
    IdxFile,
    load_images,
    reachable_mirrors,
    read_collection,
)

UNREACHABLE = "http://127.0.0.1:9/"  # the discard port: refuses at once
TRAIN, TEST = 5, 3


def _idx(array: np.ndarray) -> bytes:
    lengths = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes()


def _arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", TRAIN), ("t10k", TEST)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, n, dtype=np.uint8)
    return arrays


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def _collection(folder: str = "MNIST", mirrors: tuple[str, ...] = (UNREACHABLE,)) -> Collection:
    files = [
        IdxFile(name, _md5(_packed(_idx(array))), _md5(_idx(array))) for name, array in _arrays().items()
    ]
    return Collection(folder, files, mirrors)


def _write(data_dir: Path, *, packed: bool = True, folder: str = "MNIST") -> Path:
    raw = data_dir / folder / "raw"
    raw.mkdir(parents=True)
    for name, array in _arrays().items():
        if packed:
            (raw / f"{name}.gz").write_bytes(_packed(_idx(array)))
        else:
            (raw / name).write_bytes(_idx(array))
    return raw


@pytest.fixture
def fake_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """load_images looks for our tiny collections instead of the real ones."""
    collections = _collection("MNIST"), _collection("FashionMNIST")
    monkeypatch.setattr(image_sources, "torchvision_collections", lambda: collections)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """A mirror on this machine and the folder that it serves."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.setenv("no_proxy", "*")
    served = _write(tmp_path / "served")
    with LoopbackServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as httpd:
        thread = Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/", served
        httpd.shutdown()
        thread.join()


@pytest.mark.parametrize("packed", [True, False])
def test_files_are_read_packed_or_unpacked_and_nothing_is_written(tmp_path: Path, packed: bool) -> None:
    raw = _write(tmp_path, packed=packed)
    before = sorted(raw.iterdir())
    images, labels = read_collection(tmp_path, _collection())
    truth = _arrays()
    np.testing.assert_array_equal(images[:TRAIN], truth["train-images-idx3-ubyte"])
    np.testing.assert_array_equal(images[TRAIN:], truth["t10k-images-idx3-ubyte"])
    np.testing.assert_array_equal(labels[TRAIN:], truth["t10k-labels-idx1-ubyte"])
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    assert sorted(raw.iterdir()) == before


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("damage", ["truncated", "flipped"])
def test_a_damaged_file_is_named_with_both_checksums(tmp_path: Path, packed: bool, damage: str) -> None:
    raw = _write(tmp_path, packed=packed)
    path = raw / ("t10k-images-idx3-ubyte.gz" if packed else "t10k-images-idx3-ubyte")
    good = path.read_bytes()
    bad = good[:-7] if damage == "truncated" else good[:-1] + bytes([good[-1] ^ 1])
    path.write_bytes(bad)
    with pytest.raises(InputError) as caught:
        read_collection(tmp_path, _collection())
    message = str(caught.value)
    assert all(part in message for part in (str(path), _md5(good), _md5(bad), "delete it"))
    assert "\n" not in message


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08", b"\0\0\x0d\x03" + bytes(12), b"\0\0\x08\x01\0\0\0\x02\x07"]
)
def test_other_files_than_idx_are_refused_even_with_the_right_checksum(
    tmp_path: Path, content: bytes
) -> None:
    raw = _write(tmp_path, packed=False)
    (raw / "train-images-idx3-ubyte").write_bytes(content)
    good = _collection()
    first = good.files[0]._replace(unpacked_md5=_md5(content))
    with pytest.raises(InputError, match="train-images-idx3-ubyte: not an idx file"):
        read_collection(tmp_path, Collection(good.folder, [first, *good.files[1:]], good.mirrors))


def test_only_missing_files_are_downloaded(
    tmp_path: Path, server: tuple[str, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    mirror, served = server
    raw = _write(tmp_path / "data")
    (raw / "t10k-labels-idx1-ubyte.gz").unlink()
    (served / "train-images-idx3-ubyte.gz").unlink()  # a request for this one would fail
    images, _ = read_collection(tmp_path / "data", _collection(mirrors=(UNREACHABLE, mirror)))
    assert len(images) == TRAIN + TEST
    assert len(list(raw.iterdir())) == 4
    assert capfd.readouterr().err == ""  # no progress bar where there is no terminal


def test_a_truncated_download_leaves_nothing_behind(tmp_path: Path, server: tuple[str, Path]) -> None:
    mirror, served = server
    (served / "train-images-idx3-ubyte.gz").write_bytes(b"half")
    with pytest.raises(
        InputError, match=r"train-images-idx3-ubyte\.gz: is missing and could not be downloaded"
    ):
        read_collection(tmp_path / "data", _collection(mirrors=(mirror,)))
    assert not (tmp_path / "data").exists()


def test_a_folder_that_may_not_be_entered_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(InputError, match="Permission denied"):
        read_collection(tmp_path, _collection())


def test_real_files_are_preferred(tmp_path: Path, fake_torchvision: None) -> None:
    _write(tmp_path, folder="MNIST")
    _write(tmp_path, folder="FashionMNIST", packed=False)
    images = load_images("auto", tmp_path)
    assert images.name == "MNIST and Fashion-MNIST"
    assert images.digits.shape == images.garments.shape == (TRAIN + TEST, 28, 28)
    assert images.sha256 == load_images("mnist", tmp_path).sha256


def test_without_files_and_network_the_stand_in_is_announced_in_one_line(
    tmp_path: Path, fake_torchvision: None, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, folder="MNIST")  # one of the two is not enough
    with caplog.at_level(logging.INFO):
        images = load_images("auto", tmp_path)
    assert images.name == "sklearn-digits (stand-in)"
    (record,) = caplog.records
    assert "FashionMNIST" in record.getMessage()
    assert "scikit-learn are used instead" in record.getMessage()
    assert not (tmp_path / "FashionMNIST").exists()


def test_source_mnist_without_files_and_network_is_an_error(tmp_path: Path, fake_torchvision: None) -> None:
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz: is missing.*--source digits"):
        load_images("mnist", tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_a_corrupt_file_is_never_replaced_by_the_stand_in(tmp_path: Path, fake_torchvision: None) -> None:
    (_write(tmp_path) / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(InputError, match="corrupt or truncated"):
        load_images("auto", tmp_path)


def test_the_stand_in_is_like_mnist_and_its_halves_are_disjoint() -> None:
    images = load_images("digits", "/nowhere")
    for pixels, labels in ((images.digits, images.digit_labels), (images.garments, images.garment_labels)):
        assert pixels.shape == (len(labels), 28, 28)
        assert pixels.dtype == np.uint8
        assert pixels.max() == 255
        assert pixels[:, :4].max() == pixels[:, :, -4:].max() == 0  # MNIST's margin
        assert np.bincount(labels, minlength=10).min() > 60
    assert len(images.digits) + len(images.garments) == 1797
    digits = {picture.tobytes() for picture in images.digits}
    assert not any(picture.tobytes() in digits for picture in images.garments)


def test_torchvision_knows_every_file_that_we_can_check() -> None:
    """Also: `import torchvision` works next to the torch that is installed, CPU build or not."""
    for collection in image_sources.torchvision_collections():
        assert len(collection.files) == 4
        assert collection.mirrors
        assert {len(file.packed_md5) for file in collection.files} == {32}


def test_a_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The silent one would answer in a minute, and would then be among those that do."""
    end = Event()

    def answer(mirror: str, timeout: float) -> BytesIO:
        if "silent" in mirror:
            end.wait(60)
        return BytesIO()

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    assert reachable_mirrors(["http://silent/"], 0.05) == []
    assert reachable_mirrors(["http://silent/", "http://talkative/"], 1.0) == ["http://talkative/"]
    end.set()
