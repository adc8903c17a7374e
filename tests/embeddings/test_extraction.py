from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from personax.embeddings.extraction import (
    Encoded,
    UnreadablePicture,
    encode_in_parts,
    encode_pictures,
    encode_texts,
    read_picture,
)
from personax.embeddings.picture_encoders import PictureEncoder
from personax.embeddings.text_encoders import TextEncoder
from personax.runs.errors import InputError

RED_ONLY = PictureEncoder(
    "colours",
    lambda picture: torch.tensor(np.array(picture.resize((1, 1)))).permute(2, 0, 1).float(),
    lambda batch: batch.flatten(1),
    torch.device("cpu"),
    {},
)


def lengths(cells: Sequence[str]) -> Encoded:
    """Stands for an encoder: the length of a text, twice; "x" fails."""
    vectors = np.array([[np.nan] * 2 if cell == "x" else [len(cell)] * 2 for cell in cells], np.float32)
    return Encoded(vectors.reshape(len(cells), 2), ["fails" if cell == "x" else "" for cell in cells])


CELLS = ["a", "bb", "x", "dddd", "eeeee", "x", "ggggggg"]


def test_parts_are_the_rows_in_their_order(tmp_path: Path) -> None:
    parts = list(encode_in_parts(tmp_path, CELLS, lengths, 3, 2))
    assert [len(part.reasons) for part in parts] == [3, 3, 1]
    np.testing.assert_array_equal(
        np.concatenate([part.vectors for part in parts])[:, 0], [1, 2, np.nan, 4, 5, np.nan, 7]
    )
    assert [reason for part in parts for reason in part.reasons] == ["", "", "fails", "", "", "fails", ""]


def test_what_was_encoded_before_a_kill_is_not_encoded_again(tmp_path: Path) -> None:
    asked: list[str] = []

    def counting(cells: Sequence[str]) -> Encoded:
        asked.extend(cells)
        return lengths(cells)

    running = encode_in_parts(tmp_path, CELLS, counting, 3, 2)
    next(running)
    next(running)
    del running  # as a kill between two parts
    parts = list(encode_in_parts(tmp_path, CELLS, counting, 3, 2))
    assert asked == CELLS
    np.testing.assert_array_equal(np.concatenate([part.vectors for part in parts]), lengths(CELLS).vectors)


def test_an_encoder_of_another_width_does_not_go_on(tmp_path: Path) -> None:
    list(encode_in_parts(tmp_path, CELLS[:3], lengths, 3, 2))
    with pytest.raises(InputError, match=r"shape \(3, 2\), but \(3, 5\) is expected"):
        list(encode_in_parts(tmp_path, CELLS, lengths, 3, 5))
    with pytest.raises(InputError, match=r"shape \(3, 2\), but \(3, 4\) is expected"):
        list(encode_in_parts(tmp_path / "new", CELLS, lengths, 3, 4))


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    list(encode_in_parts(tmp_path, CELLS, lengths, 3, 2))
    (tmp_path / "000000003.npz").write_bytes(b"junk")
    with pytest.raises(InputError, match=r"000000003.npz: damaged; delete it"):
        list(encode_in_parts(tmp_path, CELLS, lengths, 3, 2))


def test_empty_texts_are_missing_and_the_others_in_their_rows(minilm: TextEncoder) -> None:
    found = encode_texts(minilm, 384, ["one", "  ", "two", ""])
    assert found.reasons == ["", "no text", "", "no text"]
    assert np.isnan(found.vectors[[1, 3]]).all()
    np.testing.assert_allclose(found.vectors[[0, 2]], minilm.encode(["one", "two"]), atol=1e-6)
    assert np.isnan(encode_texts(minilm, 384, ["", ""]).vectors).all()


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    """Pictures of one colour each, and cells and files that hold none."""
    for number, colour in enumerate([(10, 0, 0), (20, 0, 0), (30, 0, 0)]):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "text.png").write_text("no picture")
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.jpg")
    (tmp_path / "cut_off.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:900])
    (tmp_path / "folder.png").mkdir()
    return ["0.png", "gone.png", "1.png", "text.png", "cut_off.jpg", "", "folder.png", "2.png"]


def test_unreadable_pictures_are_missing_and_the_others_in_their_rows(
    tmp_path: Path, pictures: list[str]
) -> None:
    found = encode_pictures(RED_ONLY, 3, tmp_path, 2, pictures)
    reds = found.vectors[:, 0]
    np.testing.assert_array_equal(reds[[0, 2, 7]], [10, 20, 30])
    assert np.isnan(np.delete(found.vectors, [0, 2, 7], axis=0)).all()
    assert found.reasons == [
        "",
        "no such file",
        "",
        "no picture that can be read",
        "damaged or cut off",
        "no picture named",
        "no such file",
        "",
    ]


def test_the_last_pictures_are_encoded_though_the_very_last_is_unreadable(
    tmp_path: Path, pictures: list[str]
) -> None:
    found = encode_pictures(RED_ONLY, 3, tmp_path, 5, ["0.png", "1.png", "gone.png"])
    np.testing.assert_array_equal(found.vectors[:, 0], [10, 20, np.nan])
    assert np.isnan(encode_pictures(RED_ONLY, 3, tmp_path, 5, ["gone.png"]).vectors).all()


def test_pictures_become_rgb(tmp_path: Path) -> None:
    Image.new("L", (5, 5), 7).save(tmp_path / "grey.png")
    Image.new("RGBA", (5, 5), (1, 2, 3, 0)).save(tmp_path / "transparent.png")
    assert read_picture("grey.png", tmp_path).getpixel((0, 0)) == (7, 7, 7)
    assert read_picture("transparent.png", tmp_path).mode == "RGB"


def test_a_picture_too_large_to_open_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (50, 50)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.raises(UnreadablePicture, match="more than 2,000 pixels"):
        read_picture("large.png", tmp_path)
