"""What the file of latents says about people without any measurement of a modality, and damaged files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from personax.experiments.fitting import is_untrained, write_latents
from personax.graphs.graph_files import read_latents
from personax.runs.errors import InputError
from personax.runs.run_folder import TOGETHER, WEIGHTS, RunFolder
from personax.views import MultiViewData, Split

N = 30
DATA = MultiViewData({"image": [np.ones((N, 2))] * 2, "text": [np.ones((N, 3))]}, np.arange(100, 100 + N))
SPLIT = Split(np.arange(20), np.arange(20, 25), np.arange(25, N))


@pytest.fixture
def latents() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(0).standard_normal((N, 3)), columns=["s1", "z11", "z21"])


def test_complete_people_have_no_further_columns(tmp_path: Path, latents: pd.DataFrame) -> None:
    mask = np.ones((N, 2), dtype=bool)
    mask[:10, 0] = False  # they still have the other image
    write_latents(tmp_path / "latents.parquet", latents, replace(DATA, observed={"image": mask}), SPLIT)
    written = pd.read_parquet(tmp_path / "latents.parquet")
    assert list(written.columns) == ["id", "split", "s1", "z11", "z21"]
    pd.testing.assert_frame_equal(written[["s1", "z11", "z21"]], latents)


def test_imputed_latents_are_marked_and_no_reader_takes_them(tmp_path: Path, latents: pd.DataFrame) -> None:
    """40 % of the people have no image; two of them have no text either."""
    image, text = np.ones((N, 2), dtype=bool), np.ones((N, 1), dtype=bool)
    image[:12] = text[:2] = False
    masked = replace(DATA, observed={"image": image, "text": text})
    write_latents(tmp_path / "latents.parquet", latents, masked, SPLIT)
    written = pd.read_parquet(tmp_path / "latents.parquet")
    assert list(written.columns) == ["id", "split", "s1", "z11", "z21", "observed_image", "observed_text"]
    assert written["observed_image"].tolist() == [False] * 12 + [True] * 18
    assert written["observed_text"].tolist() == [False] * 2 + [True] * 28
    read = read_latents(tmp_path / "latents.parquet")
    assert read.left_out == 12
    assert read.names == ["s1", "z11", "z21"]
    assert read.table.index.tolist() == list(range(112, 130))


@pytest.mark.parametrize("content", ["", "[", "3", "[3]", "{}"])
def test_a_damaged_list_of_models_trained_together_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / WEIGHTS).touch()
    (tmp_path / TOGETHER).write_text(content)
    with pytest.raises(InputError, match=r"together\.json"):
        is_untrained(RunFolder(tmp_path, {}))
