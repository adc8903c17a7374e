"""The real-world experiment: latents of athletes or celebrities, what they go with, the graph (paper §6)."""

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Literal, NamedTuple

from personax.crl import CRL, CRLConfig
from personax.crl.checks import check_config
from personax.crl.estimator import resolve_device
from personax.crl.metrics import matched
from personax.experiments.associations import associate, suggest_names
from personax.experiments.evaluation import truth_free_criteria
from personax.experiments.figures import draw_curves
from personax.experiments.fitting import fit_in_folder, learned_graph, read_history, write_latents
from personax.experiments.people_evaluation import (
    block_scores,
    compare_predictions,
    evaluate_people_graph,
    match_blocks,
    truth_graph,
)
from personax.experiments.people_figures import draw_associations, draw_pairs
from personax.experiments.summary import markdown, pick, summarise, write_summary
from personax.graphs.drawing import draw_graph, draw_side_by_side
from personax.runs.command import parse_seeds
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text, write_yaml
from personax.runs.folder import RunFolder, existing_path, open_run, project_path
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable, load_table
from personax.tables.compression import Compression
from personax.views import MultiViewData, Split, split_rows

log = logging.getLogger(__name__)

METRICS = "metrics.json"
MOST_NUISANCE = 3  # coordinates beside the latents of a modality that is seen once
REPORTED = (
    "truth.r2.s",
    "truth.r2.image",
    "truth.r2.text",
    "truth.mcc.s",
    "truth.mcc.image",
    "truth.mcc.text",
    "graph.shd",
    "graph.f1",
    "graph.skeleton_f1",
    "prediction.mean_r2.latents",
    "prediction.mean_r2.pca",
    "prediction.mean_r2.autoencoder",
    "criteria.representation",
    "seconds",
)


@dataclass(frozen=True)
class PeopleConfig:
    """Latents of people from embeddings of their images and texts."""

    dataset: Literal["athlete", "celeb"] = "athlete"
    """AthlePersona or CelebPersona; each script has its own."""
    name: str = "default"
    """Name of the experiment; results land in results/DATASET/NAME/seed-K."""
    seed: int = 0
    """Seed of the model: initial weights, batches, starts."""
    seeds: str | None = None
    """Several seeds, as 0,1,2 or 0-9: one run each, and a table with mean and standard deviation."""
    data_seed: int = 0
    """Seed of the split into training, validation and test people, and of simulated tables."""
    ground_truth: bool = True
    """Accepted as in the paper's README; the truth is used for evaluation whenever the table carries it."""
    source: Literal["hub", "simulated"] = "hub"
    """The released table from the hub, or simulated people with known truth."""
    table: str | None = None
    """A table of your own (.csv, .parquet, ...) instead."""
    columns: str | None = None
    """YAML file that says what the columns of the table are."""
    embeddings: str | None = None
    """Folder of .npy files in the authors' names (X1_imagebind_embeddings.npy, X1_text_gpt.npy, ...)."""
    n: int | None = None
    """Number of simulated people, or only the first n rows of a table."""
    image_dim: int = 1024
    """Length of simulated image embeddings."""
    text_dim: int = 3584
    """Length of simulated text embeddings."""
    alpha: float = 0.05
    """False discovery rate of the associations between latents and features."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda."""
    output: str | None = None
    """Run folder (with --seeds: the folder of the run folders)."""
    resume: bool = False
    """Continue an interrupted run; finished seeds are read, not run again."""
    overwrite: bool = False
    """Replace an existing run folder."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model and its training."""


class Prepared(NamedTuple):
    """A table without its embeddings, and what they were compressed to."""

    table: PeopleTable
    data: MultiViewData
    split: Split
    compression: Compression


def run_people(config: PeopleConfig) -> None:
    """Run one seed or several, print the table and where things are. Raises InputError."""
    _check(config)
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    alone = config.seeds is None
    prepared: Prepared | None = None
    results: dict[int, dict[str, Any]] = {}
    for seed in seeds:
        one, path = replace(config, seed=seed), _folder(config, seed, alone=alone)
        if config.resume and (path / METRICS).exists():
            open_run(path, asdict(one), resume=True)
        else:
            prepared = prepared or prepare(config)
            _run_seed(one, path, prepared)
        results[seed] = json.loads((path / METRICS).read_text(encoding="utf-8"))
    table = summarise({seed: pick(metrics, REPORTED) for seed, metrics in results.items()})
    home = _folder(config, seeds[0], alone=alone)
    if not alone:
        home = home.parent
        simulated = ", simulated" if results[seeds[0]]["simulated"] else ""
        write_summary(home, table, f"{config.dataset}{simulated}, {config.name}, seeds {config.seeds}")
    print(markdown(table if not alone else table.drop(columns=["mean", "sd"])))
    if len(results) > 1:
        best = table.loc["criteria.representation", [f"seed {seed}" for seed in seeds]].idxmin()
        print(f"lowest criteria.representation (validation people, without the truth): {best}")
    print(f"{'SIMULATED DATA. ' if results[seeds[0]]['simulated'] else ''}Written to {home}")


