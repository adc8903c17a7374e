"""Discover the causal graph over latents and draw it.

python real_world_experiment/draw.py results/athlete/default/seed-0                    PC with 100 bootstraps
python real_world_experiment/draw.py results/athlete/default/seed-*  --method learned  the seeds' own graphs
python real_world_experiment/draw.py latents.npy --names s1,s2,z11,z12,z21 --method fci
python real_world_experiment/draw.py --published celeb                                 the paper's graph
python real_world_experiment/draw.py results/athlete/default/seed-0 --compare athlete  both, side by side
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from personax.graphs.discovery import Discovery, check_latents
from personax.graphs.drawing import draw_graph, draw_side_by_side
from personax.graphs.estimate import estimated_graph, learned_graph, match_runs
from personax.graphs.graph import Graph
from personax.graphs.knowledge import (
    Statements,
    forbidden_arrows,
    parse_arrows,
    parse_tiers,
    read_statements,
)
from personax.graphs.scores import edge_auc, graph_scores
from personax.graphs.sources import Latents, published, read_graph, read_labels, read_latents
from personax.runs.command import run_command
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.folder import RunFolder, existing_path, open_run

log = logging.getLogger(__name__)

CONSENSUS = 0.5  # least share of resamples for an edge in the graph of several seeds
FORMATS = ("png", "svg", "pdf")
EPILOG = (
    "Cost of 100 resamples of 9,444 people with 18 latents on 2 cores: pc with fisherz 20 s (2 min if nearly "
    "all latents depend on each other), fci and ges up to twice that, rcit an hour (20 to 70 ms a test). kci "
    "is linear in the people where nothing is conditioned on, cubic otherwise: 2 s a test at 1,000 people, "
    "15 s at 2,000. Use it with --rows test, --max_conditioning 1 or --resamples 0."
)


@dataclass
class DrawConfig:
    """One graph: where it comes from, what is known about it, how it is drawn."""

    sources: list[str] = field(default_factory=list)
    """Run folders (several: seeds of one experiment), or one .npy, .parquet or .csv file of latents."""
    published: str | None = None
    """Draw a graph of the paper instead: athlete or celeb."""
    method: Literal["pc", "fci", "ges", "learned"] = "pc"
    """pc, fci, ges: estimated from the latents; learned: the model's own graph, from the run folder."""
    test: Literal["fisherz", "rcit", "kci"] = "fisherz"
    """Conditional independence test of pc and fci; fisherz is linear. Cost: see below."""
    alpha: float = 0.05
    """Level of each test."""
    max_conditioning: int = 4
    """Largest conditioning set of pc and fci; -1: no limit."""
    rows: Literal["all", "test"] = "all"
    """People that the graph is estimated on."""
    names: str | None = None
    """Comma-separated: names of a .npy file's columns, or the columns of a table to use."""
    resamples: int = 100
    """Resamples of the people for the edge frequencies; 0: none."""
    resample: Literal["bootstrap", "half"] = "bootstrap"
    """bootstrap: as many people, with replacement; half: half of them, without (fewer chance edges)."""
    min_frequency: float = 0.0
    """Leave out edges in a smaller share of resamples. With several run folders at least 0.5 is used."""
    knowledge: str | None = None
    """YAML file with any of nothing_into_s, tiers, cross_modal, forbid; flags add to it."""
    nothing_into_s: bool | None = None
    """Forbid arrows into shared latents; true unless the knowledge file says otherwise."""
    tiers: str = ""
    """Blocks or nodes, causes first: "s; image; text" or "z11, z12; z21"."""
    cross_modal: str | None = None
    """Arrows allowed across modalities, as in "image->text"; "none" for none. All if left out."""
    forbid: str = ""
    """Arrows that cannot be, as in "z11->z12, z21->z11"."""
    compare: str | None = None
    """Another graph: athlete, celeb, a graph.json, a folder with one, or a .npy or .csv adjacency."""
    labels: str | None = None
    """YAML file node: label, written into the nodes."""
    title: str | None = None
    """Heading of the picture; a description if left out."""
    output: str | None = None
    """Folder for the results; by default graph-METHOD beside the latents."""
    overwrite: bool = False
    """Replace an existing output folder."""
    jobs: int = -1
    """Processes for the resamples, one thread each; -1: one a core. The result does not depend on it."""
    seed: int = 0
    """Seed of the resamples and of the random features of rcit and kci."""


