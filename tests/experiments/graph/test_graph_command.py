"""The command draw as a user runs it: results, published graphs, comparison, and all kinds of bad input."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian, linear_laplace

from personax.experiments.graph.config import DrawConfig
from personax.experiments.graph.run import chosen_resample, read_runs
from personax.graphs.choices import Resample, Test
from personax.graphs.graph import Graph
from personax.graphs.graph_files import published
from personax.runs.files import read_yaml
from personax.runs.run_folder import CONFIG, METRICS, ROOT

SCRIPT = "real_world_experiment/draw.py"


def make_run(path: Path, *, order: list[int] | None = None, seed: int = 0) -> Path:
    """A run folder as the training scripts write it; `order` shuffles the latents under the same names."""
    path.mkdir(parents=True)
    order = order or list(range(5))
    z = linear_laplace(TRUE, 600)[:, order] + 0.05 * np.random.default_rng(seed).normal(size=(600, 5))
    table = pd.DataFrame(z, columns=NAMES)
    table.insert(0, "split", np.where(np.arange(600) % 4, "train", "test"))
    table.insert(0, "id", [f"person-{i}" for i in range(600)])
    table.to_parquet(path / "latents.parquet")
    graph = Graph(NAMES, TRUE[np.ix_(order, order)], weights=0.8 * TRUE[np.ix_(order, order)], blocks=BLOCKS)
    graph.to_json(path / "graph.json")
    graph.to_json(path / "truth_graph.json")
    (path / "manifest.json").write_text(json.dumps({"state": "finished", "simulated": True}))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "athlete" / "seed-0")


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def command(*words: object, jobs: int = 1) -> int:
    return run_script(SCRIPT, *words, "--jobs", jobs)


@pytest.fixture(scope="module")
def pc_result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of PC on a run folder."""
    run = make_run(tmp_path_factory.mktemp("pc") / "athlete" / "seed-0")
    assert command(run, "--resamples", 10, "--alpha", 0.01) == 0
    return run / "graph-pc"