def _folder(config: PeopleConfig, seed: int, *, alone: bool) -> Path:
    if config.output is not None:
        base = Path(config.output).expanduser().absolute()
        return base if alone else base / f"seed-{seed}"
    return project_path(Path("results") / config.dataset / config.name / f"seed-{seed}")


def _check(config: PeopleConfig) -> None:
    """Raise InputError for values that no run can have."""
    if config.seed < 0 or config.data_seed < 0:
        raise InputError("seed and data_seed: 0 or larger")
    if not 0 < config.alpha < 1:
        raise InputError(f"alpha {config.alpha}: must be between 0 and 1")
    if not config.model.latents:
        raise InputError("model.latents: empty; at least one latent per modality, as {image: 5, text: 5}")
    check_config(config.model)
    resolve_device(config.device)


def prepare(config: PeopleConfig) -> Prepared:
    """Load the table, split its people, compress their embeddings. Raises InputError."""
    table = load_table(
        config.dataset,
        source=config.source,
        table=None if config.table is None else existing_path(config.table),
        columns=None if config.columns is None else existing_path(config.columns),
        data_seed=config.data_seed,
        embeddings=config.embeddings is None,
        image_dim=config.image_dim,
        text_dim=config.text_dim,
        n=config.n,
    )
    if config.embeddings is not None:
        table = table.with_embeddings(existing_path(config.embeddings))
    data = table.views()
    log.info("%s", table.report)
    _check_data(config.model, data)
    split = split_rows(len(data), numpy_rng(config.data_seed, "split"))
    least = {modality: config.model.latents[modality] + config.model.shared for modality in data.modalities}
    compression = Compression.fit(data, split.train, least=least, seed=config.data_seed)
    for modality, facts in compression.report.items():
        views = len(data.measurements[modality])
        log.info("%d %s measurements: %d %s", views, modality, facts["components"], facts["method"])
    return Prepared(replace(table, embeddings={}, observed={}), compression(data), split, compression)


def _check_data(model: CRLConfig, data: MultiViewData) -> None:
    """Raise InputError for modalities that differ from the model's, and for too few people."""
    for modality in model.latents:
        if modality not in data.modalities:
            raise InputError(
                f"{data.source}: no {modality} embeddings, but the model has latents for them "
                f"(found: {', '.join(data.modalities)})"
            )
    latents = sum(model.latents.values()) + model.shared
    if len(data) < 15 * latents:
        raise InputError(
            f"{data.source}: {len(data)} people are too few for {latents} latents; at least {15 * latents}"
        )
    for modality, arrays in data.measurements.items():
        counts = data.observed[modality].sum(0)
        for number in range(len(arrays)):
            if counts[number] < 10 * latents:
                raise InputError(
                    f"{data.source}: only {counts[number]} people have {modality} measurement {number + 1}; "
                    f"at least {10 * latents}"
                )


def model_config(config: CRLConfig, compression: Compression) -> CRLConfig:
    """`config` with nuisance coordinates for modalities seen once, where it says nothing of them."""
    if config.nuisance:
        return config
    spare = {
        modality: facts["components"] - config.latents[modality] - config.shared
        for modality, facts in compression.report.items()
        if len(compression.projections[modality]) == 1
    }
    return replace(
        config, nuisance={m: min(number, MOST_NUISANCE) for m, number in spare.items() if number > 0}
    )


def _run_seed(config: PeopleConfig, path: Path, prepared: Prepared) -> None:
    """One run in its folder."""
    table = prepared.table
    folder = open_run(path, asdict(config), resume=config.resume, overwrite=config.overwrite)
    with folder.recorded(
        data_source=table.source,
        data_sha256=table.sha256,
        data_revision=table.revision,
        simulated=table.simulated,
        people=len(table),
        measurements={m: len(arrays) for m, arrays in prepared.data.measurements.items()},
        compression=prepared.compression.report,
        device=str(resolve_device(config.device)),
    ):
        started = monotonic()
        prepared.compression.save(folder / "compression.npz")
        model = fit_in_folder(
            folder,
            prepared.data,
            prepared.split,
            model_config(config.model, prepared.compression),
            seed=config.seed,
            device=config.device,
        )
        _evaluate(config, folder, prepared, model, monotonic() - started)


