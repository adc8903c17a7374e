"""Run folders with known content, as the commands write them, made in milliseconds."""

from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from personax.experiments.html_report.config import ReportConfig
from personax.experiments.html_report.reading import read_records
from personax.experiments.html_report.run import page_of, page_within_limit
from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.people.config import PeopleConfig
from personax.graphs.graph import Graph
from personax.runs.files import write_json, write_text, write_yaml

# What a column or a label may be called by somebody who means harm, or who is careless.
NASTY = (
    "<script>document.title='broken'</script>",
    "</script><script>document.title='broken'</script>",
    '"><img src=x onerror="document.title=\'broken\'">',
    "' onmouseover='document.title=1",
    "{{ 7 * 7 }} {% raw %}",
    "]]>--><!-- &lt;b&gt; &amp;",
)
RUN = {"state": "finished", "command": "personax independence", "commit": "0123abc", "people": 120}


def write_run(folder: Path, config: Any, *, simulated: bool, **manifest: Any) -> Path:
    """The files of every run folder."""
    write_yaml(folder / "config.yaml", asdict(config))
    write_json(
        folder / "manifest.json",
        {**RUN, "simulated": simulated, "versions": {"personax": "0.2.0"}, **manifest},
    )
    return folder


def write_level_one(
    folder: Path,
    traits: tuple[str, ...] = ("Openness", "Neuroticism"),
    features: tuple[str, ...] = ("Height", "League"),
    *,
    simulated: bool = True,
    p_of_first: float = 1e-12,
) -> Path:
    """A run of Level I with two tests; the first test of the first cell has a chosen p-value."""
    write_run(folder, IndependenceConfig(dataset="athlete", source="simulated"), simulated=simulated)
    rows = [
        (trait, "aggregated", feature, test)
        for trait in traits
        for feature in features
        for test in ("kci", "chi_square")
    ]
    cells = pd.DataFrame(rows, columns=["trait", "scores", "feature", "test"])
    p = np.linspace(0.02, 0.9, len(cells))
    p[0] = p_of_first
    p[3] = np.nan
    cells = cells.assign(
        n=120, pvalue=p, log10_pvalue=np.log10(p), q_value=p, effect=np.linspace(0.5, 0, len(p))
    )
    cells = cells.assign(effect_low=cells["effect"] - 0.1, effect_high=cells["effect"] + 0.1, bound=False)
    cells.assign(rejected=p <= 0.05).to_csv(folder / "pvalues.csv", index=False)
    scores = [
        (rater, trait, score, 40) for rater in ("gemini", "llama") for trait in traits for score in (1, 3)
    ]
    counts = pd.DataFrame(
        [*scores, ("gemini", traits[0], None, 20)], columns=["rater", "trait", "score", "people"]
    )
    counts.to_csv(folder / "score_counts.csv", index=False)
    pd.DataFrame({"trait": traits, "icc": 0.6, "n": 100}).to_csv(folder / "agreement.csv", index=False)
    truth = [
        {
            "scores": "aggregated",
            "test": "kci",
            "dependent": 4,
            "found": 3,
            "independent": 2,
            "false_rejections": 0,
        }
    ]
    write_json(folder / "metrics.json", {"simulated": simulated, "against_truth": truth if simulated else []})
    return folder


def small_graph(names: tuple[str, ...] = ("s1", "z11", "z21"), *, simulated: bool = True) -> Graph:
    """s1 -> z11 in nearly all resamples, z11 -> z21 in a few."""
    adjacency = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    frequency = np.array([[0, 0.95, 0], [0.95, 0, 0.3], [0, 0.3, 0]])
    blocks = {"s": [names[0]], "image": [names[1]], "text": [names[2]]}
    return Graph(
        names, adjacency, frequency=frequency, orientation=frequency, blocks=blocks, simulated=simulated
    )


