"""The official on-disk layout: what is written can be read, and every error names the place in one line."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from personax.runs.errors import InputError
from personax.variant_mnist.official_layout import read_dataset, write_dataset
from personax.views import MultiViewData, Truth

N = 7


def _data(garments: int = 3, side: int = 6, n: int = N) -> MultiViewData:
    rng = np.random.default_rng(0)
    names = ["z11", "z12", "z21", "z22"]
    graph = np.zeros((4, 4), dtype=int)
    graph[0, 1] = graph[0, 2] = 1  # not the official graph
    return MultiViewData(
        measurements={
            "digit": [rng.random((n, 3, side, side), dtype=np.float32) for _ in range(3)],
            "garment": [rng.random((n, 1, side, side), dtype=np.float32) for _ in range(garments)],
        },
        ids=np.arange(n),
        truth=Truth(
            pd.DataFrame(rng.standard_normal((n, 4)), columns=names),
            {"digit": names[:2], "garment": names[2:]},
            graph,
        ),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "dataset"
    write_dataset(_data(), path)
    return path


def _edit(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)


def _refused(folder: Path, *parts: str) -> None:
    """Reading `folder` must fail in one line that holds every one of `parts`."""
    with pytest.raises(InputError) as caught:
        read_dataset(folder)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize("garments", [1, 3])
def test_a_dataset_survives_writing_and_reading(tmp_path: Path, garments: int) -> None:
    data = _data(garments, n=260)  # more than one block of pictures
    write_dataset(data, tmp_path / "dataset")
    back = read_dataset(tmp_path / "dataset")
    assert back.modalities == data.modalities
    for modality in data.modalities:
        assert len(back.measurements[modality]) == len(data.measurements[modality])
        for written, read in zip(data.measurements[modality], back.measurements[modality], strict=True):
            assert read.dtype == np.float32
            np.testing.assert_allclose(read, written, atol=0.5001 / 255)
    pd.testing.assert_frame_equal(back.true_latents, data.true_latents, check_exact=True)
    np.testing.assert_array_equal(back.known_truth.graph, data.known_truth.graph)
    assert back.known_truth.blocks == data.known_truth.blocks
    assert "dataset" in back.source


def test_the_columns_and_pictures_are_the_official_ones(folder: Path) -> None:
    color, fashion = pd.read_csv(folder / "color.csv"), pd.read_csv(folder / "fashion.csv")
    assert list(color) == ["z11", "z12", "path_red", "path_green", "path_blue"]
    assert list(fashion) == ["z21", "z22", "path", "path_2", "path_3"]
    with Image.open(folder / color["path_green"][2]) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (6, 6))
    with Image.open(folder / fashion["path_2"][2]) as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (6, 6))


def test_without_graph_csv_the_official_graph_goes_with_the_official_latents(folder: Path) -> None:
    (folder / "graph.csv").unlink()
    graph = read_dataset(folder).known_truth.graph
    assert graph is not None
    assert [tuple(edge) for edge in np.argwhere(graph)] == [(0, 1), (0, 2), (2, 3)]
    _edit(folder / "fashion.csv", lambda table: table.assign(z23=0.5))
    assert read_dataset(folder).known_truth.graph is None


def test_more_latents_and_an_empty_graph(tmp_path: Path) -> None:
    data = _data()
    latents = data.true_latents.assign(z23=1.5, z13=0.25)
    data = replace(data, truth=Truth(latents, graph=np.zeros((6, 6), dtype=int)))
    write_dataset(data, tmp_path / "dataset")
    back = read_dataset(tmp_path / "dataset")
    assert list(back.true_latents) == ["z11", "z12", "z13", "z21", "z22", "z23"]
    assert back.known_truth.blocks == {"digit": ["z11", "z12", "z13"], "garment": ["z21", "z22", "z23"]}
    np.testing.assert_array_equal(back.known_truth.graph, np.zeros((6, 6)))


def test_edges_follow_the_names_when_the_columns_are_reordered(tmp_path: Path) -> None:
    data = _data()
    order = ["z22", "z11", "z21", "z12"]
    graph = np.zeros((4, 4), dtype=int)
    graph[order.index("z21"), order.index("z22")] = 1
    write_dataset(replace(data, truth=Truth(data.true_latents[order], graph=graph)), tmp_path / "dataset")
    back = read_dataset(tmp_path / "dataset").known_truth.graph
    assert back is not None
    assert np.argwhere(back).tolist() == [[2, 3]]


def test_pictures_are_resized_with_antialiasing(tmp_path: Path) -> None:
    data = _data(side=8)
    stripes = np.array([1, 0, 0, 1, 1, 0, 0, 1])  # without antialiasing all is black: read at 1.5 and 5.5
    data.measurements["garment"][0][:] = stripes
    write_dataset(data, tmp_path / "dataset")
    back = read_dataset(tmp_path / "dataset", size=2)
    assert back.measurements["digit"][2].shape == (N, 3, 2, 2)
    np.testing.assert_allclose(back.measurements["garment"][0], 0.5, atol=0.15)


def test_a_table_from_another_program_is_read(folder: Path) -> None:
    """Byte order mark, further columns, another column order and absolute paths make no difference."""
    original = read_dataset(folder)
    table = pd.read_csv(folder / "fashion.csv")
    table["path"] = [str(folder / path) for path in table["path"]]
    table["note"] = "x"
    table[list(table)[::-1]].to_csv(folder / "fashion.csv", index=False, encoding="utf-8-sig")
    back = read_dataset(folder)
    np.testing.assert_array_equal(back.measurements["garment"][0], original.measurements["garment"][0])
    pd.testing.assert_frame_equal(back.true_latents, original.true_latents)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("color.csv", "z12"),
        ("color.csv", "path_green"),
        ("fashion.csv", "z21"),
        ("fashion.csv", "path"),
        ("fashion.csv", "path_2"),  # with path_3 there, it is a gap
        ("graph.csv", "to"),
    ],
)
def test_a_missing_column_is_named(folder: Path, table: str, column: str) -> None:
    _edit(folder / table, lambda frame: frame.drop(columns=column))
    _refused(folder, table, f"no column '{column}'")


@pytest.mark.parametrize("table", ["color.csv", "fashion.csv"])
def test_a_missing_table_is_named(folder: Path, table: str) -> None:
    (folder / table).unlink()
    _refused(folder, table, "no such file")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    _refused(tmp_path / "absent", "absent", "no such folder")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"\xff\xfe\x00z11", "not a CSV file in UTF-8"),
        (b"z11,z12\n1,2\n1,2,3\n", "row 2: 3 cells, but the header has 2"),
        (b"z11,z12,path_red,path_green,path_blue\n", "color.csv has 0 rows and fashion.csv has 7 rows"),
    ],
)
def test_a_malformed_table_is_refused(folder: Path, content: bytes, fault: str) -> None:
    (folder / "color.csv").write_bytes(content)
    _refused(folder, "color.csv", fault)


@pytest.mark.parametrize("cell", ["", "nan", "inf", "red"])
def test_a_latent_that_is_not_a_finite_number_is_refused(folder: Path, cell: str) -> None:
    _edit(folder / "fashion.csv", lambda table: table.assign(z22=["0.5"] * (N - 1) + [cell]))
    _refused(folder, "fashion.csv", f"row {N}", "column z22", repr(cell))


def test_row_counts_that_differ_are_refused(folder: Path) -> None:
    _edit(folder / "fashion.csv", lambda table: table.iloc[:-2])
    _refused(folder, "color.csv has 7 rows and fashion.csv has 5 rows")


def _damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif how == "text":
        path.write_text("not a picture")
    elif how == "jpeg":
        Image.new("RGB", (6, 6)).save(path, "JPEG")
    elif how == "grey":
        Image.new("L", (6, 6)).save(path)
    elif how == "transparent":
        Image.new("RGBA", (6, 6)).save(path)
    elif how == "larger":
        Image.new("RGB", (7, 6)).save(path)


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ("missing", "no such file"),
        ("empty", "cannot be read as a PNG file"),
        ("truncated", "cannot be read as a PNG file"),
        ("text", "cannot be read as a PNG file"),
        ("jpeg", "cannot be read as a PNG file"),
        ("grey", "mode L, but color.csv needs RGB"),
        ("transparent", "mode RGBA, but color.csv needs RGB"),
        ("larger", "7 x 6 pixels, but the first picture has 6 x 6"),
    ],
)
def test_a_bad_picture_is_named_with_its_row(folder: Path, how: str, fault: str) -> None:
    name = pd.read_csv(folder / "color.csv")["path_blue"][4]
    _damage(folder / name, how)
    _refused(folder, "color.csv, row 5, column path_blue", name, fault)


def test_every_damaged_png_is_an_input_error_or_a_picture(folder: Path) -> None:
    path = folder / pd.read_csv(folder / "color.csv")["path_red"][0]
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    messages = []
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_dataset(folder)
        except InputError as error:
            messages.append(str(error))
    assert messages
    assert all("row 1" in message for message in messages)


def test_a_size_that_differs_between_modalities_is_refused(folder: Path) -> None:
    name = pd.read_csv(folder / "fashion.csv")["path_3"][1]
    Image.new("L", (6, 9)).save(folder / name)
    _refused(folder, "fashion.csv, row 2, column path_3", "6 x 9 pixels")


def test_an_empty_path_is_named(folder: Path) -> None:
    _edit(folder / "fashion.csv", lambda table: table.assign(path=["", *table["path"][1:]]))
    _refused(folder, "fashion.csv, row 1, column path", "is empty")


@pytest.mark.parametrize(
    ("edges", "fault"),
    [("z11,z99\n", "row 1, column to: 'z99'"), ("z11,z12\nz12,z11\n", "cycle"), ("z11,z11\n", "cycle")],
)
def test_an_invalid_graph_is_refused(folder: Path, edges: str, fault: str) -> None:
    (folder / "graph.csv").write_text("from,to\n" + edges)
    _refused(folder, "graph.csv", fault)


def test_a_folder_that_is_not_empty_is_never_overwritten(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError, match="is not empty"):
        write_dataset(_data(), folder)
    assert sorted(folder.rglob("*")) == before


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="file"):
            write_dataset(_data(), place)


def test_nothing_half_written_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(InputError, match="No space left"):
        write_dataset(_data(), tmp_path / "dataset")
    assert list(tmp_path.iterdir()) == []


def _with(modality: str, arrays: list[np.ndarray]) -> MultiViewData:
    return replace(_data(), measurements={**_data().measurements, modality: arrays}, observed={})


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (replace(_data(), truth=None), "lack"),
        (replace(_data(), truth=Truth(_data().true_latents)), "lack"),
        (
            MultiViewData({"digit": _data().measurements["digit"]}, np.arange(N), truth=_data().truth),
            "modalities digit and garment",
        ),
        (
            replace(
                _data(),
                truth=replace(
                    _data().known_truth, latents=_data().true_latents.rename(columns={"z22": "mood"})
                ),
            ),
            "not ['z11', 'z12', 'z21', 'mood']",
        ),
        (_with("digit", [np.zeros((N, 3, 6, 6))]), "digit: 1 measurements"),
        (_with("garment", [np.zeros((N, 3, 6, 6))]), "not (n, 1, h, w)"),
        (_with("garment", [np.zeros((N, 1, 5, 5))]), "one size"),
        (_with("garment", [np.full((N, 1, 6, 6), 1.5)]), "outside [0, 1]"),
        (_with("garment", [np.full((N, 1, 6, 6), np.nan)]), "outside [0, 1]"),
        (replace(_data(), observed={"digit": np.eye(N, 3, dtype=bool)}), "missing measurements"),
    ],
)
def test_data_that_do_not_fit_the_layout_are_refused(tmp_path: Path, data: MultiViewData, fault: str) -> None:
    with pytest.raises(InputError, match=re.escape(fault)):
        write_dataset(data, tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()
