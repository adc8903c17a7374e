"""The command sensitivity on a small simulated table: files, resuming, refusals."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import run_script
from jaxtyping import Shaped
from pictures import is_drawn

from personax.experiments.fitting import write_latents
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import Prepared, read_people
from personax.graphs.graph import Graph
from personax.runs.files import write_json
from personax.tables.schema import TRAITS

SCRIPT = "real_world_experiment/sensitivity.py"
SMALL_RUN = """
dataset: athlete
source: simulated
n: 200
image_dim: 24
text_dim: 24
model:
  hidden: 8
  shared: 2
  latents: {image: 5, text: 5}
  phase1: {epochs: 1}
  phase2: {starts: 1, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2}
"""
FEW = ("--seeds", "1", "--halves", 1, "--compressions", "none", "--obfuscated", "false", "--device", "cpu")


def read_the_truth(config: PeopleConfig, path: Path, prepared: Prepared) -> None:
    """In place of a fit: the true latents and the true graph of the people."""
    data = prepared.data
    truth = data.known_truth
    names = [str(name).replace("zimage", "z1").replace("ztext", "z2") for name in truth.latents]
    blocks = {
        block: [names[list(truth.latents).index(name)] for name in members]
        for block, members in truth.blocks.items()
        if block == "s" or block in data.modalities
    }
    if "s" not in {**config.model.latents, **({"s": 1} if config.model.shared else {})}:
        (only,) = data.modalities
        blocks = {only: [*blocks["s"], *blocks[only]]}
    kept = [names.index(name) for members in blocks.values() for name in members]
    assert truth.graph is not None
    graph = Graph([names[k] for k in kept], truth.graph[np.ix_(kept, kept)], blocks=blocks)
    latents = truth.latents.iloc[:, kept].set_axis(list(graph.names), axis=1)
    write_latents(path / "latents.parquet", latents, data, prepared.split)
    graph.to_json(path / "graph.json")
    graph.to_json(path / "truth_graph.json")
    write_json(path / "metrics.json", {})


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model is fitted."""
    monkeypatch.setattr("personax.experiments.sensitivity.run.run_people_seed", read_the_truth)


@pytest.fixture(scope="module")
def run_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sensitivity") / "run.yaml"
    path.write_text(SMALL_RUN)
    return path


