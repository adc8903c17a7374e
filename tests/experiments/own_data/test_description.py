"""The YAML file that says what arrays are: what is read, and what is refused in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.experiments.own_data.description import read_arrays
from personax.experiments.own_data.example import write_example
from personax.runs.errors import InputError
from personax.runs.files import write_yaml

N = 6
FACE = np.arange(N * 2, dtype=np.float32).reshape(N, 2)
TABLE = pd.DataFrame({"id": list("abcdef"), "v_1": np.arange(N) / 2, "v_2": np.arange(N) + 0.5, "w": 1.0})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with arrays in every format."""
    np.save(tmp_path / "face.npy", FACE)
    np.savez(tmp_path / "faces.npz", left=FACE, right=FACE[::-1])
    np.savez(tmp_path / "one.npz", only=FACE)
    TABLE.to_csv(tmp_path / "people.csv", index=False)
    TABLE.to_parquet(tmp_path / "people.parquet", index=False)
    np.save(tmp_path / "split.npy", np.array(["train", "test", "train", "validation", "train", "train"]))
    np.save(tmp_path / "seen.npy", np.array([[1], [0], [1], [1], [1], [1]]))
    np.save(tmp_path / "graph.npy", np.array([[0, 1], [0, 0]]))
    pd.DataFrame({"vectors": [["a", "b"]] * N}).to_parquet(tmp_path / "words.parquet")
    (tmp_path / "utf16.csv").write_bytes("x,y\n1,2\n".encode("utf-16"))
    return tmp_path


def described(home: Path, **described: Any) -> Path:
    """A description in the folder."""
    write_yaml(home / "data.yaml", described)
    return home / "data.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("face.npy", FACE),
        ("faces.npz:right", FACE[::-1]),
        ("one.npz", FACE),
        ("people.csv:v_*", TABLE[["v_1", "v_2"]]),
        ("people.parquet:v_2, v_1", TABLE[["v_2", "v_1"]]),
        ("people.csv:w", TABLE[["w"]]),
    ],
)
def test_every_format_is_read(text: str, expected: Any, home: Path) -> None:
    data = read_arrays(described(home, measurements={"face": [text]})).data
    np.testing.assert_allclose(data.measurements["face"][0], np.asarray(expected))
    assert data.ids.tolist() == list(range(N))


def test_identifiers_split_masks_and_truth_are_read(home: Path) -> None:
    found = read_arrays(
        described(
            home,
            measurements={"face": "face.npy"},
            ids="people.csv:id",
            split="split.npy",
            observed={"face": "seen.npy"},
            truth={"latents": {"face": "people.parquet:v_1", "s": "people.parquet:w"}, "graph": "graph.npy"},
            simulated=True,
        )
    )
    assert found.data.ids.tolist() == list("abcdef")
    assert found.split is not None
    assert (found.split.validation.tolist(), found.split.test.tolist()) == ([3], [1])
    assert found.data.observed["face"][:, 0].tolist() == [True, False, True, True, True, True]
    assert found.data.known_truth.blocks == {"face": ["v_1"], "s": ["w"]}
    assert found.data.known_truth.graph is not None
    assert found.simulated


def test_a_row_of_nan_is_a_measurement_that_the_person_lacks(home: Path) -> None:
    array = FACE.copy()
    array[2] = np.nan
    np.save(home / "face.npy", array)
    data = read_arrays(described(home, measurements={"face": ["face.npy", "faces.npz:left"]})).data
    assert data.observed["face"].tolist() == [[row != 2, True] for row in range(N)]


def test_whole_numbers_of_pictures_become_shares(home: Path) -> None:
    np.save(home / "face.npy", np.full((N, 1, 2, 2), 51, dtype=np.uint8))
    (picture,) = read_arrays(described(home, measurements={"face": "face.npy"})).data.measurements["face"]
    np.testing.assert_allclose(picture, 0.2)


def test_another_value_gives_another_checksum(home: Path) -> None:
    path = described(home, measurements={"face": "face.npy"})
    before = read_arrays(path).checksum
    assert read_arrays(path).checksum == before
    np.save(home / "face.npy", FACE + 1)
    assert read_arrays(path).checksum != before


