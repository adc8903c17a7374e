"""One run on arrays of your own: fit the model, score it where the truth is known, write the folder."""

import logging
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import pandas as pd

from personax.crl import CRLConfig
from personax.crl.trust import advice_for
from personax.experiments.block_scores import TruthScores, score_against_truth
from personax.experiments.evaluation import evaluate_latents, matched_columns, truth_free_criteria
from personax.experiments.exclusivity import exclusivity
from personax.experiments.fitting import (
    begins,
    fit_in_folder,
    read_history,
    with_latents_found,
    write_latents,
)
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.own_data.description import OwnArrays, read_arrays
from personax.experiments.own_data.figures import draw_own_run
from personax.experiments.own_data.report import OWN_METRICS
from personax.experiments.recovery import model_for
from personax.experiments.several_seeds import run_every_seed
from personax.graphs.graph import Graph
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import write_json
from personax.runs.run_folder import (
    FIGURES,
    GRAPH,
    LATENTS,
    METRICS,
    TRUE_GRAPH,
    RunFolder,
    open_run,
    typed_path,
)
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData, Split, split_rows

log = logging.getLogger(__name__)


class OwnRows(NamedTuple):
    """All rows of the arrays, how they are split, their checksum, and whether they are simulated."""

    data: MultiViewData
    split: Split
    checksum: str
    simulated: bool


class OwnFindings(NamedTuple):
    """What a fitted model says of the rows.

    Attributes:
        latents: (n, d) of all rows.
        graph: the graph that the model has learned.
        verdict: whether the data identify latents and order (`CRL.verdict`).
        history: of the training.
        scores: comparison with the truth block by block; None where it is unknown, or has other sizes.
    """

    latents: pd.DataFrame
    graph: Graph
    verdict: str
    history: pd.DataFrame
    scores: TruthScores | None


def load_own(config: OwnDataConfig) -> OwnRows:
    """The arrays that the description names, and their split. Raises InputError."""
    found: OwnArrays = read_arrays(typed_path(config.data))
    for modality, arrays in found.data.measurements.items():
        shapes = ", ".join(" x ".join(map(str, array.shape[1:])) for array in arrays)
        log.info("%s: %d measurements (%s)", modality, len(arrays), shapes)
    split = found.split or split_rows(len(found.data), numpy_rng(config.data_seed, "split"))
    return OwnRows(found.data, split, found.checksum, found.simulated)


def own_model(model: CRLConfig, data: MultiViewData) -> CRLConfig:
    """The model; with as many latents as the truth has, if it does not say how many. Raises InputError."""
    if not model.latents and (data.truth is None or not data.truth.blocks):
        example = ", ".join(f"{modality}: 2" for modality in data.modalities)
        raise InputError(
            "model.latents: empty; say how many latents each modality has, as "
            f"--model.latents '{{{example}}}'; or --latents auto; choose_model.py compares numbers"
        )
    return model_for(model, data)


def run_own_seeds(
    config: OwnDataConfig, seeds: Sequence[int], folder_of: Callable[[int], Path]
) -> dict[int, dict[str, Any]]:
    """Seed -> metrics of every run; one that is finished is read. Raises InputError as `run_every_seed`."""
    return run_every_seed(
        config,
        seeds,
        folder_of,
        load_own,
        run_own_seed,
        metrics=OWN_METRICS,
        checksum_of=attrgetter("checksum"),
    )


def run_own_seed(config: OwnDataConfig, path: Path, rows: OwnRows) -> None:
    """Make one run in its folder."""
    given = config.model if config.latents == "auto" else own_model(config.model, rows.data)
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        data_source=rows.data.source,
        data_sha256=rows.checksum,
        simulated=rows.simulated,
        people=len(rows.data),
        measurements={m: len(arrays) for m, arrays in rows.data.measurements.items()},
        device=str(resolve_device(config.device)),
    ) as folder:
        uninterrupted, started = begins(folder), monotonic()
        data, split, chosen = rows.data, rows.split, given
        if config.latents == "auto":
            chosen = with_latents_found(folder, data, split, given, seed=config.seed, device=config.device)
        model = fit_in_folder(folder, data, split, chosen, seed=config.seed, device=config.device)
        seconds = monotonic() - started if uninterrupted else None
        latents = model.transform(rows.data)
        graph = model.learned(simulated=rows.simulated)
        history = read_history(folder.path)
        scores = score_against_truth(latents, graph, rows.data, rows.split)
        findings = OwnFindings(latents, graph, model.verdict, history, scores)
        _write_found(folder, rows, findings)
        metrics = _measured(rows, findings) | {"latents": dict(model.config.latents), "seconds": seconds}
        if config.figures:
            draw_own_run(folder / FIGURES, rows.data, rows.split, scores, latents, graph, history)
        write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete


def _write_found(folder: RunFolder, rows: OwnRows, findings: OwnFindings) -> None:
    """Write latents and graphs."""
    write_latents(folder / LATENTS, findings.latents, rows.data, rows.split)
    findings.graph.to_json(folder / GRAPH)
    if findings.scores is not None:
        findings.scores.true_graph.to_json(folder / TRUE_GRAPH)


def _measured(rows: OwnRows, findings: OwnFindings) -> dict[str, Any]:
    """The numbers of metrics.json, without the duration."""
    metrics: dict[str, Any] = {
        "simulated": rows.simulated,
        "people": len(rows.data),
        "verdict": findings.verdict,
        "advice": advice_for(findings.verdict),
        "criteria": truth_free_criteria(findings.history),
    }
    if rows.data.truth is not None:
        test = rows.split.test
        metrics["heldout"] = evaluate_latents(findings.latents, rows.data, rows.split)["heldout"]
        metrics["tmex"] = exclusivity(
            findings.latents.iloc[test],
            rows.data.true_latents.iloc[test],
            matched_columns(findings.latents, rows.data, rows.split),
        )
    if findings.scores is not None:
        metrics |= {"truth": findings.scores.blocks, "graph": findings.scores.graph}
    return metrics
