"""Read latents, make their graph and write it to a folder."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from personax.experiments.graph.config import DrawConfig
from personax.experiments.graph.report import GraphCaption, write_comparison, write_graph, write_scores
from personax.graphs.choices import Resample
from personax.graphs.discovery import Discovery, check_latents, check_sample_size, near_copies
from personax.graphs.estimate import estimated_graph, learned_consensus, match_runs
from personax.graphs.graph import Graph
from personax.graphs.graph_files import (
    Latents,
    TitledGraph,
    published,
    published_names,
    read_graph,
    read_labels,
    read_latents,
)
from personax.graphs.knowledge import (
    Statements,
    forbidden_arrows,
    parse_arrows,
    parse_tiers,
    read_statements,
)
from personax.runs.errors import InputError
from personax.runs.run_folder import CONFIG, METRICS, open_run, path_or_default, typed_path

log = logging.getLogger(__name__)

ARBITRARY_NUMBERS = (
    "latents are compared by name, but their numbers within a block are arbitrary: z11 here need not be the "
    "paper's z11"
)
DrawMethod = Literal["auto", "learned", "pc", "fci", "ges"]
# What the methods that estimate a graph are told; the learned graph has no use for it.
ESTIMATION_OPTIONS = (
    *("test", "alpha", "max_conditioning", "rows", "resamples", "resample"),
    *("knowledge", "nothing_into_s", "tiers", "cross_modal", "forbid"),
)
CONSENSUS = 0.5  # an edge of the graph of several seeds occurs in at least this share of the resamples


@dataclass(frozen=True)
class GraphPlan:
    """What will be drawn: the names of the nodes, the texts of the picture, and how to make the graph."""

    names: list[str]
    caption: GraphCaption
    make: Callable[[], Graph]


def draw_from(config: DrawConfig) -> Path:
    """Make, write and draw the graph; return the folder with the results. Raises InputError."""
    runs = read_runs(config.sources, config.rows, config.names)
    meaning = meaning_of_comparison(config.compare, runs)
    config = replace(config, method=chosen_method(config, runs))
    plan = plan_published(config.published) if config.published else plan_estimated(config, runs)
    caption = _as_asked(plan.caption, config, plan.names)
    make_other = plan_other(config, runs, plan.names)

    path = path_or_default(config.output, default_output(config))
    with open_run(
        path, config, overwrite=config.overwrite, simulated=any(each.simulated for each in runs)
    ) as run:
        graph = plan.make()
        pictures = write_graph(run, graph, caption)
        if runs and runs[0].true_graph:
            write_scores(run, graph, runs[0].true_graph)
        if make_other:
            noted = replace(caption, note=f"{caption.note}{meaning}")
            # Two methods on one run: each stands above its graph, and the run below both.
            shown = replace(caption, title=caption.note, note=caption.title) if config.beside else noted
            pictures += write_comparison(run, graph, make_other(), shown)
        for path in pictures:
            log.info("%s", path)
    return path


def meaning_of_comparison(compare: str | None, runs: Sequence[Latents]) -> str:
    """What has to be said of a comparison with a graph of the paper; "" if there is nothing to say.

    The number of a latent within its block is arbitrary, and only its content says what it is. The latents of
    simulated people have no content that the paper's could have, so there is nothing to match by.

    Raises:
        InputError: people are simulated, and the other graph is the paper's.
    """
    if compare not in published_names() or not runs:
        return ""
    if any(run.simulated for run in runs):
        raise InputError(
            f"--compare {compare}: these people are simulated; their latents share no meaning with the "
            "paper's, and their numbers are arbitrary. scores.json compares with their own truth"
        )
    log.warning("--compare %s: %s", compare, ARBITRARY_NUMBERS)
    return f"; {ARBITRARY_NUMBERS}"


def chosen_method(config: DrawConfig, runs: Sequence[Latents]) -> DrawMethod:
    """The method that the configuration names; for "auto" see there."""
    if config.method != "auto":
        return config.method
    defaults = DrawConfig()
    as_usual = all(getattr(config, option) == getattr(defaults, option) for option in ESTIMATION_OPTIONS)
    return "learned" if runs and all(run.learned for run in runs) and (as_usual or config.beside) else "pc"


def chosen_resample(config: DrawConfig) -> Resample:
    """The kind of resample that the configuration names; for "auto" see there.

    Copies of a person look like dependence, to a kernel above all: on 4,181 simulated people, PC with KCI
    did 3.6 times as many tests on a bootstrap sample as on the people.
    """
    if config.resample != "auto":
        return config.resample
    return "half" if config.test == "kci" else "bootstrap"


def plan_other(
    config: DrawConfig, runs: Sequence[Latents], names: Sequence[str]
) -> Callable[[], TitledGraph] | None:
    """How to make the graph that is drawn beside the first; None if none is asked for."""
    if config.beside:
        estimated = replace(config, method=config.beside)
        make = graph_maker(estimated, runs)
        return lambda: TitledGraph(make(), describe_method(estimated, runs))
    if config.compare:
        other = read_graph(config.compare, typed_path(config.compare), names)
        return lambda: other
    return None


def plan_published(name: str) -> GraphPlan:
    """Plan to draw a graph of the paper."""
    graph, labels, title = published(name)
    return GraphPlan(list(graph.names), GraphCaption(title, labels, note=""), lambda: graph)


def plan_estimated(config: DrawConfig, runs: Sequence[Latents]) -> GraphPlan:
    """Plan to draw a graph over the latents of runs."""
    caption = GraphCaption(run_title(config.sources), {}, describe_method(config, runs))
    return GraphPlan(runs[0].names, caption, graph_maker(config, runs))


def _as_asked(caption: GraphCaption, config: DrawConfig, names: Sequence[str]) -> GraphCaption:
    """The caption with the title and the labels of the user's options."""
    title = caption.title if config.title is None else config.title
    labels = read_labels(typed_path(config.labels), names) if config.labels else {}
    return replace(caption, title=title, labels={**caption.labels, **labels})


