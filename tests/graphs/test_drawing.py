"""Pictures of graphs: what they show, read back from the files."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from personax.graphs.drawing import (
    DIFFERENT,
    SHARED_COLOUR,
    NodeColours,
    block_colours,
    draw_graph,
    draw_side_by_side,
)
from personax.graphs.graph import Graph
from personax.graphs.graph_files import published
from personax.runs.figure_style import MODALITY_COLOURS, fallback_fonts
from personax.runs.text_sizes import text_size


def area(path: Path, colour: str) -> int:
    """The number of pixels of a PNG with this colour."""
    return int((np.abs(imread(path)[..., :3] - to_rgb(colour)) < 1 / 255).all(-1).sum())


def shown(path: Path) -> set[str]:
    """The texts of an SVG; matplotlib writes each of them into a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.strip()[5:-4] for line in lines if line.strip().startswith("<!-- ")}


def chain(names: list[str]) -> Graph:
    """names[0] -> names[1] -> ..."""
    return Graph(names, np.eye(len(names), k=1, dtype=int), blocks={"image": names})


def test_shared_latents_are_red_and_modalities_have_their_colours() -> None:
    colours = block_colours(published("celeb").graph)
    assert [colours[block].border for block in ("s", "image", "text")] == [
        SHARED_COLOUR,
        *MODALITY_COLOURS[:2],
    ]
    assert all(sum(to_rgb(fill)) > sum(to_rgb(border)) for fill, border in colours.values())


def test_a_picture_shows_every_node_label_and_the_title(tmp_path: Path) -> None:
    graph, labels, title = published("athlete")
    paths = draw_graph(graph, tmp_path / "graph", title=title, labels=labels, note="a note")
    assert [path.name for path in paths] == ["graph.png", "graph.svg"]
    texts = shown(tmp_path / "graph.svg")
    assert {title, "a note", "shared", "image", "text", "plain line: direction open"} <= texts
    words = " ".join(texts).split()
    assert all(word in words for label in labels.values() for word in label.split())
    areas = {block: area(paths[0], colours.fill) for block, colours in block_colours(graph).items()}
    assert min(areas.values()) > 1000
    assert areas["image"] > areas["s"]  # more nodes


def test_pictures_of_the_same_graph_are_equal_files(tmp_path: Path) -> None:
    graph = chain(["z11", "z12"])
    first, second = (draw_graph(graph, tmp_path / name, formats=("png", "svg", "pdf")) for name in ("a", "b"))
    assert [path.name for path in first] == ["a.png", "a.svg", "a.pdf"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in [*first, *second])


def test_edges_that_differ_are_orange(tmp_path: Path) -> None:
    names = ["z11", "z12", "z21"]
    left, right = chain(names), Graph(names, np.zeros((3, 3)), blocks={"image": names})
    same, *_ = draw_side_by_side(left, left, ("a", "b"), tmp_path / "same")
    pair, *_ = draw_side_by_side(left, right, ("a", "b"), tmp_path / "pair")
    assert area(same, DIFFERENT) == 0
    assert area(pair, DIFFERENT) > 100
    note = "orange: the edge is not the same in both graphs"
    assert note in shown(tmp_path / "pair.svg")
    assert note not in shown(tmp_path / "same.svg")


def test_marks_and_numbers_are_explained_below_the_picture(tmp_path: Path) -> None:
    names = ["z11", "z12", "z21"]
    marks = np.array([[0, 2, 1], [2, 0, 0], [2, 0, 0]])  # z11 <-> z12, z21 o-> z11
    adjacency = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0]])
    half = np.full((3, 3), 0.5)
    graph = Graph(names, adjacency, marks=marks, frequency=half, orientation=half, simulated=True)
    draw_graph(graph, tmp_path / "graph")
    assert {
        "two arrowheads: hidden common cause; circle: unknown mark",
        "edge label, in %: how often the edge was found / how often it then has this direction",
        "simulated people",
        "50/50",
    } <= shown(tmp_path / "graph.svg")


def test_graphs_over_other_nodes_stand_side_by_side(tmp_path: Path) -> None:
    left, right = chain(["z11", "z12"]), chain(["a", "b"])
    pair, *_ = draw_side_by_side(left, right, ("first", "second"), tmp_path / "pair")
    alone, *_ = draw_graph(left, tmp_path / "alone", title="first")
    assert {"first", "second", "a", "b"} <= shown(tmp_path / "pair.svg")
    assert imread(pair).shape[1] > 1.5 * imread(alone).shape[1]


@pytest.mark.parametrize("script", ["身高", "かなカナ", "한국어", "العربية"])
def test_names_in_other_scripts_are_shown_or_said_to_be_missing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, script: str
) -> None:
    paths = draw_graph(
        chain(["z11", "z12", script]), tmp_path / "graph", title=script, labels={"z11": script}
    )
    missing = fallback_fonts(frozenset(script), ("sans-serif",)).missing
    assert len(caplog.records) == bool(missing)
    assert all(f"{character} (U+" in caplog.records[0].message for character in missing)
    assert script in shown(paths[1])


def test_sizes_are_measured_in_the_present_fonts() -> None:
    usual = text_size("wide", 10)
    with matplotlib.rc_context({"font.family": ["monospace"]}):
        assert text_size("wide", 10) != usual
    assert text_size("wide", 10) == usual


def test_colours_repeat_if_there_are_more_modalities_than_colours() -> None:
    names = [f"z{k}1" for k in range(1, len(MODALITY_COLOURS) + 2)]
    graph = Graph(names, np.zeros((len(names), len(names))), blocks={name[:-1]: [name] for name in names})
    colours = block_colours(graph)
    assert isinstance(colours["z1"], NodeColours)
    assert colours["z1"] == colours[f"z{len(names)}"]
    assert len({colours[f"z{k}"] for k in range(1, len(names))}) == len(MODALITY_COLOURS)