def _evaluate(
    config: PeopleConfig, folder: RunFolder, prepared: Prepared, model: CRL, seconds: float
) -> None:
    """Everything that is written after training; metrics.json last."""
    table, data, split = prepared.table, prepared.data, prepared.split
    latents = model.transform(data)
    write_latents(folder / "latents.parquet", latents, data.ids, split)
    graph = learned_graph(model, simulated=table.simulated)
    graph.to_json(folder / "graph.json")

    metrics: dict[str, Any] = {"simulated": table.simulated, "people": len(table)}
    history = read_history(folder.path)
    metrics["criteria"] = truth_free_criteria(history)
    metrics["prediction"] = compare_predictions(latents, table, data, split, seed=config.seed)
    associations = associate(latents, table, alpha=config.alpha, seed=config.seed)
    with atomic_path(folder / "associations.csv") as temporary:
        associations.to_csv(temporary, index=False)
    names = suggest_names(associations, model.names)
    # One file for reading, one in the form that draw.py --labels takes.
    write_text(folder / "suggested_names.md", _names_text(names, config.alpha, table.simulated))
    write_yaml(
        folder / "labels.yaml", {name: text.split(",")[0] + "?" for name, text in names.items() if text}
    )
    metrics["suggested_names"] = names

    figures = folder / "figures"
    mark = "SIMULATED DATA. " if table.simulated else ""
    draw_curves(history, figures / "training")
    draw_associations(associations, figures / "associations", title=f"{mark}{table.source}")
    graph_title = f"{config.dataset}, learned by the model"
    if data.latents is not None and _same_sizes(model, data):
        columns = match_blocks(latents, data, model.blocks, split)
        truth = truth_graph(data, model, columns)
        truth.to_json(folder / "truth_graph.json")
        metrics["truth"] = block_scores(latents, data, model.blocks, split)
        metrics["graph"] = evaluate_people_graph(truth, graph)
        true_test = data.truth.iloc[split.test].reset_index(drop=True)
        # Columns of each true latent's own block only, so that the figure shows the pairs that are scored.
        own = latents.iloc[split.test, columns].reset_index(drop=True)
        draw_pairs(
            matched(own, true_test),
            true_test,
            figures / "recovery",
            title=f"{mark}{len(true_test)} test people, MCC {metrics['truth']['mcc']['all']:.3f}",
        )
        draw_side_by_side(
            truth, graph, ("true", f"recovered, SHD {metrics['graph']['shd']}"), figures / "graph"
        )
    else:
        draw_graph(graph, figures / "graph", title=graph_title, note="names are the model's own")
    metrics["seconds"] = seconds
    write_json(folder / METRICS, metrics)


def _same_sizes(model: CRL, data: MultiViewData) -> bool:
    return {b: len(names) for b, names in model.blocks.items()} == {b: len(n) for b, n in data.blocks.items()}


def _names_text(names: dict[str, str], alpha: float, simulated: bool) -> str:
    """What each latent goes with, as a page to read."""
    lines = ["# What each latent goes with", ""]
    lines.append(
        "Suggestions, not findings: the features with the strongest dependence on each latent (KCI effect), "
        f"among those that are significant at a false discovery rate of {alpha:g}."
    )
    if simulated:
        lines += ["", "SIMULATED DATA: these people do not exist."]
    lines += ["", *(f"- {name}: {text or 'nothing significant'}" for name, text in names.items())]
    return "\n".join(lines) + "\n"


def body_for(dataset: Literal["athlete", "celeb"]) -> Any:
    """`run_people`, refusing configurations of the other table."""
    return partial(_run_only, dataset)


def _run_only(dataset: str, config: PeopleConfig) -> None:
    if config.dataset != dataset:
        raise InputError(
            f"dataset {config.dataset}: use run_{config.dataset}_3measurement.py; this one is for {dataset}"
        )
    run_people(config)


def with_default_config(dataset: str, argv: list[str]) -> list[str]:
    """`argv` on top of the table's own configuration, configs/DATASET.yaml."""
    return ["--config", str(project_path(f"configs/{dataset}.yaml")), *argv]