def read_runs(sources: Sequence[str], rows: Literal["all", "test"], names: str | None) -> list[Latents]:
    """Read and check the latents of every source; their columns get the order of the first source."""
    columns = [name.strip() for name in names.split(",")] if names else None
    runs = [read_latents(typed_path(source), rows=rows, names=columns) for source in sources]
    for run in runs:
        if run.left_out:
            log.info(
                "%s: %d of %d people left out: they lack a modality, so latents of it are imputed",
                run.path,
                run.left_out,
                run.left_out + len(run.table),
            )
        if (run.path / CONFIG).exists() and not (run.path / METRICS).exists():
            log.warning("%s: this run has not ended (no %s); finish it with --resume", run.path, METRICS)
        check_latents(run.table.to_numpy(), run.names)
    return match_runs(runs)


def read_knowledge(config: DrawConfig) -> Statements:
    """Background knowledge from the file and the options; options override, forbidden arrows are added."""
    known = read_statements(typed_path(config.knowledge)) if config.knowledge else Statements()
    if config.nothing_into_s is not None:
        known = replace(known, nothing_into_s=config.nothing_into_s)
    if config.tiers:
        known = replace(known, tiers=parse_tiers(config.tiers))
    if config.cross_modal is not None:
        text = "" if config.cross_modal.strip() == "none" else config.cross_modal
        known = replace(known, cross_modal=parse_arrows(text, "--cross_modal"))
    return replace(known, forbid=known.forbid + parse_arrows(config.forbid, "--forbid"))


def graph_maker(config: DrawConfig, runs: Sequence[Latents]) -> Callable[[], Graph]:
    """Return a function that makes the graph.

    Raises InputError for mistakes in the options, before anything is written.
    """
    least = max(CONSENSUS, config.min_frequency) if len(runs) > 1 else config.min_frequency
    if config.method == "learned":
        graph = learned_consensus(runs, least)
        return lambda: graph
    assert config.method != "auto"  # chosen_method has chosen
    for run in runs:
        n, d = run.table.shape
        check_sample_size(n, d, config.method, resamples=config.resamples > 0)
        for i, j in near_copies(run.table.to_numpy()):
            log.warning(
                "%s: %s and %s are nearly the same, so either can hide the edges of the other; leave one out",
                run.path,
                run.names[i],
                run.names[j],
            )
    forbidden = forbidden_arrows(runs[0].names, runs[0].blocks, read_knowledge(config))
    how = Discovery(config.method, config.test, config.alpha, config.max_conditioning, forbidden)
    return lambda: estimated_graph(
        runs,
        how,
        least=least,
        resamples=config.resamples,
        resample=chosen_resample(config),
        seed=config.seed,
        workers=config,
    )


def describe_method(config: DrawConfig, runs: Sequence[Latents]) -> str:
    """Say in one line how the graph was made; it is printed, and written below the picture."""
    if config.method == "learned":
        return f"learned by the model, {len(runs)} seeds" if len(runs) > 1 else "learned by the model"
    test = "BIC" if config.method == "ges" else f"{config.test}, level {config.alpha:g}"
    people = f"{len(runs[0].table):,} people" + (f", {len(runs)} seeds" if len(runs) > 1 else "")
    halves = " of half of them" if chosen_resample(config) == "half" else ""
    resamples = f", {config.resamples} resamples{halves}" if config.resamples else ""
    return f"{config.method.upper()} ({test}), {people}{resamples}"


def run_title(sources: Sequence[str]) -> str:
    """The heading of the picture: the experiment and the seed, or the name of the file."""
    first = typed_path(sources[0])
    if len(sources) > 1:
        return first.parent.name
    return f"{first.parent.name}, {first.name}" if first.is_dir() else first.stem


def default_output(config: DrawConfig) -> Path:
    """The folder of the results if --output is left out.

    It is inside a single run folder, beside the first of several run folders, and below results/graphs for
    files and published graphs.
    """
    if config.published:
        return Path("results/graphs") / f"published-{config.published}"
    first = typed_path(config.sources[0])
    if not first.is_dir():
        return Path("results/graphs") / f"{first.stem}-{config.method}"
    return (first.parent if len(config.sources) > 1 else first) / f"graph-{config.method}"
