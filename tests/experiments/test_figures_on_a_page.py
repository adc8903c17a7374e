"""Every figure of an experiment is as wide as a column or a page, in text that can be read there."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from pictures import assert_fits_a_page, figures_saved

from personax.experiments.comparison.figures import draw_trends
from personax.experiments.diagnostics.figures import draw_findings_page
from personax.experiments.diagnostics.findings import Finding
from personax.experiments.independence.facts import counts_of_scores
from personax.experiments.independence.figures import Caption, draw_effects, draw_evidence, draw_trait_scores
from personax.experiments.method_bars import draw_methods
from personax.experiments.obfuscation_study.figures import draw_attacks, draw_latents
from personax.experiments.people.figures import draw_associations
from personax.experiments.recovery_figures import draw_pairs
from personax.experiments.scored_run_figures import draw_recovery, draw_samples
from personax.experiments.selection.figures import draw_criteria
from personax.experiments.selection.run import CRITERIA
from personax.experiments.training_curves import draw_curves
from personax.tables import TRAITS
from personax.views import MultiViewData, Truth

RNG = np.random.default_rng(0)
LONG = "a name that is much longer than there is room for on any page of a paper"
LATENTS = ["s1", *(f"z1{k}" for k in range(1, 10)), "z1_10", "z21", "z22"]
CAPTION = Caption("athlete", "simulated athlete table, 300 people, data seed 0", 300, simulated=True)


def table(columns: list[str], rows: int = 20) -> pd.DataFrame:
    return pd.DataFrame(RNG.normal(size=(rows, len(columns))), columns=columns)


def scores(rows: int = 3) -> pd.DataFrame:
    return pd.DataFrame(RNG.uniform(0.5, 1, size=(rows, 2)), columns=["R2", "MCC"])


def cells(features: int, tests: list[str], targets: list[str], sources: list[str]) -> pd.DataFrame:
    """Results of Level I, all of them defined; the names of the features are too long."""
    keys = [
        {"feature": f"{i} {LONG}", "trait": target, "scores": source, "test": test}
        for test in tests
        for source in sources
        for i in range(features)
        for target in targets
    ]
    log10 = -RNG.exponential(20, len(keys))
    known = {"pvalue": 10**log10, "log10_pvalue": log10, "effect": RNG.uniform(-1, 1, len(keys))}
    known |= {"effect_low": known["effect"] - 0.1, "effect_high": known["effect"] + 0.1}
    return pd.DataFrame(keys).assign(**known, bound=log10 < -30, applicable=True, rejected=log10 < -1.3)


@pytest.mark.parametrize("methods", [1, 12])
def test_bars_of_methods(tmp_path: Path, methods: int) -> None:
    with figures_saved() as figures:
        draw_methods({f"{i} {LONG}": scores() for i in range(methods)}, {}, 0.99, tmp_path / "bars")
    assert_fits_a_page(figures[0])


def test_trends_with_crowded_ticks(tmp_path: Path) -> None:
    numbers = np.repeat([2500, 2600, 5000, 10_000, 11_000, 20_000, 40_000], 2)
    trends = {axis: scores(len(numbers)).assign(x=numbers) for axis in ("scenes", "people", "pictures")}
    with figures_saved() as figures:
        draw_trends(trends, tmp_path / "trends")
        draw_trends({"scenes": trends["scenes"]}, tmp_path / "one")
    for figure in figures:
        assert_fits_a_page(figure)


def test_criteria_with_nearly_equal_values(tmp_path: Path) -> None:
    candidates = pd.DataFrame(
        {name: 1000 + 1e-3 * RNG.normal(size=6) for name in CRITERIA} | {"MCC": RNG.uniform(size=6)},
        index=[f"{i} {LONG}" for i in range(6)],
    ).assign(latents=3)
    with figures_saved() as figures:
        draw_criteria(candidates, str(candidates.index[0]), tmp_path / "criteria")
    assert_fits_a_page(figures[0])


@pytest.mark.parametrize("latents", [4, len(LATENTS)])
def test_findings_of_the_diagnosis(tmp_path: Path, latents: int) -> None:
    pair = {"same": RNG.uniform(size=9), "other": RNG.uniform(1, 2, size=9)}
    effects = dict(zip(LATENTS[:latents], RNG.uniform(size=latents), strict=True))
    curves: dict[str, dict[str, Any]] = {
        "noise": {"effect": 0.9, "chance": 0.3},
        "alignment": {f"garment {a}, {b}": pair for a, b in ((1, 2), (1, 3), (2, 3))},
        "orthogonality": {"garment": {"rotations": RNG.uniform(size=90), "value": 0.1}},
        "reach": {"effects": effects, "silent": [], "chance": 0.2},
    }
    findings = [
        Finding(key, "measurements x independent given their z", "violated", "0.9", curves=found)
        for key, found in curves.items()
    ]
    with figures_saved() as figures:
        draw_findings_page(findings, tmp_path / "page", title="SIMULATED DATA. celeb/seed-0, 900 test rows")
    assert_fits_a_page(figures[0], cells=True)


def test_training_curves(tmp_path: Path) -> None:
    terms = ("", "_reconstruction", "_kl", "_align", "_cross", "_shared")
    epochs = table([f"{part}{term}" for part in ("train", "validation") for term in terms], 3)
    epochs = epochs.assign(epoch=range(3), phase="representation")
    generations = pd.DataFrame(
        {"phase": "identification", "generation": range(3), "objective": [[1.0, None]] * 3}
    )
    with figures_saved() as figures:
        draw_curves(pd.concat([epochs, generations]), tmp_path / "training")
    assert_fits_a_page(figures[0])


def test_latents_against_features(tmp_path: Path) -> None:
    keys = [{"feature": f"{i}_{LONG}", "latent": latent} for i in range(30) for latent in LATENTS]
    associations = pd.DataFrame(keys).assign(effect=RNG.uniform(size=len(keys)), rejected=True)
    with figures_saved() as figures:
        draw_associations(associations, tmp_path / "associations", title="SIMULATED DATA. 300 people")
    assert_fits_a_page(figures[0], cells=True)


@pytest.mark.parametrize("releases", [1, 9])
def test_attacks_and_changes_of_latents(tmp_path: Path, releases: int) -> None:
    names = [f"general {10**i}" for i in range(releases)]
    keys = [{"release": name, "attack": "ridge", "k": k} for name in names for k in (0, 1, 10, 100, 1000)]
    attacks = pd.DataFrame(keys).assign(top1=RNG.uniform(size=len(keys)), chance=0.01)
    links = pd.DataFrame({"release": names, "AUC": 0.5, "distances": 0.9, "chance": 0.01})
    every = ["plain", *names]
    scores = {name: RNG.uniform(size=len(every)) for name in ("R2", "MCC", "SHD", "same latents")}
    with figures_saved() as figures:
        draw_attacks(attacks, links, tmp_path / "attacks", title="SIMULATED DATA. 2000 people")
        draw_latents(pd.DataFrame({"release": every, "seed": 0, **scores}), tmp_path / "latents", title="x")
    for figure in figures:
        assert_fits_a_page(figure, cells=True)


@pytest.mark.parametrize("latents", [2, 4])
def test_recovered_against_true_latents(tmp_path: Path, latents: int) -> None:
    names = LATENTS[:latents]
    with figures_saved() as figures:
        draw_recovery(table(names), table(names), tmp_path / "recovery", title="20 test scenes, MCC 0.1")
    assert_fits_a_page(figures[0], cells=True)
    assert "true $s_{1}$" in [axes.get_xlabel() for axes in figures[0].axes]


def test_pairs_have_the_names_of_the_graph(tmp_path: Path) -> None:
    true = table([f"zimage{k}" for k in range(len(LATENTS))])
    recovered = (-true).set_axis(LATENTS, axis=1)
    with figures_saved() as figures:
        draw_pairs(recovered, true, tmp_path / "pairs", title="20 test people, MCC 1")
    assert_fits_a_page(figures[0])
    titles = [axes.get_title() for axes in figures[0].axes]
    assert titles[0] == "$s_{1}$: 1.00"
    assert "$z_{1{,}10}$: 1.00" in titles


def test_samples(tmp_path: Path) -> None:
    pictures = RNG.uniform(size=(20, 3, 8, 8))
    names = ["z11", "z21"]
    truth = Truth(table(names), {"digit": ["z11"], "garment": ["z21"]}, np.zeros((2, 2), int))
    data = MultiViewData({"digit": [pictures] * 3, LONG: [pictures] * 3}, truth=truth)
    with figures_saved() as figures:
        draw_samples(data, tmp_path / "samples")
    assert_fits_a_page(figures[0])


@pytest.mark.parametrize("targets", [list(TRAITS), [f"{i} {LONG}" for i in range(15)]])
def test_heatmaps_continue_on_further_pages(tmp_path: Path, targets: list[str]) -> None:
    sources = ["aggregated", "gemini", "llama"] if len(targets) == 5 else [""]
    results = cells(45, ["kci"], targets, sources)
    with figures_saved() as figures:
        draw_evidence(results, "KCI", CAPTION, tmp_path / "evidence")
    assert len(figures) > 1
    assert (tmp_path / "evidence_2.png").exists()
    for figure in figures:
        assert_fits_a_page(figure, cells=True)
    words = [text.get_text() for figure in figures for axes in figure.axes for text in axes.texts]
    assert len(words) == len(results)


def test_effects_of_every_test(tmp_path: Path) -> None:
    tests = {f"test {i}": f"test {i}" for i in range(5)}
    with figures_saved() as figures:
        draw_effects(cells(8, list(tests), list(TRAITS), ["chatgpt"]), tests, CAPTION, tmp_path / "effects")
    assert_fits_a_page(figures[0], cells=True)


@pytest.mark.parametrize("sources", [1, 5])
def test_shares_of_trait_scores(tmp_path: Path, sources: int) -> None:
    frame = pd.DataFrame(RNG.integers(1, 12, size=(50, 5)).astype(float), columns=list(TRAITS))
    with figures_saved() as figures:
        counts = counts_of_scores({trait: frame[trait].to_numpy() for trait in TRAITS})
        draw_trait_scores({f"{i} {LONG}": counts for i in range(sources)}, CAPTION, tmp_path / "scores")
    assert_fits_a_page(figures[0], cells=True)


def test_settings_of_a_person_stay_as_they_were(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    with figures_saved():
        draw_methods({"a": scores()}, {}, 0.99, tmp_path / "bars")
    assert dict(matplotlib.rcParams) == before
