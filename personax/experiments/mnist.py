"""The synthetic experiment: recover the latents of Variant-MNIST and their graph (paper §5, Fig. 5)."""

import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np
import pandas as pd

from personax.baselines.registry import find_method
from personax.crl import CRLConfig
from personax.crl.ceiling import supervised_ceiling
from personax.crl.estimator import resolve_device
from personax.crl.metrics import matched
from personax.experiments.evaluation import (
    evaluate_graph,
    evaluate_latents,
    matched_columns,
    matched_graph,
    truth_free_criteria,
)
from personax.experiments.figures import draw_curves, draw_recovery, draw_samples
from personax.experiments.fitting import (
    CHECKPOINT,
    WEIGHTS,
    fit_in_folder,
    fit_together_in_folders,
    learned_graph,
    read_history,
    write_history,
    write_latents,
)
from personax.graphs.drawing import draw_side_by_side
from personax.graphs.graph import Graph
from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays, write_json
from personax.runs.folder import RunFolder, existing_path, open_run
from personax.runs.seeds import numpy_rng
from personax.variant_mnist.folder import read_dataset, write_dataset
from personax.variant_mnist.scenes import COLOURS, Nuisance, make_variant_mnist
from personax.variant_mnist.scm import SCMS, ScmName
from personax.variant_mnist.sources import load_images
from personax.views import MultiViewData, Split, split_rows

log = logging.getLogger(__name__)

METRICS = "metrics.json"
OURS = "personax"


