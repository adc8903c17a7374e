import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn
from small_runs import hasty_order_search

from personax.experiments.obfuscated_releases import PLAIN, Release, obfuscated_table, releases
from personax.experiments.obfuscation_study.attacks import attack_release, link_releases
from personax.experiments.obfuscation_study.latents import paired_with_plain
from personax.experiments.obfuscation_study.report import (
    changes_against_plain,
    found_lines,
    linked_lines,
    mean_and_sd,
)
from personax.graphs.graph import Graph
from personax.runs.errors import InputError
from personax.tables import simulate_table

SCRIPT = "trait_inference/obfuscation_study.py"
SMALL = (
    *("--people", 80, "--image_dim", 30, "--text_dim", 30, "--known", "1,20", "--repeats", 2),
    *("--conditions", "10", "--noises", "none"),
)
TINY_MODEL = (
    *("--n", 200, "--seeds", "0", "--device", "cpu", "--model.phase1.epochs", 2),
    *("--model.phase2.starts", 1, "--model.phase2.population", 2, "--model.phase2.generation_steps", 2),
    *("--model.phase2.finalists", 1, "--model.phase2.final_steps", 2),
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study with Level II."""
    home = tmp_path_factory.mktemp("study") / "small"
    with hasty_order_search():
        assert run_script(SCRIPT, *SMALL, *TINY_MODEL, "--output", home) == 0
    return home


@pytest.mark.slow
def test_tables_page_and_figures_are_written(study: Path) -> None:
    attacks = pd.read_csv(study / "attacks.csv")
    assert set(attacks["release"]) == {"orthogonal", "general 10"}
    assert set(attacks["k"]) == {0, 1, 20}
    assert attacks["top1"].between(0, 1).all()
    rotated = attacks[(attacks["release"] == "orthogonal") & (attacks["attack"] == "Procrustes")]
    assert (rotated["top1"] > 0.9).all()
    latents = pd.read_csv(study / "latents.csv")
    assert latents["release"].tolist() == ["plain", "orthogonal", "general 10"]
    assert latents["same latents"][0] == pytest.approx(1)
    page = (study / "study.md").read_text()
    assert "SIMULATED DATA." in page
    assert "- orthogonal: not safe. With 0 known people, 100% of the others are found" in page
    assert "- orthogonal, released twice with two keys: not safe. 100% of the people are linked" in page
    assert "**Not safe to publish: vectors of people, obfuscated in any of these ways.**" in page
    assert "**Safe to release: what is about many people at once**" in page
    assert "Change against plain vectors with the same seed" in page
    for name in ("attacks", "latents"):
        assert is_drawn(study / "figures" / f"{name}.png")
    assert json.loads((study / "manifest.json").read_text())["state"] == "finished"


def stops(*_: object) -> pd.DataFrame:
    """Level II, whose runs fail."""
    raise InputError("3 of 3 runs failed")


def test_a_refusal_after_the_attacks_keeps_them_and_seeds_can_be_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home, words = tmp_path / "study", [*SMALL, "--n", 200, "--seeds", "0"]
    monkeypatch.setattr("personax.experiments.obfuscation_study.command.study_latents", stops)
    assert run_script(SCRIPT, *words, "--output", home) == 2
    assert "3 of 3 runs failed" in capsys.readouterr().err
    assert "- orthogonal: not safe" in (home / "study.md").read_text()
    kept = home / "attacks" / "orthogonal.json"
    before = kept.stat().st_mtime_ns
    rows = [(PLAIN, 0, 0.5, 0.5, 4, 1.0), ("orthogonal", 0, 0.5, 0.5, 4, 1.0)]
    found = pd.DataFrame(rows, columns=["release", "seed", "R2", "MCC", "SHD", "same latents"])
    monkeypatch.setattr("personax.experiments.obfuscation_study.command.study_latents", lambda *_: found)
    more = ("--seeds", "0,1", "--conditions", "none", "--resume")
    assert run_script(SCRIPT, *words, *more, "--output", home) == 0
    assert kept.stat().st_mtime_ns == before
    assert "Change against plain vectors with the same seed" in (home / "study.md").read_text()


@pytest.mark.slow
def test_a_study_that_was_interrupted_goes_on(study: Path) -> None:
    before = (study / "study.md").read_text()
    (study / "attacks" / "general_10.json").unlink()
    kept = (study / "attacks" / "orthogonal.json").stat().st_mtime_ns
    assert run_script(SCRIPT, *SMALL, *TINY_MODEL, "--output", study, "--resume") == 0
    assert (study / "study.md").read_text() == before
    assert (study / "attacks" / "orthogonal.json").stat().st_mtime_ns == kept


def test_own_vectors_are_attacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    vectors = [*rng.standard_normal((70, 12)).astype(np.float32), None, np.full(12, np.nan)]
    frame = pd.DataFrame({"ID": range(72), "face": vectors})
    frame.to_parquet(tmp_path / "own.parquet")
    words = (
        "--embeddings",
        tmp_path / "own.parquet",
        "--latents",
        "false",
        *SMALL,
        "--output",
        tmp_path / "s",
    )
    assert run_script(SCRIPT, *words) == 0
    printed = capsys.readouterr().out
    assert "own.parquet, column face, 70 people" in printed
    assert "SIMULATED" not in printed
    assert not (tmp_path / "s" / "latents.csv").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--conditions", "0.5"), "conditions '0.5': different numbers from 1 to 10,000"),
        (("--conditions", "10,ten"), "write numbers, as 10,100, or none"),
        (("--noises", "1,1"), "different numbers"),
        (("--known", "0,1"), "attacks without known people are always made"),
        (("--people", 60, "--known", "59"), "someone must be left to find"),
        (("--column", "face"), "only with --embeddings"),
        (("--embeddings", "none.parquet"), "no such file"),
        (
            ("--model.shared", 1),
            "simulated athletes, with whose truth runs are compared, have 2",
        ),
    ],
)
def test_wrong_options_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[object, ...], message: str
) -> None:
    assert run_script(SCRIPT, "--people", 60, "--known", 5, *words, "--output", tmp_path / "s") == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert not (tmp_path / "s").exists()


VECTORS = np.random.default_rng(0).standard_normal((100, 16)).astype(np.float32)


def test_attacks_find_rotated_vectors_and_nobody_behind_strong_noise() -> None:
    rotated, noisy = releases("none", "50")
    for release, least, most in ((rotated, 0.95, 1.0), (noisy, 0.0, 0.08)):
        rows = attack_release(release, VECTORS, VECTORS[:0], [30], 2, 0)
        found = {row["attack"]: float(np.mean(row["top1"])) for row in rows}
        assert set(found) == {"Procrustes", "ridge", "distances", "whitened distances"}
        assert least <= found["Procrustes"] <= most
        assert least <= found["distances"] <= most


def test_an_attacker_with_half_of_the_people_is_measured_if_there_are_strangers() -> None:
    others = np.random.default_rng(1).standard_normal((50, 16)).astype(np.float32)
    rows = attack_release(releases("none", "none")[0], VECTORS, others, [5], 1, 0)
    assert "distances, half of the people" in [row["attack"] for row in rows]


def test_two_keys_do_not_make_releases_unlinkable() -> None:
    linked = link_releases(releases("none", "none")[0], VECTORS, 0)
    assert linked["top1"]["distances"] > 0.95  # type: ignore[index]
    assert linked["auc"] == pytest.approx(0.5, abs=0.25)


def test_the_page_names_the_first_success() -> None:
    rows = [("a", "ridge", 1, 0.005, 0.01), ("a", "ridge", 100, 0.9, 0.01), ("b", "ridge", 1, 0.02, 0.01)]
    attacks = pd.DataFrame(rows, columns=["release", "attack", "k", "top1", "chance"])
    first, second = found_lines(attacks)
    assert re.search(r"a: not safe. With 100 known people, 90% .*\(ridge\)", first)
    assert second == "- b: no attack tried here finds more than 2.0% of the people."


def test_simulated_people_are_obfuscated_measurement_by_measurement() -> None:
    table = simulate_table("celeb", n=60, image_dim=20, text_dim=20)
    hidden = obfuscated_table(table, releases("none", "none")[0], 0)
    assert hidden.sha256 != table.sha256
    assert hidden.truth is table.truth
    for number in range(3):
        seen = table.observed["image"][:, number]
        before, after = table.embeddings["image"][number][seen], hidden.embeddings["image"][number][seen]
        np.testing.assert_allclose(after @ after.T, before @ before.T, rtol=1e-3, atol=1e-3)
        assert not hidden.embeddings["image"][number][~seen].any()
    assert obfuscated_table(table, Release(PLAIN, PLAIN), 0) is table


def test_latents_are_paired_within_their_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    z = pd.DataFrame(rng.standard_normal((40, 4)), columns=["s1", "s2", "z11", "z12"])
    other = z[["s2", "s1", "z12", "z11"]].set_axis(z.columns, axis=1) * [-1, 2, 3, -4]
    for name, latents in (("plain", z), ("other", other)):
        folder = tmp_path / name
        folder.mkdir()
        latents.assign(split="test").to_parquet(folder / "latents.parquet")
        graph = Graph(
            tuple(z.columns), np.zeros((4, 4), int), blocks={"s": ["s1", "s2"], "image": ["z11", "z12"]}
        )
        graph.to_json(folder / "graph.json")
    assert paired_with_plain(tmp_path / "plain", tmp_path / "other") == pytest.approx(1)


def test_scores_of_several_seeds_have_a_spread() -> None:
    frame = pd.DataFrame({"release": ["a", "a", "b"], "seed": [0, 1, 0], "R2": [0.5, 0.7, 0.1]})
    assert mean_and_sd(frame)["R2"].tolist() == ["0.600 ± 0.141", "0.100"]


def test_changes_are_those_of_the_same_seed() -> None:
    rows = [(PLAIN, 0, 0.5, 4), (PLAIN, 1, 0.9, 0), ("a", 1, 0.8, 1), ("a", 0, 0.6, 2)]
    latents = pd.DataFrame(rows, columns=["release", "seed", "R2", "SHD"]).assign(MCC=0.1)
    found = changes_against_plain(latents)
    assert found["release"].tolist() == ["a", "a"]
    np.testing.assert_allclose(found[["R2", "MCC", "SHD"]], [[-0.1, 0, 1], [0.1, 0, -2]], atol=1e-12)


def test_the_page_says_where_a_second_key_does_not_help() -> None:
    links = pd.DataFrame(
        {"release": ["a", "b"], "AUC": 0.5, "distances": [0.2, 0.004], "whitened": 0.0, "chance": 0.001}
    )
    first, second = linked_lines(links)
    assert (
        first
        == "- a, released twice with two keys: not safe. 20% of the people are linked without a known pair."
    )
    assert second.endswith("no attack tried here links more than 0.4% of the people.")


def test_the_list_of_releases_is_refused_beyond_its_bounds() -> None:
    assert [r.name for r in releases("10", "0.5")] == ["orthogonal", "general 10", "noise 0.5"]
    for text in ("nan", "inf", "-1"):
        with pytest.raises(InputError, match="numbers from 0"):
            releases("none", text)
