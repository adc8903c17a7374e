"""Level I on files that are counted part by part: the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streaming.parquet_people import frame_of_people, write_columns, write_files

from personax.experiments.independence.config import IndependenceConfig, main
from personax.experiments.independence.counting import check_engine
from personax.runs.errors import InputError
from personax.runs.run_folder import PARTIAL_SUMS, open_run

FILES = Path("people/*.parquet")


def test_a_run_writes_the_report_of_a_table_in_memory(tmp_path: Path) -> None:
    pattern = write_files(tmp_path / "people", frame_of_people(400), [250, 150])
    columns = write_columns(tmp_path)
    common = ["--columns", str(columns), "--tests", "chi_square,fisher_z", "--resamples", "99"]
    assert (
        main(["--table", str(pattern), "--engine", "local", "--output", str(tmp_path / "counted"), *common])
        == 0
    )
    write_files(tmp_path / "whole", frame_of_people(400), [400])
    whole = tmp_path / "whole" / "part-0.parquet"
    assert main(["--table", str(whole), "--output", str(tmp_path / "read"), *common]) == 0
    found, expected = (pd.read_csv(tmp_path / name / "pvalues.csv") for name in ("counted", "read"))
    np.testing.assert_allclose(found["log10_pvalue"], expected["log10_pvalue"], rtol=1e-10, atol=1e-10)
    same = ["trait", "scores", "feature", "test", "n", "null", "rejected"]
    pd.testing.assert_frame_equal(found[same], expected[same])
    texts = [
        (tmp_path / name / "table.md").read_text(encoding="utf-8").split("## targets")[1]
        for name in ("counted", "read")
    ]
    assert texts[0] == texts[1]
    assert not (tmp_path / "counted" / PARTIAL_SUMS).exists()
    drawn = [
        sorted(path.name for path in (tmp_path / name / "figures").iterdir()) for name in ("counted", "read")
    ]
    assert drawn[0] == drawn[1]


def test_a_run_with_paths_among_its_options_is_resumed(tmp_path: Path) -> None:
    config = IndependenceConfig(table=FILES, columns=Path("columns.yaml"), engine="local", resume=True)
    with open_run(tmp_path / "run", config):
        pass
    with open_run(tmp_path / "run", config, resume=True) as folder:
        assert folder.path == tmp_path / "run"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (IndependenceConfig(table=FILES, resume=True), "--resume: belongs to --engine"),
        (IndependenceConfig(table=FILES, scheduler="tcp://a:1"), "--scheduler: belongs to --engine"),
        (IndependenceConfig(dataset="celeb", engine="local"), "give the files with --table"),
        (IndependenceConfig(table=FILES, engine="local", n=5), "--n 5: with --engine all rows"),
        (IndependenceConfig(table=FILES, engine="dask"), "--engine dask needs --scheduler"),
        (
            IndependenceConfig(table=FILES, engine="local", implementation="reference"),
            "other libraries need the table in memory",
        ),
    ],
)
def test_options_that_contradict_an_engine(config: IndependenceConfig, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_engine(config)
