"""Make the data of a finished run again, encode them with its model, and check every assumption."""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jsonargparse import ArgumentParser

from personax.crl import CRL
from personax.experiments.diagnostics.alignment import alignment_gap
from personax.experiments.diagnostics.config import LEAST_ROWS, DiagnoseConfig
from personax.experiments.diagnostics.coordinate_shape import shape_of_coordinates
from personax.experiments.diagnostics.findings import Evidence, Finding
from personax.experiments.diagnostics.graph_facts import graph_facts
from personax.experiments.diagnostics.noises import exogenous_noise, measurement_noise, proposition_2
from personax.experiments.diagnostics.variability import sufficient_variability
from personax.experiments.mnist.config import OURS, MnistConfig
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare
from personax.runs.bounds import check_bounds
from personax.runs.command_line import refuse_null_groups
from personax.runs.errors import InputError
from personax.runs.run_folder import CONFIG, MANIFEST, METRICS, WEIGHTS
from personax.runs.run_records import read_manifest, read_options
from personax.runs.seeds import numpy_rng
from personax.variant_mnist.scene_config import load_scenes, scenes_checksum, split_scenes
from personax.views import MultiViewData, Split

RunConfig = MnistConfig | PeopleConfig


class FinishedRun(NamedTuple):
    """The configuration and the manifest of a finished run."""

    config: RunConfig
    manifest: dict[str, Any]


class Remade(NamedTuple):
    """The data of a run, made again from its configuration.

    Attributes:
        data: the scenes or the people.
        split: training, validation and test rows.
        checksum: SHA-256 of the data, to compare with the manifest.
        simulated: True if the people are simulated.
    """

    data: MultiViewData
    split: Split
    checksum: str
    simulated: bool


def read_run(folder: Path) -> FinishedRun:
    """Read a finished run. Raises InputError for any other folder."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not (folder / CONFIG).exists() or not (folder / MANIFEST).exists():
        raise InputError(f"{folder}: not a run folder (no {CONFIG} or {MANIFEST})")
    options, manifest = read_options(folder), read_manifest(folder)
    if not ("scm" in options or options.get("dataset") in ("athlete", "celeb")):
        raise InputError(f"{folder / CONFIG}: not a run of Variant-MNIST, athletes or celebrities")
    if options.get("method", OURS) != OURS:
        raise InputError(
            f"{folder}: a run of {options['method']}; only {OURS} has noises that can be checked"
        )
    if not (folder / WEIGHTS).exists() or not (folder / METRICS).exists():
        raise InputError(f"{folder}: not trained to the end (no {WEIGHTS} or {METRICS}); --resume it first")
    try:
        config = config_of_run(options)
    except InputError as error:
        raise InputError(f"{folder / CONFIG}: {error}") from error
    except Exception as error:  # jsonargparse raises many kinds
        reason = " ".join(str(error).split())
        raise InputError(f"{folder}: written by another version, or edited ({reason})") from error
    return FinishedRun(config, manifest)


def config_of_run(options: dict[str, Any]) -> RunConfig:
    """The configuration that was written to a run folder, checked against the options of its command."""
    config_class = MnistConfig if "scm" in options else PeopleConfig
    refuse_null_groups(config_class, options, CONFIG)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(config_class, "run")
    config: RunConfig = parser.instantiate(parser.parse_object({"run": options})).run
    check_bounds(config)
    if isinstance(config, PeopleConfig) and not config.model.latents:
        raise InputError("model.latents: empty; the run had at least one of each modality")
    return config


def remake(config: RunConfig, data_dir: str | None) -> Remade:
    """Make the run's data and split again. Raises InputError.

    `data_dir` is the folder where the pictures of Variant-MNIST are now; None means where the run found them.
    """
    if isinstance(config, PeopleConfig):
        table, data, split, _ = prepare(config)
        return Remade(replace(data, source=table.source), split, table.sha256, table.simulated)
    if data_dir is not None:
        config = replace(config, data_dir=data_dir)
    data = load_scenes(config, config.seed)
    return Remade(data, split_scenes(config, config.seed, data), scenes_checksum(data), False)


def refuse_other_data(folder: Path, finished: FinishedRun, remade: Remade) -> None:
    """Raise InputError if the data made again differ from those of the run."""
    expected = finished.manifest.get("data_sha256")
    if expected and expected != remade.checksum:
        raise InputError(
            f"{folder}: the data made again from {CONFIG} are not those of the run (sha256 differs); restore "
            "the files that it read, or give their folder with --data_dir"
        )


def collect_evidence(model: CRL, remade: Remade, config: DiagnoseConfig) -> Evidence:
    """What the model infers about training people and at most `config.rows` test people.

    Raises InputError if there are fewer than LEAST_ROWS test rows.
    """
    test = remade.split.test
    if len(test) < LEAST_ROWS:
        raise InputError(f"{len(test)} test rows are too few for these checks; at least {LEAST_ROWS}")
    if len(test) > config.rows:
        chosen = numpy_rng(config.seed, "diagnostics/rows").choice(test, config.rows, replace=False)
        test = np.sort(chosen)
    train_data, test_data = remade.data.rows(remade.split.train), remade.data.rows(test)
    return Evidence(
        train=model.encode(train_data),
        test=model.encode(test_data),
        train_data=train_data,
        test_data=test_data,
        blocks=model.blocks,
        graph=model.graph,
        edge_probability=model.edge_probability,
        alpha=config.alpha,
        seed=config.seed,
        encode=model.encode,
    )


def diagnose(evidence: Evidence) -> list[Finding]:
    """All checks, in the order of the report."""
    return [
        exogenous_noise(evidence),
        *measurement_noise(evidence),
        *proposition_2(evidence),
        alignment_gap(evidence),
        *shape_of_coordinates(evidence),
        *sufficient_variability(evidence),
        graph_facts(evidence),
    ]