def check_options(config: DrawConfig) -> None:
    """Raise InputError for values out of range and options that exclude each other."""
    if bool(config.sources) == bool(config.published):
        raise InputError("give run folders or a file of latents, or --published athlete|celeb, not both")
    if not 0 < config.alpha < 1:
        raise InputError(f"--alpha {config.alpha}: must be between 0 and 1")
    if not 0 <= config.min_frequency <= 1:
        raise InputError(f"--min_frequency {config.min_frequency}: must be between 0 and 1")
    if (
        config.resamples < 0
        or config.seed < 0
        or config.max_conditioning < -1
        or config.jobs in (0, *range(-99, -1))
    ):
        raise InputError(
            "--resamples and --seed must be at least 0, --max_conditioning and --jobs -1 or more"
        )


def statements(config: DrawConfig) -> Statements:
    """Background knowledge from the file, with the flags on top: they replace, forbidden arrows add up."""
    said = read_statements(existing_path(config.knowledge)) if config.knowledge else Statements()
    if config.nothing_into_s is not None:
        said = replace(said, nothing_into_s=config.nothing_into_s)
    if config.tiers:
        said = replace(said, tiers=parse_tiers(config.tiers))
    if config.cross_modal is not None:
        text = "" if config.cross_modal.strip() == "none" else config.cross_modal
        said = replace(said, cross_modal=parse_arrows(text, "--cross_modal"))
    return replace(said, forbid=said.forbid + parse_arrows(config.forbid, "--forbid"))


def read_runs(sources: Sequence[str], rows: Literal["all", "test"], names: str | None) -> list[Latents]:
    """The latents of every source, fit for discovery, their columns in the order of the first."""
    columns = [name.strip() for name in names.split(",")] if names else None
    runs = [read_latents(existing_path(source), rows=rows, names=columns) for source in sources]
    for run in runs:
        check_latents(run.table.to_numpy(), run.names)
    return match_runs(runs)


def truth_scores(graph: Graph, truth: Graph) -> dict[str, float]:
    """Scores against the truth; with frequencies also how well they separate true from false edges."""
    scores = graph_scores(truth.adjacency, graph.adjacency)
    if graph.frequency is not None:
        scores["edge_auc"] = edge_auc(truth.adjacency, graph.frequency)
    return scores


def comparison(graph: Graph, other: Graph) -> dict[str, Any]:
    """SHD, and the edges that both graphs have, and those that only one has, as text."""

    def texts(which: Graph) -> list[str]:
        return [f"{which.names[e.source]} {e.mark} {which.names[e.target]}" for e in which.edges()]

    ours, theirs = texts(graph), texts(other)
    return {
        "shd": graph_scores(other.adjacency, graph.adjacency)["shd"],
        "shared": [edge for edge in ours if edge in theirs],
        "only_here": [edge for edge in ours if edge not in theirs],
        "only_there": [edge for edge in theirs if edge not in ours],
    }


def write_graph(run: RunFolder, graph: Graph, labels: dict[str, str], title: str, note: str) -> list[Path]:
    """All files of one graph; returns the pictures."""
    graph.table().to_csv(run / "edges.csv", index=False)
    graph.to_json(run / "graph.json")
    write_text(run / "graph.dot", graph.to_dot(labels))
    with atomic_path(run / "adjacency.npy") as temporary:
        np.save(temporary, graph.adjacency)
    write_text(run / "names.txt", "\n".join(graph.names) + "\n")
    return draw_graph(graph, run / "graph", title=title, labels=labels, note=note, formats=FORMATS)


def describe(config: DrawConfig, runs: Sequence[Latents]) -> str:
    """One line on how the graph was made, for the picture and the terminal."""
    if config.method == "learned":
        return f"learned by the model, {len(runs)} seeds" if len(runs) > 1 else "learned by the model"
    test = "BIC" if config.method == "ges" else f"{config.test}, level {config.alpha:g}"
    people = f"{len(runs[0].table):,} people" + (f", {len(runs)} seeds" if len(runs) > 1 else "")
    resamples = f", {config.resamples} resamples" if config.resamples else ""
    return f"{config.method.upper()} ({test}), {people}{resamples}"