def test_another_split_or_true_graph_gives_another_checksum(home: Path) -> None:
    path = described(
        home,
        measurements={"face": "face.npy"},
        split="split.npy",
        truth={"latents": {"face": "people.parquet:v_1", "s": "people.parquet:w"}, "graph": "graph.npy"},
    )
    before = read_arrays(path).checksum
    for name in ("split.npy", "graph.npy"):
        given = np.load(home / name)
        np.save(home / name, given[::-1] if given.ndim == 1 else given.T)
        assert read_arrays(path).checksum != before
        np.save(home / name, given)
        assert read_arrays(path).checksum == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"measurements": None}, "it needs 'measurements"),
        ({"measurements": {"face": []}}, "no measurements; give at least one"),
        ({"measurements": {"face": [3]}}, "a list of files"),
        ({"measurements": {"face": ["face.npy", "face.npy"]}}, "'face.npy' is given twice; a copy is no"),
        ({"measurement": {}}, "unknown key 'measurement'; the keys are measurements, ids"),
        ({"measurements": {"face": "absent.npy"}}, "no file .*absent.npy"),
        ({"measurements": {"face": "face.txt"}}, "must be a .npy, .npz, .parquet, .csv file"),
        ({"measurements": {"face": "faces.npz"}}, "name one of its arrays after a colon: left, right"),
        ({"measurements": {"face": "faces.npz:up"}}, "name one of its arrays"),
        ({"measurements": {"face": "words.parquet:vectors"}}, "words.parquet:vectors', row 1: no vector"),
        ({"measurements": {"face": "utf16.csv"}}, "not a text in UTF-8; save it as UTF-8"),
        ({"simulated": "maybe"}, "simulated: 'maybe'; must be true or false"),
        ({"ids": "people.csv:w"}, "ids, row 2: '1.0' is in an earlier row, too"),
        ({"truth": {"latents": {"face": "people.csv:id"}}}, "truth of 'face': .*, not numbers"),
        ({"measurements": {"face": "people.csv:x_*"}}, "no column 'x_\\*'; there are id, v_1"),
        ({"measurements": {"face": "people.csv"}}, "column 'id' is .*, not numbers"),
        ({"measurements": {"s": "face.npy"}}, "modality 's'.*rename it"),
        ({"measurements": {"a.b": "face.npy"}}, "modality 'a.b'.*rename it"),
        ({"ids": "people.csv:v_*"}, "one value a row"),
        ({"split": "people.csv:id"}, "split: 'a'; each row is one of train, validation, test"),
        ({"observed": ["seen.npy"]}, "observed: must map names to files"),
        ({"observed": {"voice": "seen.npy"}}, "no modality 'voice'"),
        ({"truth": {"graph": "graph.npy"}}, "truth: must have the keys latents and graph"),
        ({"truth": {"latents": {"voice": "face.npy"}}}, "truth of 'voice': the blocks are s, face"),
        ({"truth": {"latents": {"face": "people.csv:w"}, "graph": "graph.npy"}}, "true graph: shape"),
    ],
)
def test_mistakes_are_named_in_one_line(changes: dict[str, Any], message: str, home: Path) -> None:
    path = described(home, **{"measurements": {"face": "face.npy"}, **changes})
    with pytest.raises(InputError, match=message) as caught:
        read_arrays(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["face.npy", "one.npz", "people.parquet"])
def test_a_damaged_array_is_named(name: str, home: Path) -> None:
    """Empty, cut off, or the content of a file of another format under this name."""
    others = [home / other for other in ("face.npy", "faces.npz", "people.parquet") if other != name]
    for content in (b"", (home / name).read_bytes()[:60], *(other.read_bytes() for other in others)):
        (home / name).write_bytes(content)
        with pytest.raises(InputError, match=name) as refused:
            read_arrays(described(home, measurements={"face": name}))
        assert "\n" not in str(refused.value)


def test_pictures_out_of_range_are_refused(home: Path) -> None:
    np.save(home / "face.npy", np.full((N, 1, 2, 2), 51.0))
    with pytest.raises(InputError, match="must be numbers in"):
        read_arrays(described(home, measurements={"face": "face.npy"}))


def test_the_example_is_read_with_its_truth(tmp_path: Path) -> None:
    found = read_arrays(write_example(tmp_path / "example", n=40))
    assert found.simulated
    assert found.data.modalities == ["face", "voice"]
    assert not found.data.observed["voice"][:, 2].all()
    assert found.data.known_truth.graph is not None
    assert found.data.known_truth.graph.sum() == 3
    with pytest.raises(InputError, match="exists"):
        write_example(tmp_path / "example")


def test_a_column_of_vectors_is_a_measurement(home: Path) -> None:
    vectors = [np.arange(9.0), None, np.full(9, np.nan), np.ones(9)]
    pd.DataFrame({"ID": range(4), "Text_embedding_1": vectors}).to_parquet(home / "vectors.parquet")
    reference = "vectors.parquet:Text_embedding_1"
    found = read_arrays(described(home, measurements={"text": [reference]}, ids="vectors.parquet:ID")).data
    np.testing.assert_array_equal(found.measurements["text"][0][[0, 3]], [np.arange(9), np.ones(9)])
    assert found.observed["text"][:, 0].tolist() == [True, False, False, True]
    pd.DataFrame({"v": [[1.0] * 9, [1.0] * 8]}).to_parquet(home / "vectors.parquet")
    with pytest.raises(InputError, match="one length is expected"):
        read_arrays(described(home, measurements={"text": ["vectors.parquet:v"]}))
