"""draw.py as a person runs it: results, published graphs, comparison, and every kind of bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scripts import load_main

from personax.graphs.graph import Graph
from personax.graphs.sources import published, read_latents
from personax.runs.files import read_yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "real_world_experiment" / "draw.py"
NAMES = ["s1", "z11", "z12", "z21", "z22"]
BLOCKS = {"s1": "s", "z11": "image", "z12": "image", "z21": "text", "z22": "text"}
TRUE = np.array([[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]])

draw = load_main(SCRIPT)


def latents(n: int = 600, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(n, 5))
    return noise @ np.linalg.inv(np.eye(5) - 0.8 * TRUE)


def make_run(path: Path, *, order: list[int] | None = None, seed: int = 0) -> Path:
    """A run folder as the training scripts write it; `order` shuffles the latents under the same names."""
    path.mkdir(parents=True)
    order = order or list(range(5))
    z = latents()[:, order] + 0.05 * np.random.default_rng(seed).normal(size=(600, 5))
    table = pd.DataFrame(z, columns=NAMES)
    table.insert(0, "split", np.where(np.arange(600) % 4, "train", "test"))
    table.insert(0, "id", [f"person-{i}" for i in range(600)])
    table.to_parquet(path / "latents.parquet")
    graph = Graph(NAMES, TRUE[np.ix_(order, order)], weights=0.8 * TRUE[np.ix_(order, order)], blocks=BLOCKS)
    graph.to_json(path / "graph.json")
    graph.to_json(path / "truth_graph.json")
    (path / "manifest.json").write_text(json.dumps({"simulated": True}))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "athlete" / "seed-0")


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def command(*words: object, jobs: int = 1) -> int:
    return draw([*map(str, words), "--jobs", str(jobs)])


def test_pc_on_a_run_folder(run, caplog):
    assert command(run, "--resamples", 10, "--alpha", 0.01) == 0
    folder = run / "graph-pc"
    files = {
        "edges.csv",
        "graph.json",
        "graph.dot",
        "adjacency.npy",
        "names.txt",
        "scores.json",
        "config.yaml",
    }
    assert files | {"graph.png", "graph.svg", "graph.pdf", "manifest.json", "run.log"} == written(folder)
    edges = pd.read_csv(folder / "edges.csv")
    assert list(edges) == ["from", "to", "mark", "frequency", "orientation_frequency", "weight"]
    assert edges["frequency"].between(0, 1).all()
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["shd"] == 0 and scores["edge_auc"] == 1
    assert np.array_equal(np.load(folder / "adjacency.npy"), TRUE)
    assert (folder / "names.txt").read_text().split() == NAMES
    graph = Graph.from_json(folder / "graph.json")
    assert graph.simulated and graph.blocks == BLOCKS
    assert "simulated" in (folder / "graph.json").read_text()


def test_an_existing_result_is_refused_unless_overwritten(run, capsys):
    assert command(run, "--method", "learned") == 0
    assert command(run, "--method", "learned") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert command(run, "--method", "learned", "--overwrite") == 0


def test_several_seeds_are_matched_and_agree(run, tmp_path):
    other = make_run(tmp_path / "athlete" / "seed-1", order=[0, 2, 1, 4, 3], seed=1)
    for method in ("learned", "pc"):
        words = [run, other, "--method", method, "--resamples", 6, "--alpha", 0.01]
        assert command(*words) == 0
        graph = Graph.from_json(tmp_path / "athlete" / f"graph-{method}" / "graph.json")
        assert np.array_equal(graph.adjacency, TRUE)
        assert graph.frequency is not None and graph.frequency[0, 1] == 1


def test_min_frequency_drops_edges_and_test_rows_are_fewer(run, tmp_path):
    words = [run, "--resamples", 8, "--alpha", 0.3, "--resample", "half", "--output"]
    assert command(*words, tmp_path / "all") == 0
    assert command(*words, tmp_path / "rare", "--min-frequency", 1.0) == 0
    frequencies = [pd.read_csv(tmp_path / name / "edges.csv")["frequency"] for name in ("all", "rare")]
    assert (frequencies[1] == 1).all() and len(frequencies[1]) <= len(frequencies[0])
    assert len(read_latents(run, rows="test").table) == 150


@pytest.mark.parametrize("suffix", [".npy", ".parquet", ".csv"])
def test_files_of_latents(tmp_path, suffix):
    path, table = tmp_path / f"latents{suffix}", pd.DataFrame(latents(), columns=NAMES)
    if suffix == ".npy":
        np.save(path, table.to_numpy())
    elif suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    words = [
        path,
        "--resamples",
        0,
        "--output",
        tmp_path / "out",
        "--alpha",
        0.01,
        "--names",
        ",".join(NAMES),
    ]
    assert command(*words, "--tiers", "s; z1; z2", "--knowledge", knowledge(tmp_path)) == 0
    graph = Graph.from_json(tmp_path / "out" / "graph.json")
    assert graph.blocks == {"s1": "s", "z11": "z1", "z12": "z1", "z21": "z2", "z22": "z2"}
    assert not graph.adjacency[3:, 1:3].any()


def knowledge(folder: Path) -> Path:
    (folder / "knowledge.yaml").write_text("nothing_into_s: true\nforbid: [z22->z21]\n")
    return folder / "knowledge.yaml"


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "undirected"), [("athlete", 12, 14, 2), ("celeb", 18, 23, 0)]
)
def test_the_published_graphs(tmp_path, name, nodes, edges, undirected):
    words = ["--published", name, "--output", tmp_path / "out", "--compare", name]
    assert command(*words) == 0
    graph, labels, _ = published(name)
    assert (len(graph.names), len(graph.edges())) == (nodes, edges)
    assert sum(edge.mark == "---" for edge in graph.edges()) == undirected
    assert set(labels) == set(graph.names)
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["shd"] == 0
    assert {"comparison.png", "comparison.svg", "comparison.pdf"} <= written(tmp_path / "out")


def test_comparison_names_what_differs(run, tmp_path):
    other = TRUE.copy()
    other[0, 1], other[1, 0], other[1, 3] = 0, 1, 1
    np.save(tmp_path / "other.npy", other)
    assert command(run, "--method", "learned", "--compare", tmp_path / "other.npy") == 0
    result = json.loads((run / "graph-learned" / "comparison.json").read_text())
    assert result["shd"] == 2
    assert result["only_here"] == ["s1 -> z11"]
    assert result["only_there"] == ["z11 -> s1", "z11 -> z21"]
    assert len(result["shared"]) == 4


def test_labels_are_taken(run, tmp_path):
    (tmp_path / "labels.yaml").write_text("z11: skin tone\n")
    assert command(run, "--method", "learned", "--labels", tmp_path / "labels.yaml") == 0
    assert "skin tone" in (run / "graph-learned" / "graph.dot").read_text()


def test_a_recorded_configuration_repeats_the_run(run, tmp_path):
    assert command(run, "--resamples", 3) == 0
    config = read_yaml(run / "graph-pc" / "config.yaml")
    assert config["sources"] == [str(run)]
    repeat = ["--config", run / "graph-pc" / "config.yaml", "--output", tmp_path / "again"]
    assert draw([str(word) for word in repeat]) == 0
    first, second = (folder / "graph.json" for folder in (run / "graph-pc", tmp_path / "again"))
    assert first.read_text() == second.read_text()


def spoiled(run: Path, **columns: object) -> Path:
    table = pd.read_parquet(run / "latents.parquet")
    table.assign(**columns).to_parquet(run / "latents.parquet")
    return run


def with_file(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


BAD = {
    "no such run folder": lambda run: [run.parent / "seed-9"],
    "no latents.parquet": lambda run: [(run / "latents.parquet").unlink() or run],
    "no learned graph": lambda run: [(run / "graph.json").unlink() or run, "--method", "learned"],
    "must be square": lambda run: [
        with_file(run, "graph.json", '{"names": ["s1"], "adjacency": [[0, 1]]}').parent
    ],
    "is no node of this graph": lambda run: [run, "--labels", with_file(run, "labels.yaml", "z99: tall")],
    "must map nodes": lambda run: [run, "--labels", with_file(run, "labels.yaml", "[a]")],
    "not square": lambda run: [run, "--compare", with_file(run, "other.csv", "0,1\n")],
    "2 nodes, the graph": lambda run: [run, "--compare", with_file(run, "other.csv", "0,1\n0,0\n")],
    "no such graph": lambda run: [run, "--compare", "nowhere"],
    "one graph only": lambda run: [run, "--compare", "athlete"],
    "contradicts itself": lambda run: [run, "--tiers", "image; s"],
    "is no arrow": lambda run: [run, "--forbid", "z11"],
    "unknown key": lambda run: [run, "--knowledge", with_file(run, "k.yaml", "required: [a->b]")],
    "latent z11, row 0: not a finite number": lambda run: [spoiled(run, z11=np.nan)],
    "latent z12: the same value": lambda run: [spoiled(run, z12=1.0)],
    "is not numeric": lambda run: [spoiled(run, z12="tall")],
    "occurs twice": lambda run: [spoiled(run, id="p")],
    "no column 'z99'": lambda run: [run, "--names", "z11,z99"],
    "cannot be read": lambda run: [with_file(run, "latents.npy", "abc")],
    "must be a run folder": lambda run: [with_file(run, "latents.txt", "abc")],
    "not both": lambda run: [run, "--published", "athlete"],
    "--published athlete|celeb": lambda run: [],
    "no published graph": lambda run: ["--published", "model"],
    "--alpha": lambda run: [run, "--alpha", 1.5],
    "--min_frequency": lambda run: [run, "--min_frequency", 2],
    "--resamples": lambda run: [run, "--resamples", -1],
    "unrecognized": lambda run: [run, "--bootstrap", 5],
}


@pytest.mark.parametrize("said", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(run, capsys, said):
    words = BAD[said](run)
    before = written(run)
    assert command(*words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1, error
    assert written(run) == before
    assert written(run.parent) <= {"seed-0"}


def test_fewer_people_than_latents(tmp_path, capsys):
    np.save(tmp_path / "few.npy", latents(4))
    assert command(tmp_path / "few.npy", "--output", tmp_path / "out") == 2
    assert "4 people and 5 latents" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_seeds_that_do_not_belong_together(run, tmp_path, capsys):
    other = make_run(tmp_path / "athlete" / "seed-1")
    pd.read_parquet(other / "latents.parquet").drop(columns="z22").to_parquet(other / "latents.parquet")
    (other / "graph.json").unlink()
    (other / "truth_graph.json").unlink()
    assert command(run, other) == 2
    assert "in block" in capsys.readouterr().err


def test_help_states_what_kci_costs_from_the_scripts_own_folder():
    words = [sys.executable, SCRIPT.name, "--help"]
    answer = subprocess.run(words, cwd=SCRIPT.parent, capture_output=True, text=True, check=True)
    assert "cubic" in answer.stdout and not answer.stderr