@dataclass(frozen=True)
class MnistConfig:
    """Variant-MNIST: what is drawn, and what is learned from it."""

    name: str = "mnist"
    """Name of the experiment; results land in results/mnist/NAME/seed-K."""
    seed: int = 0
    """Seed of the model: initial weights, batches, starts."""
    seeds: str | None = None
    """Several seeds, as 0,1,2 or 0-9: one run each, and a table with mean and standard deviation."""
    together: bool = False
    """With --seeds: train all unfinished seeds in one batched pass, which pays on a GPU. Each seed learns
    what it would alone up to rounding, which the search for the graph can amplify. Without checkpoints."""
    jobs: int = 1
    """With --seeds: so many seeds at a time, each in a process with its share of the cores. On a CPU this is
    the quickest: two processes of one thread train nearly twice as many people a second as one of two."""
    data_seed: int | None = None
    """Seed of the scenes and their split; the model's seed if left out."""
    n: int = 20000
    """Number of scenes; 80 % train, 10 % validation, 10 % test."""
    scm: ScmName = "variant_mnist"
    """Structural causal model of the latents; see personax/variant_mnist/scm.py."""
    measurements: str = "3,3"
    """Measurements of the digit (1 to 5: red, green, blue, yellow, magenta) and of the garment; the paper has
    3,1."""
    nuisance: Nuisance = "independent"
    """A fresh digit and garment in every measurement, or one shared by all (the paper)."""
    size: int = 14
    """Side of the pictures in pixels, 8 to 28."""
    source: Literal["auto", "mnist", "digits"] = "auto"
    """MNIST and Fashion-MNIST, scikit-learn's bundled digits, or the first that can be had."""
    data_dir: str = "data"
    """Folder with MNIST/raw and FashionMNIST/raw; missing files are downloaded into it."""
    dataset: str | None = None
    """A folder in the official layout (color.csv, fashion.csv) to train on instead of drawing scenes."""
    export: str | None = None
    """Write the scenes to this folder (with --seeds: to seed-K in it) in the official layout first."""
    ceiling_epochs: int = 12
    """Epochs of the supervised encoders that show what was possible; 0 leaves them out."""
    ground_truth: bool = True
    """Accepted as in the paper's README; the truth is used for evaluation whenever the data carry it."""
    figures: bool = True
    """Draw the figures."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda."""
    output: str | None = None
    """Run folder (with --seeds: the folder of the run folders)."""
    resume: bool = False
    """Continue an interrupted run; finished seeds are read, not run again."""
    overwrite: bool = False
    """Replace an existing run folder."""
    method: str = OURS
    """Ours, or a baseline: autoencoder, beta_vae, causal_vae, causal_vae_supervised, mcl, mmcrl, official,
    official_published."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of a baseline that go over the tuned ones in configs/baselines.yaml, as {beta: 4.0}."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """Our model and its training; latents default to as many as the truth has."""


def measurement_counts(config: MnistConfig) -> tuple[int, int]:
    """Measurements of the digit and of the garment. Raises InputError for what are not two numbers."""
    parts = config.measurements.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise InputError(f"measurements {config.measurements!r}: two numbers, as 3,1 or 3,3")
    digit, garment = (int(part) for part in parts)
    if not 1 <= digit <= len(COLOURS) or garment < 1:
        raise InputError(
            f"measurements {config.measurements!r}: 1 to {len(COLOURS)} digits and at least 1 garment"
        )
    return digit, garment


def load_scenes(config: MnistConfig) -> MultiViewData:
    """The scenes that the configuration asks for: read from a folder, or drawn."""
    if config.dataset is not None:
        return read_dataset(existing_path(config.dataset), size=config.size)
    return make_variant_mnist(
        load_images(config.source, existing_path(config.data_dir)),
        SCMS[config.scm](),
        n=config.n,
        measurements=measurement_counts(config),
        nuisance=config.nuisance,
        size=config.size,
        data_seed=_data_seed(config),
    )


def split_scenes(config: MnistConfig, data: MultiViewData) -> Split:
    """Training, validation and test rows of the scenes."""
    return split_rows(len(data), numpy_rng(_data_seed(config), "split"))


def scenes_checksum(data: MultiViewData) -> str:
    """SHA-256 of the truth and of every picture."""
    return sha256_arrays(
        data.truth.to_numpy(), *(array for arrays in data.measurements.values() for array in arrays)
    )


def _data_seed(config: MnistConfig) -> int:
    return config.seed if config.data_seed is None else config.data_seed


def run_seed(config: MnistConfig, path: Path) -> dict[str, Any]:
    """One run in its folder; its metrics. A finished run is read if the configuration says resume."""
    if _is_finished(config, path):
        return _read_metrics(config, path)
    data, split = _scenes_to_learn(config)
    folder = open_run(path, asdict(config), resume=config.resume, overwrite=config.overwrite)
    with _recorded(config, folder, data):
        return _fit_and_evaluate(config, folder, data, split)


def run_together(runs: Mapping[Path, MnistConfig]) -> dict[Path, dict[str, Any]]:
    """`run_seed` of every folder and its configuration, which differ in their seeds: trained in one pass."""
    results = {path: _read_metrics(its, path) for path, its in runs.items() if _is_finished(its, path)}
    scenes = {path: _scenes_to_learn(its) for path, its in runs.items() if path not in results}
    with ExitStack() as every_record:
        folders, records, manifests = {}, {}, {}
        for path, (data, _) in scenes.items():
            its = runs[path]
            folders[path] = open_run(path, asdict(its), resume=its.resume, overwrite=its.overwrite)
            records[path] = every_record.enter_context(ExitStack())
            manifests[path] = records[path].enter_context(_recorded(its, folders[path], data))
        untrained = [path for path, folder in folders.items() if not (folder / WEIGHTS).exists()]
        share = 0.0
        if untrained:
            started = monotonic()
            first = runs[untrained[0]]
            fit_together_in_folders(
                [(folders[path], *scenes[path]) for path in untrained],
                _model_config(first, scenes[untrained[0]][0]),
                seeds=[runs[path].seed for path in untrained],
                device=first.device,
            )
            share = (monotonic() - started) / len(untrained)
        for path, (data, split) in scenes.items():
            trained = share if path in untrained else 0.0
            manifests[path]["trained_together"] = len(untrained) if path in untrained else 0
            results[path] = _fit_and_evaluate(runs[path], folders[path], data, split, trained)
            records[path].close()  # finished, whatever becomes of the others
    return results


def _is_finished(config: MnistConfig, path: Path) -> bool:
    return config.resume and (path / METRICS).exists()


def _read_metrics(config: MnistConfig, path: Path) -> dict[str, Any]:
    """A finished run's. Raises InputError for one of another configuration."""
    open_run(path, asdict(config), resume=True)
    metrics: dict[str, Any] = json.loads((path / METRICS).read_text(encoding="utf-8"))
    return metrics


def _scenes_to_learn(config: MnistConfig) -> tuple[MultiViewData, Split]:
    """Scenes and split, the scenes also written to a folder if the configuration asks for it."""
    data = load_scenes(config)
    if config.export is not None:
        home = Path(config.export).expanduser().absolute()
        home = home if config.seeds is None else home / f"seed-{config.seed}"
        if not (config.resume and home.exists()):
            write_dataset(data, home)
    return data, split_scenes(config, data)


def _recorded(
    config: MnistConfig, folder: RunFolder, data: MultiViewData
) -> AbstractContextManager[dict[str, Any]]:
    return folder.recorded(
        data_source=data.source,
        data_sha256=scenes_checksum(data),
        device=str(resolve_device(config.device)),
    )