def test_people_with_imputed_latents_are_left_out_and_it_is_said(
    run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The graph is estimated from the table without these people."""
    table = pd.read_parquet(run / "latents.parquet")
    lacks = np.arange(600) % 5 < 2  # 40 %
    filled = table.copy()
    filled.loc[lacks, ["z11", "z12"]] = 0.0
    with caplog.at_level("INFO"):
        filled.assign(observed_image=~lacks).to_parquet(run / "latents.parquet")
        (marked,) = read_runs([str(run)], "all", None)
        assert caplog.text.count("240 of 600 people left out") == 1
        table[~lacks].to_parquet(run / "latents.parquet")
        (complete,) = read_runs([str(run)], "all", None)
    assert caplog.text.count("left out") == 1
    pd.testing.assert_frame_equal(marked.table, complete.table)
    assert len(marked.table) == 360


def test_a_run_that_has_not_ended_is_drawn_with_a_warning(
    run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (run / CONFIG).touch()
    read_runs([str(run)], "all", None)
    assert "this run has not ended (no metrics.json); finish it with --resume" in caplog.text
    caplog.clear()
    (run / METRICS).touch()
    read_runs([str(run)], "all", None)
    assert "has not ended" not in caplog.text


def test_all_files_are_written(pc_result: Path) -> None:
    graph = {"edges.csv", "graph.json", "graph.dot", "adjacency.npy", "names.txt", "scores.json"}
    pictures = {"graph.png", "graph.svg", "graph.pdf"}
    assert written(pc_result) == graph | pictures | {"config.yaml", "manifest.json", "run.log"}


def test_edges_have_frequencies_and_weights(pc_result: Path) -> None:
    edges = pd.read_csv(pc_result / "edges.csv")
    assert list(edges) == ["from", "to", "mark", "frequency", "orientation_frequency", "weight"]
    assert edges["frequency"].between(0, 1).all()
    assert edges["weight"].abs().between(0.1, 1).all()


def test_the_true_graph_is_found_and_scored(pc_result: Path) -> None:
    scores = json.loads((pc_result / "scores.json").read_text())
    assert scores["shd"] == 0
    assert scores["edge_auc"] == 1
    assert np.array_equal(np.load(pc_result / "adjacency.npy"), TRUE)
    assert (pc_result / "names.txt").read_text().split() == NAMES


def test_the_graph_keeps_its_blocks_and_that_it_is_simulated(pc_result: Path) -> None:
    graph = Graph.from_json(pc_result / "graph.json")
    assert graph.simulated
    assert graph.blocks == BLOCKS
    assert "<!-- simulated people -->" in (pc_result / "graph.svg").read_text(encoding="utf-8")


def test_what_was_done_is_printed_and_logged(pc_result: Path) -> None:
    log = (pc_result / "run.log").read_text()
    assert "athlete, seed-0: 5 nodes, 5 edges; PC (fisherz, level 0.01), 600 people, 10 resamples" in log
    assert "against the truth: shd 0, shd_cpdag 0, f1 1" in log


def test_an_existing_result_is_refused_unless_overwritten(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run / "graph-learned"
    folder.mkdir()
    (folder / "config.yaml").write_text("method: learned\n")
    assert command(run, "--method", "learned") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert written(folder) == {"config.yaml"}
    assert command(run, "--method", "learned", "--overwrite") == 0
    assert "graph.json" in written(folder)


def test_the_models_own_graph_is_drawn_and_pc_beside_it_on_request(run: Path) -> None:
    assert command(run) == 0
    own = run / "graph-learned"
    assert json.loads((own / "scores.json").read_text())["shd"] == 0
    assert read_yaml(own / "config.yaml")["method"] == "learned"
    assert command(run, "--beside", "pc", "--resamples", 4, "--alpha", 0.01, "--overwrite") == 0
    assert {"graph.png", "comparison.png", "comparison.json"} <= written(own)
    assert (
        "<!-- PC (fisherz, level 0.01), 600 people, 4 resamples -->" in (own / "comparison.svg").read_text()
    )


@pytest.mark.parametrize("words", [["--alpha", 0.02], ["--tiers", "s; image; text"]])
def test_options_of_the_estimation_ask_for_pc(run: Path, words: list[object]) -> None:
    assert command(run, *words, "--resamples", 0) == 0
    assert written(run) >= {"graph-pc"}


def test_without_a_learned_graph_pc_is_drawn(run: Path) -> None:
    assert command(without(run, "graph.json"), "--output", run / "out") == 0
    assert read_yaml(run / "out" / "config.yaml")["method"] == "pc"


@pytest.mark.parametrize("method", ["learned", "pc"])
def test_several_seeds_are_matched_and_agree(run: Path, tmp_path: Path, method: str) -> None:
    other = make_run(tmp_path / "athlete" / "seed-1", order=[0, 2, 1, 4, 3], seed=1)
    assert command(run, other, "--method", method, "--resamples", 6, "--alpha", 0.01) == 0
    graph = Graph.from_json(tmp_path / "athlete" / f"graph-{method}" / "graph.json")
    assert np.array_equal(graph.adjacency, TRUE)
    assert graph.frequency is not None
    both_have_it = graph.frequency[0, 1] == 1
    assert both_have_it != graph.calibrated  # a share of resamples, or a probability that stays below 1
    assert graph.calibrated == (method == "learned")


def test_min_frequency_drops_rare_edges(run: Path, tmp_path: Path) -> None:
    words = [run, "--resamples", 8, "--alpha", 0.3, "--resample", "half", "--output"]
    assert command(*words, tmp_path / "all") == 0
    assert command(*words, tmp_path / "frequent", "--min-frequency", 1.0) == 0
    rare, frequent = (pd.read_csv(tmp_path / name / "edges.csv")["frequency"] for name in ("all", "frequent"))
    assert (frequent == 1).all()
    assert len(frequent) == (rare == 1).sum() < len(rare)


@pytest.mark.parametrize(
    ("test", "asked", "taken"),
    [
        ("fisherz", "auto", "bootstrap"),
        ("rcit", "auto", "bootstrap"),
        ("kci", "auto", "half"),
        ("kci", "bootstrap", "bootstrap"),
        ("fisherz", "half", "half"),
    ],
)
def test_kernel_tests_are_resampled_without_copies(test: Test, asked: Any, taken: Resample) -> None:
    assert chosen_resample(DrawConfig(test=test, resample=asked)) == taken


@pytest.mark.parametrize("suffix", [".npy", ".parquet", ".csv"])
def test_files_of_latents_are_read_with_background_knowledge(tmp_path: Path, suffix: str) -> None:
    path, table = tmp_path / f"latents{suffix}", pd.DataFrame(linear_gaussian(TRUE, 600), columns=NAMES)
    if suffix == ".npy":
        np.save(path, table.to_numpy())
    elif suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        table.to_parquet(path)
    words = [path, "--names", ",".join(NAMES), "--resamples", 0, "--alpha", 0.01]
    words += ["--tiers", "s; z1; z2", "--knowledge", knowledge(tmp_path), "--output", tmp_path / "out"]
    assert command(*words) == 0
    graph = Graph.from_json(tmp_path / "out" / "graph.json")
    assert graph.blocks == {"s": ["s1"], "z1": ["z11", "z12"], "z2": ["z21", "z22"]}
    assert not graph.adjacency[3:, 1:3].any()


def knowledge(folder: Path) -> Path:
    (folder / "knowledge.yaml").write_text("nothing_into_s: true\nforbid: [z22->z21]\n")
    return folder / "knowledge.yaml"


def test_a_published_graph_is_drawn(tmp_path: Path) -> None:
    assert command("--published", "celeb", "--output", tmp_path / "out") == 0
    graph = Graph.from_json(tmp_path / "out" / "graph.json")
    assert graph.edge_texts() == published("celeb").graph.edge_texts()
    assert "<!-- CelebPersona, as published -->" in (tmp_path / "out" / "graph.svg").read_text("utf-8")


def test_a_published_graph_is_compared_with_itself(tmp_path: Path) -> None:
    assert command("--published", "athlete", "--output", tmp_path / "out", "--compare", "athlete") == 0
    comparison = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert comparison["shd"] == 0
    assert comparison["shared"] == published("athlete").graph.edge_texts()
    assert {"comparison.png", "comparison.svg", "comparison.pdf"} <= written(tmp_path / "out")


def test_comparison_names_what_differs(run: Path, tmp_path: Path) -> None:
    other = TRUE.copy()
    other[0, 1], other[1, 0], other[1, 3] = 0, 1, 1
    np.save(tmp_path / "other.npy", other)
    assert command(run, "--method", "learned", "--compare", tmp_path / "other.npy") == 0
    result = json.loads((run / "graph-learned" / "comparison.json").read_text())
    assert result["shd"] == 2
    assert result["only_here"] == ["s1 -> z11"]
    assert result["only_there"] == ["z11 -> s1", "z11 -> z21"]
    assert len(result["shared"]) == 4


def test_labels_are_written_into_the_nodes(run: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("z11: skin tone\n")
    assert command(run, "--method", "learned", "--labels", tmp_path / "labels.yaml") == 0
    assert "skin tone" in (run / "graph-learned" / "graph.dot").read_text()
    assert "<!-- skin tone -->" in (run / "graph-learned" / "graph.svg").read_text(encoding="utf-8")


def test_a_recorded_configuration_repeats_the_run(pc_result: Path, tmp_path: Path) -> None:
    config = pc_result / "config.yaml"
    assert read_yaml(config)["sources"] == [str(pc_result.parent)]
    assert run_script(SCRIPT, "--config", config, "--output", tmp_path / "again") == 0
    first, second = (folder / "graph.json" for folder in (pc_result, tmp_path / "again"))
    assert first.read_text() == second.read_text()


def without(run: Path, file: str) -> Path:
    (run / file).unlink()
    return run


def spoiled(run: Path, column: str, value: float | str) -> Path:
    table = pd.read_parquet(run / "latents.parquet")
    table[column] = value
    table.to_parquet(run / "latents.parquet")
    return run


def with_file(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def real(run: Path) -> Path:
    """The run, as one of real people."""
    (run / "manifest.json").write_text(json.dumps({"state": "finished", "simulated": False}))
    return run


# Part of the message -> the words on the command line that cause it.
BAD: dict[str, Callable[[Path], list[object]]] = {
    "no such run folder": lambda run: [run.parent / "seed-9"],
    "no latents.parquet": lambda run: [without(run, "latents.parquet")],
    "no learned graph": lambda run: [without(run, "graph.json"), "--method", "learned"],
    "must be square": lambda run: [
        with_file(run, "graph.json", '{"names": ["s1"], "adjacency": [[0, 1]]}').parent
    ],
    "is not a node of this graph": lambda run: [run, "--labels", with_file(run, "labels.yaml", "z99: tall")],
    "must map nodes": lambda run: [run, "--labels", with_file(run, "labels.yaml", "[a]")],
    "not square": lambda run: [run, "--compare", with_file(run, "other.csv", "0,1\n")],
    "2 nodes, the graph": lambda run: [run, "--compare", with_file(run, "other.csv", "0,1\n0,0\n")],
    "no such graph": lambda run: [run, "--compare", "nowhere"],
    "these people are simulated": lambda run: [run, "--compare", "athlete"],
    "one graph only": lambda run: [real(run), "--compare", "athlete"],
    "contradicts itself": lambda run: [run, "--tiers", "image; s"],
    "is not an arrow": lambda run: [run, "--forbid", "z11"],
    "unknown key": lambda run: [run, "--knowledge", with_file(run, "k.yaml", "required: [a->b]")],
    "latent z11, row 0: not a finite number": lambda run: [spoiled(run, "z11", np.nan)],
    "latent z12: the same value": lambda run: [spoiled(run, "z12", 1.0)],
    "is not numeric": lambda run: [spoiled(run, "z12", "tall")],
    "occurs twice": lambda run: [spoiled(run, "id", "p")],
    "no column 'z99'": lambda run: [run, "--names", "z11,z99"],
    "damaged or incomplete": lambda run: [with_file(run, "latents.npy", "abc")],
    "must be a run folder": lambda run: [with_file(run, "latents.txt", "abc")],
    "not both": lambda run: [run, "--published", "athlete"],
    "nothing to draw: give run folders": lambda run: [],
    "no published graph": lambda _: ["--published", "model"],
    "--beside pc: excludes": lambda run: [run, "--beside", "pc", "--compare", "athlete"],
    "alpha 1.5: must be between": lambda run: [run, "--alpha", 1.5],
    "min_frequency 2: must be": lambda run: [run, "--min_frequency", 2],
    "resamples -1: must be": lambda run: [run, "--resamples", -1],
    "no such option": lambda run: [run, "--bootstrap", 5],
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_answered_in_one_line_and_leaves_nothing(
    run: Path, capsys: pytest.CaptureFixture[str], message: str
) -> None:
    words = BAD[message](run)
    before = written(run)
    assert command(*words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1, error
    assert written(run) == before
    assert written(run.parent) <= {"seed-0"}


def test_fewer_people_than_latents_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "few.npy", linear_gaussian(TRUE, 4))
    assert command(tmp_path / "few.npy", "--output", tmp_path / "out") == 2
    assert "4 people and 5 latents" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_seeds_that_do_not_belong_together_are_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = make_run(tmp_path / "athlete" / "seed-1")
    pd.read_parquet(other / "latents.parquet").drop(columns="z22").to_parquet(other / "latents.parquet")
    (other / "graph.json").unlink()
    (other / "truth_graph.json").unlink()
    assert command(run, other) == 2
    assert "in block" in capsys.readouterr().err


def test_help_shows_examples_and_what_kci_costs_from_the_folder_of_the_script() -> None:
    script = ROOT / SCRIPT
    words = [sys.executable, script.name, "--help"]
    answer = subprocess.run(words, cwd=script.parent, capture_output=True, text=True, check=True)
    assert "draw.py --published celeb" in answer.stdout
    assert "linear in the number of people" in " ".join(answer.stdout.split())
    assert not answer.stderr
