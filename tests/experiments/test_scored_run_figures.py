"""Pictures of runs on Variant-MNIST show only what was found."""

from pathlib import Path

import numpy as np
import pandas as pd
from pictures import words_in

from personax.experiments.recovery import Recovery
from personax.experiments.scored_run_figures import draw_recovered_graph, draw_samples
from personax.graphs.graph import Graph
from personax.views import MultiViewData, Truth

PAIR = np.array([[0, 1], [0, 0]])
UNDECIDED = "undirected: the latents do not decide the direction; SHD counts the arrow of the model"


def drawn(latents: np.ndarray, stem: Path) -> set[str]:
    """The words in the picture of a pair of latents (n, 2) whose arrow the model has right."""
    table = pd.DataFrame(latents, columns=["z11", "z21"])
    truth = Truth(table, {"a": ["z11"], "b": ["z21"]}, PAIR)
    recovery = Recovery(table, Graph(list(table.columns), PAIR, blocks=truth.blocks), {})
    draw_recovered_graph(truth, recovery, np.arange(2), stem, shd=0)
    return words_in(stem.with_suffix(".svg"))


def test_a_direction_that_the_latents_do_not_decide_is_drawn_open(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cause, noise = rng.normal(size=(2, 400))
    words = drawn(np.column_stack([cause, 0.7 * cause + 0.6 * noise]), tmp_path / "linear")
    assert {UNDECIDED, "recovered, SHD 0"} <= words
    assert UNDECIDED not in drawn(
        np.column_stack([cause, np.tanh(2 * cause) + 0.3 * noise]), tmp_path / "bent"
    )


def test_a_graph_over_constant_latents_is_drawn(tmp_path: Path) -> None:
    assert UNDECIDED in drawn(np.column_stack([np.ones(50), np.arange(50.0)]), tmp_path / "constant")


def test_measurements_that_are_no_pictures_are_left_out_of_the_samples(tmp_path: Path) -> None:
    pictures, vectors = np.zeros((12, 3, 4, 4), dtype=np.float32), np.zeros((12, 5), dtype=np.float32)
    truth = Truth(pd.DataFrame({"z11": np.arange(12.0)}), {"a": ["z11"]})
    data = MultiViewData({"a": [pictures, pictures], "b": [vectors]}, truth=truth)
    draw_samples(data, tmp_path / "samples", columns=2)
    words = words_in(tmp_path / "samples.svg")
    assert {"a 1", "a 2"} <= words
    assert "b 1" not in words