@pytest.mark.usefixtures("at_once")
def test_the_command_writes_everything_and_goes_on_with_more_variants(run_file: Path) -> None:
    home = run_file.parent / "out"
    assert run_script(SCRIPT, run_file, *FEW, "--output", home) == 0
    claims = pd.read_csv(home / "sensitivity.csv", keep_default_na=False)
    variants = ["without chatgpt", "without gemini", "without llama", "without images", "without texts"]
    variants += ["seed 1", "half 1"]
    assert list(claims)[-14:] == [*variants, *(f"{variant} says" for variant in variants)]
    assert (claims["level"] == "edge").sum() == 12 * 11 / 2
    edges = claims[(claims["level"] == "edge") & claims["positive"]]
    assert set(edges["true"]) == {1.0}
    assert set(edges["verdict"]) == {"robust"}
    assert set(edges["without images"]) == {"holds", "not checked"}
    cells = claims[claims["level"] == "cell"]
    assert set(cells["without images"]) == {"not checked"}
    assert set(cells["without llama"]) <= {"holds", "absent", "appears", "other sign"}
    others = pd.read_csv(home / "variants.csv")
    assert others["variant"].tolist() == variants
    assert others["people"].tolist() == [200] * 6 + [0]
    assert "SIMULATED DATA." in (home / "sensitivity.md").read_text()
    assert is_drawn(home / "figures" / "sensitivity.png")
    manifest = json.loads((home / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert manifest["data_revision"] is None  # of a simulated table

    kept = home / "runs" / "seed_1" / "metrics.json"
    before = kept.stat().st_mtime_ns
    (home / "runs" / "half_1" / "level_one.csv").unlink()
    assert run_script(SCRIPT, run_file, *FEW, "--halves", 2, "--resume", "--output", home) == 0
    assert kept.stat().st_mtime_ns == before
    again = pd.read_csv(home / "sensitivity.csv", keep_default_na=False)
    assert list(again)[-1] == "half 2 says"
    pd.testing.assert_frame_equal(again[variants], claims[variants])


@pytest.mark.usefixtures("at_once")
def test_a_variant_with_too_few_people_is_reported_and_stops_nothing(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(SMALL_RUN.replace("n: 200", "n: 190"))
    home = tmp_path / "out"
    words = ("--seeds", "none", *FEW[2:], "--output", home)
    assert run_script(SCRIPT, config, *words) == 0
    others = pd.read_csv(home / "variants.csv").set_index("variant")
    assert "95 people are too few for 12 latents" in str(others.loc["half 1", "not done"])
    assert "95 people are too few" in (home / "sensitivity.md").read_text()


@pytest.mark.usefixtures("at_once")
def test_results_of_another_run_are_not_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, home = tmp_path / "run.yaml", tmp_path / "out"
    config.write_text(SMALL_RUN)
    words = (config, "--seeds", "none", *FEW[2:], "--output", home)
    assert run_script(SCRIPT, *words) == 0
    assert yaml.safe_load((home / "base_run.yaml").read_text())["model"]["shared"] == 2
    before = (home / "manifest.json").read_bytes()
    config.write_text(SMALL_RUN.replace("shared: 2", "shared: 1"))
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert "base_run.yaml: was made with model.shared=2, not 1" in capsys.readouterr().err
    assert (home / "manifest.json").read_bytes() == before
    (home / "base_run.yaml").unlink()
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert "has no base_run.yaml, so its run is unknown" in capsys.readouterr().err
    assert run_script(SCRIPT, *words, "--overwrite") == 0
    assert yaml.safe_load((home / "base_run.yaml").read_text())["model"]["shared"] == 1


@pytest.mark.usefixtures("at_once")
def test_answers_give_a_variant_for_each_prompt_and_repeat(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, home, answers = tmp_path / "run.yaml", tmp_path / "out", tmp_path / "answers.csv"
    config.write_text(SMALL_RUN)
    people = read_people(PeopleConfig(dataset="athlete", source="simulated", n=200)).ids
    write_answers(answers, people)
    words = (config, "--seeds", "none", *FEW[2:], "--answers", answers, "--output", home)
    assert run_script(SCRIPT, *words) == 0
    kinds = pd.read_csv(home / "variants.csv").set_index("variant")["kind"]
    assert kinds[kinds == "prompt"].index.tolist() == ["prompt number-l3-inc", "prompt text-l3-inc"]
    assert kinds[kinds == "repeat"].index.tolist() == ["prompt number-l3-inc, repeat 2"]
    write_answers(answers, people, seed=1)
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert "was made with other data" in capsys.readouterr().err


def write_answers(file: Path, people: Shaped[np.ndarray, " n"], seed: int = 0) -> None:
    """Scores of one model: two repeats in one format, one in another."""
    rng = np.random.default_rng(seed)
    parts = []
    for name, repeat in (("number-l3-inc", 0), ("number-l3-inc", 1), ("text-l3-inc", 0)):
        part = pd.DataFrame(rng.integers(1, 4, (len(people), 5)), columns=list(TRAITS))
        parts.append(part.assign(id=people, model="gemini", format=name, repeat=repeat))
    pd.concat(parts).to_csv(file, index=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "0 runs given"),
        (("a.yaml", "b.yaml"), "2 runs given"),
        (("missing.yaml",), "No such file"),
        (("{run}", "--compressions", "1"), "not 1"),
        (("{run}", "--tests", "gcm"), "it needs a condition"),
        (("{other}",), "not a run on people"),
        (("{auto}",), "latents auto; give the numbers"),
    ],
)
def test_wrong_options_are_one_line(
    run_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    message: str,
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("scm: backwards\n")
    auto = tmp_path / "auto.yaml"
    auto.write_text(f"{SMALL_RUN}latents: auto\n")
    given = [word.format(run=run_file, other=other, auto=auto) for word in words]
    assert run_script(SCRIPT, *given, "--output", tmp_path / "out") == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()
