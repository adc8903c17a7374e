"""The runs: one method on one draw of one case, scored on test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from personax.baselines.plug_in import folder_of_method
from personax.crl import CRLConfig
from personax.experiments.cells import Metrics
from personax.experiments.evaluation import evaluate_graph, evaluate_latents, matched_columns, matched_graph
from personax.experiments.exclusivity import exclusivity
from personax.experiments.fitting import begins, write_latents
from personax.experiments.numerical.config import NumericalConfig, NumericalRun
from personax.experiments.recovery import Recovery, baseline_settings, recover
from personax.experiments.run_options import OURS
from personax.experiments.summary import pick
from personax.graphs.graph_scores import best_threshold_f1
from personax.numerical.numerical_cases import CASES
from personax.runs.device import resolve_device
from personax.runs.files import write_json
from personax.runs.run_folder import GRAPH, LATENTS, METRICS, open_run
from personax.runs.run_records import read_finished
from personax.runs.seeds import numpy_rng
from personax.views import SHARED, MultiViewData, Split, checksum_with_truth, split_rows

# Column of the tables -> key of metrics.json.
SCORES_OF_CASES = {
    "R2": "heldout.r2",
    "MCC": "heldout.mcc_pearson",
    "MCC, ranks": "heldout.mcc_spearman",
    "T-MEX": "tmex.share",
    "SHD": "graph.shd",
    "F1": "graph.f1",
    "best F1": "graph.best_f1",
    "R2 of shared": "shared_r2",
    "seconds": "seconds",
}
NEEDED_OF_CASES = {"heldout.r2": "a number", "heldout.mcc_pearson": "a number"}


def numerical_cells(
    config: NumericalConfig, cases: Sequence[str], methods: Sequence[str], seeds: Sequence[int], home: Path
) -> dict[Path, NumericalRun]:
    """Run folder -> every run. Seed by seed, so that even an interrupted command has runs of every case."""
    return {
        home / "runs" / case / folder_of_method(method) / f"seed-{seed}": _run_of(config, case, method, seed)
        for seed in seeds
        for case in cases
        for method in methods
    }


def _run_of(config: NumericalConfig, case: str, method: str, seed: int) -> NumericalRun:
    """The run of a method, ours or a baseline, which has the budget of ours."""
    found = CASES[case]
    model = replace(config.model, noise=found.noise)
    settings = {} if method == OURS else baseline_settings(method, model)
    ours = replace(model, linked=model.linked and found.linked) if method == OURS else CRLConfig()
    return NumericalRun(case, method, config.n or found.n, seed, ours, settings, config.device)


def run_numerical_cell(run: NumericalRun, path: Path) -> Metrics:
    """Make one run in its folder, or read it if it is finished; return its metrics."""
    if (path / METRICS).exists():
        return read_finished(path, run, NEEDED_OF_CASES)
    data = CASES[run.case].draw(run.n, run.seed)
    split = split_rows(run.n, numpy_rng(run.seed, "split"))
    with open_run(
        path,
        run,
        resume=True,
        data_source=data.source,
        data_sha256=checksum_with_truth(data),
        simulated=True,
        device=str(resolve_device(run.device)),
    ) as folder:
        uninterrupted = begins(folder)
        started = monotonic()
        recovery = recover(run, folder, data, split)
        seconds = monotonic() - started if uninterrupted else None
        write_latents(folder / LATENTS, recovery.latents, data, split)
        if recovery.graph is not None:
            recovery.graph.to_json(folder / GRAPH)
        metrics = _scores_of_recovery(recovery, data, split) | {"seconds": seconds, "simulated": True}
        write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete
    return read_finished(path, run, NEEDED_OF_CASES)


def _scores_of_recovery(recovery: Recovery, data: MultiViewData, split: Split) -> Metrics:
    """Compare recovered latents and graph with the truth, on test rows."""
    metrics = evaluate_latents(recovery.latents, data, split)
    columns = matched_columns(recovery.latents, data, split)
    test = split.test
    metrics["tmex"] = exclusivity(recovery.latents.iloc[test], data.true_latents.iloc[test], columns)
    graph = recovery.graph
    truth = data.known_truth
    if graph is not None and truth.graph is not None:
        metrics["graph"] = evaluate_graph(graph.adjacency, columns, data)
        if graph.weights is not None:
            strength = matched_graph(np.abs(graph.weights), columns)
            metrics["graph"]["best_f1"] = best_threshold_f1(truth.graph, strength)
    if SHARED in truth.blocks:
        r2 = metrics["heldout"]["r2_per_latent"]
        metrics["shared_r2"] = float(np.mean([r2[name] for name in truth.blocks[SHARED]]))
    return metrics | recovery.metrics


def scores_of_runs(
    cells: Mapping[Path, NumericalRun], metrics: Mapping[Path, Mapping[str, Any]]
) -> pd.DataFrame:
    """One row per run: case, method, rows, seed and scores; NaN where a method has no such score."""
    rows = []
    for path, found in metrics.items():
        run = cells[path]
        values = pick(found, list(SCORES_OF_CASES.values()))
        scores = {column: values.get(key, np.nan) for column, key in SCORES_OF_CASES.items()}
        rows.append({"case": run.case, "method": run.method, "n": run.n, "seed": run.seed} | scores)
    return pd.DataFrame(rows)
