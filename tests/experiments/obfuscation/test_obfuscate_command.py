import json
import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script

SCRIPT = "trait_inference/obfuscate.py"
N = 30


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    vectors = list(rng.standard_normal((N, 10)).astype(np.float32))
    frame = pd.DataFrame({"ID": range(N), "Profile_picture": vectors, "Height": 1.8})
    frame.to_parquet(tmp_path / "plain.parquet", index=False)
    return tmp_path / "plain.parquet"


def stacked(path: Path) -> np.ndarray:
    return np.stack(pd.read_parquet(path)["Profile_picture"].to_list())


@pytest.mark.parametrize("map_options", [(), ("--method", "general", "--condition", "100")])
def test_there_and_back(plain: Path, tmp_path: Path, map_options: tuple[str, ...]) -> None:
    key, hidden, back = tmp_path / "keys" / "k.json", tmp_path / "hidden.parquet", tmp_path / "back.parquet"
    assert run_script(SCRIPT, plain, "--key", key, "--output", hidden, *map_options) == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert abs(np.corrcoef(stacked(hidden).ravel(), stacked(plain).ravel())[0, 1]) < 0.5
    assert run_script(SCRIPT, hidden, "--key", key, "--output", back, "--inverse") == 0
    np.testing.assert_allclose(stacked(back), stacked(plain), atol=1e-4)
    assert list(pd.read_parquet(back).columns) == ["ID", "Profile_picture"]


def test_neither_secret_nor_seed_nor_the_place_of_the_key_is_beside_the_output(
    plain: Path, tmp_path: Path
) -> None:
    key, out = tmp_path / "keys" / "the_key.json", tmp_path / "release"
    words = (plain, "--key", key, "--output", out / "e.parquet", "--seed", 987654321, "--noise", 0.2)
    assert run_script(SCRIPT, *words) == 0
    content = b"".join(path.read_bytes() for path in out.iterdir())
    secret = json.loads(key.read_text())["secret"]
    assert len(list(out.iterdir())) == 2
    for hidden in (secret, "987654321", "the_key"):
        assert hidden.encode() not in content
    manifest = json.loads((out / "e.manifest.json").read_text())
    assert manifest["key_label"] == json.loads(key.read_text())["label"]
    assert (manifest["method"], manifest["noise"], manifest["rows"]) == ("orthogonal", 0.2, N)


def test_the_warning_is_printed(plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_script(SCRIPT, plain, "--key", tmp_path / "keys" / "k", "--output", tmp_path / "h.parquet")
    assert "only from people who have neither the key nor vectors" in capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert run_script(SCRIPT, *words) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    return error[0]


def test_bad_input_is_one_line_and_leaves_neither_key_nor_file(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, out = tmp_path / "keys" / "k.json", tmp_path / "h.parquet"
    both = ("--key", key, "--output", out)
    assert "0 files given" in refused(capsys, *both)
    assert "--key: needed" in refused(capsys, plain, "--output", out)
    assert "--output: needed" in refused(capsys, plain, "--key", key)
    assert "must end in .parquet" in refused(capsys, plain, "--key", key, "--output", tmp_path / "h.csv")
    assert "is the file that is read" in refused(capsys, plain, "--key", key, "--output", plain)
    assert "keep it elsewhere" in refused(capsys, plain, "--key", tmp_path / "k.json", "--output", out)
    assert "only a general map" in refused(capsys, plain, *both, "--condition", 10)
    assert "condition 0.5: must be" in refused(
        capsys, plain, *both, "--method", "general", "--condition", 0.5
    )
    assert "no column 'Weight' to keep" in refused(capsys, plain, *both, "--keep", "Weight")
    assert "no such file" in refused(capsys, tmp_path / "none.parquet", *both)
    assert "cannot be read" in refused(capsys, plain, *both, "--inverse")
    assert not key.exists()
    assert not out.exists()


def test_a_key_that_exists_is_used_again_with_its_own_options(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "keys" / "k.json"
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    run_script(SCRIPT, plain, "--key", key, "--output", first)
    content = key.read_bytes()
    assert run_script(SCRIPT, plain, "--key", key, "--output", second) == 0
    np.testing.assert_array_equal(stacked(first), stacked(second))
    assert "exists; replace it with --overwrite" in refused(capsys, plain, "--key", key, "--output", second)
    third = tmp_path / "c.parquet"
    assert "--method general: the key" in refused(
        capsys, plain, "--key", key, "--output", third, "--method", "general"
    )
    assert "--seed: the key" in refused(capsys, plain, "--key", key, "--output", third, "--seed", 1)
    assert key.read_bytes() == content


def test_vectors_of_another_encoder_need_another_key(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "keys" / "k.json"
    run_script(SCRIPT, plain, "--key", key, "--output", tmp_path / "a.parquet")
    frame = pd.DataFrame({"ID": range(3), "Profile_picture": [[1.0] * 12] * 3})
    frame.to_parquet(tmp_path / "other.parquet")
    message = refused(capsys, tmp_path / "other.parquet", "--key", key, "--output", tmp_path / "b.parquet")
    assert "vectors of 12 numbers, but the key is for 10" in message