def _fit_and_evaluate(
    config: MnistConfig, folder: RunFolder, data: MultiViewData, split: Split, trained: float = 0.0
) -> dict[str, Any]:
    """Metrics of a run; `trained` are its seconds in a pass with others, if it was trained in one."""
    # only what was not interrupted tells how long it takes
    fresh = trained > 0 or not ((folder / CHECKPOINT).exists() or (folder / WEIGHTS).exists())
    started = monotonic() - trained
    recovery = (_ours if config.method == OURS else _baseline)(config, folder, data, split)
    seconds = monotonic() - started if fresh else None
    write_latents(folder / "latents.parquet", recovery.latents, data.ids, split)

    metrics = evaluate_latents(recovery.latents, data, split)
    columns = matched_columns(recovery.latents, data, split)
    if config.ceiling_epochs:
        ceiling: dict[str, Any] = supervised_ceiling(
            data,
            split,
            hidden=config.model.hidden,
            epochs=config.ceiling_epochs,
            seed=config.seed,
            device=resolve_device(config.device),
        )
        metrics["ceiling"] = ceiling | {"r2": float(np.mean(list(ceiling["r2_per_latent"].values())))}
    if recovery.graph is not None:
        recovery.graph.to_json(folder / "graph.json")
        if data.graph is not None:
            metrics["graph"] = evaluate_graph(recovery.graph.adjacency, columns, data)
    metrics |= recovery.metrics | {"seconds": seconds, "source": data.source}
    if config.figures:
        _draw(folder / "figures", recovery, data, split, columns, metrics, read_history(folder.path))
    # Last, because its presence means that the run is complete.
    write_json(folder / METRICS, metrics)
    return json.loads((folder / METRICS).read_text(encoding="utf-8"))  # as a reader of the file sees them


@dataclass(frozen=True)
class _Recovery:
    """What a method made of the data: latents of everybody, a graph if it has one, numbers of its own."""

    latents: pd.DataFrame
    graph: Graph | None
    metrics: dict[str, Any]


def _ours(config: MnistConfig, folder: RunFolder, data: MultiViewData, split: Split) -> _Recovery:
    model_config = _model_config(config, data)
    model = fit_in_folder(folder, data, split, model_config, seed=config.seed, device=config.device)
    history = read_history(folder.path)
    return _Recovery(
        model.transform(data),
        learned_graph(model, simulated=False),
        {"criteria": truth_free_criteria(history)},
    )


def _baseline(config: MnistConfig, folder: RunFolder, data: MultiViewData, split: Split) -> _Recovery:
    method = find_method(config.method)
    model = method.make(
        method.configure(_counts(data), config.settings), seed=config.seed, device=config.device
    )
    model.fit(
        data, split, checkpoint=folder / CHECKPOINT, on_progress=lambda rows: write_history(folder.path, rows)
    )
    (folder / CHECKPOINT).unlink(missing_ok=True)
    graph = model.graph
    blocks = {name: block for block, names in model.blocks.items() for name in names}
    return _Recovery(
        model.transform(data),
        None if graph is None else Graph(model.names, graph, blocks=blocks),
        {"uses_truth": method.uses_truth},
    )


def _model_config(config: MnistConfig, data: MultiViewData) -> CRLConfig:
    return config.model if config.model.latents else replace(config.model, latents=_counts(data))


def _counts(data: MultiViewData) -> dict[str, int]:
    return {modality: len(data.blocks[modality]) for modality in data.modalities}


def _draw(
    figures: Path,
    recovery: _Recovery,
    data: MultiViewData,
    split: Split,
    columns: np.ndarray,
    metrics: dict[str, Any],
    history: pd.DataFrame,
) -> None:
    draw_samples(data.rows(split.test), figures / "samples")
    test_truth = data.truth.iloc[split.test].reset_index(drop=True)
    recovered = matched(recovery.latents.iloc[split.test].reset_index(drop=True), test_truth)
    mcc = metrics["heldout"]["mcc_pearson"]
    draw_recovery(
        recovered, test_truth, figures / "recovery", title=f"{len(test_truth)} test scenes, MCC {mcc:.3f}"
    )
    draw_curves(history, figures / "training", ours="criteria" in metrics)
    if data.graph is not None and recovery.graph is not None:
        names, found = list(data.truth.columns), recovery.graph
        blocks = {name: block for block, its_names in data.blocks.items() for name in its_names}
        weights = None if found.weights is None else matched_graph(found.weights, columns)
        draw_side_by_side(
            Graph(names, data.graph, blocks=blocks),
            Graph(names, matched_graph(found.adjacency, columns), weights=weights, blocks=blocks),
            ("true", f"recovered, SHD {metrics['graph']['shd']}"),
            figures / "graph",
        )