def write_level_two(
    folder: Path,
    names: tuple[str, ...] = ("s1", "z11", "z21"),
    features: tuple[str, ...] = ("Openness", "Height"),
    *,
    simulated: bool = True,
    seed: int = 0,
) -> Path:
    """A run on people with a graph, its truth, associations, scores and diagnostics."""
    write_run(folder, PeopleConfig(source="simulated", seed=seed), simulated=simulated)
    graph = small_graph(names, simulated=simulated)
    graph.to_json(folder / "graph.json")
    if simulated:
        graph.to_json(folder / "truth_graph.json")
    rows = [(latent, feature) for latent in names for feature in features]
    found = pd.DataFrame(rows, columns=["latent", "feature"])
    found = found.assign(n=120, pvalue=1e-5, log10_pvalue=-5.0, q_value=1e-4, rejected=True)
    found.assign(effect=np.linspace(0.1, 0.6, len(found))).to_csv(folder / "associations.csv", index=False)
    write_yaml(folder / "labels.yaml", {names[1]: f"{features[0]} 0.55?"})
    per_latent = {name: {"r2": 0.9, "correlation": 0.95} for name in names}
    metrics: dict[str, Any] = {"simulated": simulated, "criteria": {"representation": 50.0 + seed}}
    if simulated:
        metrics["truth"] = {"r2": {"s": 0.99}, "mcc": {"s": 0.98}, "per_latent": per_latent}
        metrics["graph"] = {"shd": 1, "f1": 0.9}
    write_json(folder / "metrics.json", metrics)
    finding = {
        "assumption": f"noises of {features[0]} are independent",
        "verdict": "doubtful",
        "measured": "0.2",
    }
    findings = {"eps": {**finding, "reference": "", "meaning": "what drives a latent"}}
    write_json(
        folder / "diagnostics.json", {"overall": "usable, with care", "test_rows": 99, "findings": findings}
    )
    return folder


def write_other(folder: Path, heading: str = "Agreement", *, figures: int = 1, side: int = 8) -> Path:
    """A folder of a command without a section of its own: a page, a table and pictures of random pixels."""
    write_run(folder, IndependenceConfig(dataset="celeb"), simulated=False)
    write_json(folder / "metrics.json", {})
    write_text(
        folder / "report.md",
        f"# {heading}\n\nIt is high.\n\n| rater | alpha |\n| --- | --- |\n| one | 0.9 |\n",
    )
    pd.DataFrame({heading: ["one", "two"], "value": [0.5, None]}).to_csv(folder / "spreads.csv", index=False)
    pixels = np.random.default_rng(0).integers(0, 256, (figures, side, side, 3), dtype=np.uint8)
    (folder / "figures").mkdir()
    for number, picture in enumerate(pixels):
        stream = BytesIO()
        Image.fromarray(picture).save(stream, "png")
        (folder / "figures" / f"radar_{number}.png").write_bytes(stream.getvalue())
    return folder


def write_sensitivity_run(folder: Path) -> Path:
    """A folder of the command sensitivity: two edges, a pair without one, and a dependence."""
    write_run(folder, PeopleConfig(), simulated=True)
    names = ["level", "first", "second", "test", "base", "positive", "verdict", "held", "asked", "fails"]
    claims = [
        ("edge", "s1", "z11", None, "-> (+)", True, "depends on people: half 1", 1, 2, "half 1 (reversed)"),
        ("edge", "z11", "z21", None, "---", True, "robust", 2, 2, None),
        ("edge", "s1", "z12", None, "no edge", False, "robust", 2, 2, None),
        (
            "cell",
            "Openness",
            "<b>Height</b>",
            "kci",
            "dependent (-)",
            True,
            "not robust",
            0,
            1,
            "half 2 (absent)",
        ),
    ]
    words = pd.DataFrame(
        {
            "half 1": ["reversed", "holds", "holds", "not checked"],
            "half 2": ["holds", "holds", "holds", "absent"],
            "seed 1": ["latent lost", "latent lost", "latent lost", "not checked"],
            "half 1 says": ["<- (+)", "->", "no edge", None],
            "half 2 says": ["-> (+)", "---", "no edge", "no dependence shown"],
            "seed 1 says": [None, None, None, None],
        }
    )
    table = pd.concat([pd.DataFrame(claims, columns=names), words], axis=1)
    table.to_csv(folder / "sensitivity.csv", index=False)
    pd.DataFrame({"variant": ["half 1", "half 2"], "people": [150, 150]}).to_csv(
        folder / "variants.csv", index=False
    )
    summary = {"edges": {"claims": 2, "robust": "1 (1 true)"}}
    write_json(folder / "metrics.json", {"rule": "**robust**: the rule", "summary": summary})
    return folder


def html_of_folders(*folders: Path, **options: Any) -> str:
    """The page that the command would write."""
    config = ReportConfig(folders=[str(folder) for folder in folders], **options)
    return page_within_limit(page_of(read_records(list(folders)), config), config.most_rows)