def run_title(sources: Sequence[str]) -> str:
    """What to call the result: the experiment and the seed, or the file."""
    first = existing_path(sources[0])
    if len(sources) > 1:
        return first.parent.name
    return f"{first.parent.name}, {first.name}" if first.is_dir() else first.stem


def default_output(config: DrawConfig) -> Path:
    """Beside the run folder (several: beside the first); files and published graphs: below results/."""
    if config.published:
        return Path("results/graphs") / f"published-{config.published}"
    first = existing_path(config.sources[0])
    if not first.is_dir():
        return Path("results/graphs") / f"{first.stem}-{config.method}"
    return (first.parent if len(config.sources) > 1 else first) / f"graph-{config.method}"


def draw(config: DrawConfig) -> Path:
    """Do what `config` says and return the folder with the results. Raises InputError."""
    check_options(config)
    runs = read_runs(config.sources, config.rows, config.names)
    if config.published:
        given, labels, title = published(config.published)
        make, note = (lambda: given), ""
    else:
        labels, title, note = {}, run_title(config.sources), describe(config, runs)
        make = graph_maker(config, runs)
    names = runs[0].names if runs else list(given.names)
    title = title if config.title is None else config.title
    labels |= read_labels(existing_path(config.labels), names) if config.labels else {}
    other = read_graph(config.compare, existing_path(config.compare), names) if config.compare else None

    run = open_run(config.output or default_output(config), asdict(config), overwrite=config.overwrite)
    with run.recorded(simulated=any(each.simulated for each in runs)):
        graph = make()
        pictures = write_graph(run, graph, labels, title, note)
        log.info("%s: %d nodes, %d edges%s", title, len(names), len(graph.edges()), note and f"; {note}")
        if runs and runs[0].truth:
            report_truth(run, truth_scores(graph, runs[0].truth))
        if other:
            pictures += report_comparison(run, graph, other[0], (title, other[1]), labels, note)
        for path in pictures:
            log.info("%s", path)
    return run.path


def graph_maker(config: DrawConfig, runs: Sequence[Latents]) -> Callable[[], Graph]:
    """What will make the graph; mistakes in the options show now, before anything is written."""
    least = max(CONSENSUS, config.min_frequency) if len(runs) > 1 else config.min_frequency
    if config.method == "learned":
        graph = learned_graph(runs, least)
        return lambda: graph
    forbidden = forbidden_arrows(runs[0].names, runs[0].blocks, statements(config))
    how = Discovery(config.method, config.test, config.alpha, config.max_conditioning, forbidden)
    return lambda: estimated_graph(
        runs,
        how,
        least=least,
        resamples=config.resamples,
        resample=config.resample,
        seed=config.seed,
        jobs=config.jobs,
    )


def report_truth(run: RunFolder, scores: dict[str, float]) -> None:
    """Write scores.json and print the main ones."""
    write_json(run / "scores.json", scores)
    shown = ("shd", "f1", "skeleton_f1", "orientation_accuracy", "edge_auc")
    log.info("against the truth: %s", ", ".join(f"{key} {scores[key]:.3g}" for key in shown if key in scores))


def report_comparison(
    run: RunFolder, graph: Graph, other: Graph, titles: tuple[str, str], labels: dict[str, str], note: str
) -> list[Path]:
    """Write comparison.json and the two graphs side by side, print the difference, return the pictures."""
    result = comparison(graph, other)
    write_json(run / "comparison.json", result)
    log.info("SHD to %s: %d", titles[1], result["shd"])
    for key, what in (("shared", "in both"), ("only_here", "only here"), ("only_there", "only there")):
        log.info("%s (%d): %s", what, len(result[key]), ", ".join(result[key]) or "-")
    return draw_side_by_side(
        graph, other, titles, run / "comparison", labels=labels, note=note, formats=FORMATS
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DrawConfig,
        draw,
        argv,
        description="Discover the causal graph over latents and draw it.",
        epilog=EPILOG,
        positional=("sources", "run folders, or one file of latents"),
    )


if __name__ == "__main__":
    sys.exit(main())
