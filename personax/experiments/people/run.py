"""One run of the real-world experiment: fit the model, evaluate its latents, write the folder."""

from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import pandas as pd

from personax.crl import CRL
from personax.crl.trust import advice_for
from personax.experiments.block_scores import TruthScores, score_against_truth
from personax.experiments.evaluation import truth_free_criteria
from personax.experiments.exclusivity import exclusivity
from personax.experiments.fitting import (
    begins,
    fit_in_folder,
    read_history,
    with_latents_found,
    without_imputed,
    write_latents,
)
from personax.experiments.people.associations import associate, suggest_names, tentative_labels
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.figures import draw_people
from personax.experiments.people.predictions import compare_predictions
from personax.experiments.people.preparation import Prepared
from personax.experiments.people.report import names_page
from personax.experiments.recovery_figures import draw_recovered
from personax.experiments.summary import MARK_OF_SIMULATION
from personax.graphs.graph import Graph
from personax.runs.device import resolve_device
from personax.runs.files import atomic_path, write_json, write_text, write_yaml
from personax.runs.run_folder import FIGURES, GRAPH, LATENTS, METRICS, TRUE_GRAPH, RunFolder, open_run


class Findings(NamedTuple):
    """What a fitted model says about the people.

    Attributes:
        latents: (n, d) latents of all people.
        graph: the graph that the model has learned.
        history: the history of the training.
        associations: one row per latent and observed feature.
        scores: comparison with the truth; None if it is unknown or has other numbers of latents.
        verdict: whether the data identify latents and order (`CRL.verdict`).
    """

    latents: pd.DataFrame
    graph: Graph
    history: pd.DataFrame
    associations: pd.DataFrame
    scores: TruthScores | None
    verdict: str


def run_people_seed(config: PeopleConfig, path: Path, prepared: Prepared) -> None:
    """Do one run in its folder. Raises InputError if the folder exists or belongs to another run."""
    table = prepared.table
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        **table.provenance(),
        measurements={m: len(arrays) for m, arrays in prepared.data.measurements.items()},
        compression=prepared.compression.report,
        device=str(resolve_device(config.device)),
    ) as folder:
        uninterrupted, started = begins(folder), monotonic()
        prepared.compression.save(folder / "compression.npz")
        data, split, chosen = prepared.data, prepared.split, config.model
        if config.latents == "auto":
            chosen = with_latents_found(folder, data, split, chosen, seed=config.seed, device=config.device)
        model = fit_in_folder(folder, data, split, chosen, seed=config.seed, device=config.device)
        seconds = monotonic() - started if uninterrupted else None
        findings = find(config, folder, prepared, model)
        metrics = measure(config, prepared, findings) | {"seconds": seconds}
        write_findings(config, folder, prepared, findings, metrics)
        if config.figures:
            draw_findings(config, folder / FIGURES, prepared, findings)
        write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete


def find(config: PeopleConfig, folder: RunFolder, prepared: Prepared, model: CRL) -> Findings:
    """Write the latents; return them, graph and associations, and the scores if the truth is known."""
    table, data, split = prepared.table, prepared.data, prepared.split
    latents = model.transform(data)
    write_latents(folder / LATENTS, latents, data, split)
    graph = model.learned(simulated=table.simulated)
    return Findings(
        latents,
        graph,
        read_history(folder.path),
        associate(without_imputed(latents, model.blocks, data), table, alpha=config.alpha, seed=config.seed),
        score_against_truth(latents, graph, data, split),
        model.verdict,
    )


def measure(config: PeopleConfig, prepared: Prepared, findings: Findings) -> dict[str, Any]:
    """The numbers of metrics.json, without the duration."""
    table = prepared.table
    metrics: dict[str, Any] = {
        "simulated": table.simulated,
        "people": len(table),
        "verdict": findings.verdict,
        "advice": advice_for(findings.verdict),
        "criteria": truth_free_criteria(findings.history),
        "prediction": compare_predictions(
            findings.latents, table, prepared.data, prepared.split, seed=config.seed
        ),
        "suggested_names": suggest_names(findings.associations, findings.graph.names),
    }
    if findings.scores is not None:
        test = prepared.split.test
        metrics |= {"truth": findings.scores.blocks, "graph": findings.scores.graph}
        metrics["tmex"] = exclusivity(
            findings.latents.iloc[test], prepared.data.true_latents.iloc[test], findings.scores.columns
        )
    return metrics


def write_findings(
    config: PeopleConfig, folder: RunFolder, prepared: Prepared, findings: Findings, metrics: dict[str, Any]
) -> None:
    """Write the graphs, the associations, and the names that these suggest for the latents."""
    findings.graph.to_json(folder / GRAPH)
    if findings.scores is not None:
        findings.scores.true_graph.to_json(folder / TRUE_GRAPH)
    with atomic_path(folder / "associations.csv") as temporary:
        findings.associations.to_csv(temporary, index=False)
    names = metrics["suggested_names"]
    write_text(folder / "suggested_names.md", names_page(names, config.alpha, prepared.table.simulated))
    labels = tentative_labels(findings.associations, findings.graph.names)
    write_yaml(folder / "labels.yaml", labels)  # in the form that draw.py --labels takes


def draw_findings(config: PeopleConfig, figures: Path, prepared: Prepared, findings: Findings) -> None:
    """Draw all figures of a run into the folder `figures`."""
    mark = MARK_OF_SIMULATION if prepared.table.simulated else ""
    draw_people(figures, findings.history, findings.associations, title=f"{mark}{prepared.table.source}")
    draw_recovered(
        figures,
        findings.graph,
        findings.scores,
        prepared.data,
        findings.latents,
        prepared.split,
        name=config.dataset,
        mark=mark,
    )
