"""A finished run folder in, its diagnostics out."""

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jsonargparse import ArgumentParser

from personax.crl import CRL
from personax.experiments.diagnostics.findings import Evidence, Finding
from personax.experiments.diagnostics.noises import (
    exogenous_noise,
    measurement_noise,
    proposition_2,
)
from personax.experiments.diagnostics.report import as_json, draw, lines, page
from personax.experiments.diagnostics.structure import (
    alignment_gap,
    graph_facts,
    shape_of_coordinates,
    sufficient_variability,
)
from personax.experiments.fitting import WEIGHTS
from personax.experiments.mnist import METRICS, OURS, MnistConfig, load_scenes, scenes_checksum, split_scenes
from personax.experiments.people import PeopleConfig, prepare
from personax.runs.errors import InputError
from personax.runs.files import read_yaml, write_json, write_text
from personax.runs.folder import CONFIG, MANIFEST, existing_path
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData, Split

log = logging.getLogger(__name__)

LEAST_ROWS = 20


@dataclass(frozen=True)
class DiagnoseConfig:
    """Evidence for or against each assumption of a trained model."""

    folder: list[str] = field(default_factory=list)
    """A finished run folder: of Variant-MNIST, athletes or celebrities."""
    rows: int = 2000
    """Test rows to look at, at most; as many as there are, if fewer."""
    alpha: float = 0.05
    """Level of the tests, Holm-corrected within each assumption."""
    seed: int = 0
    """Seed of shuffles, random features and rotations."""
    data_dir: str | None = None
    """Where the pictures of Variant-MNIST lie now, if not where the run found them."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda; for the encoders."""


class Remade(NamedTuple):
    """The data of a run, made again from its configuration."""

    data: MultiViewData
    split: Split
    checksum: str
    simulated: bool
    source: str


def run_diagnosis(config: DiagnoseConfig) -> list[Finding]:
    """Check every assumption, write the page, the JSON and the figure, print the report. InputError."""
    _check(config)
    folder = existing_path(config.folder[0])
    settings, manifest = read_run(folder)
    model = CRL.load(folder, device=config.device)
    remade = remake(settings, config)
    expected = manifest.get("data_sha256")
    if expected and expected != remade.checksum:
        raise InputError(
            f"{folder}: the data remade from {CONFIG} are not those of the run (sha256 differs); restore its "
            "files, or point --data_dir to them"
        )
    evidence = gather(model, remade, config)
    findings = diagnose(evidence)
    facts = {
        "test_rows": len(evidence.test.z),
        "train_rows": len(evidence.train.z),
        "alpha": config.alpha,
        "seed": config.seed,
        "simulated": remade.simulated,
        "source": remade.source,
    }
    text = "\n".join(lines(findings))
    write_json(folder / "diagnostics.json", as_json(findings, facts))
    write_text(folder / "diagnostics.md", page(findings, facts))
    mark = "SIMULATED DATA. " if remade.simulated else ""
    title = f"{mark}{folder.parent.name}/{folder.name}, {facts['test_rows']} test rows"
    pictures = draw(findings, folder / "figures" / "diagnostics", title=title)
    print(f"{mark}{facts['test_rows']} test rows, level {config.alpha:g}; in brackets what to compare with\n")
    print(text)
    print(f"\n{folder / 'diagnostics.md'}\n{pictures[0]}")
    return findings


def _check(config: DiagnoseConfig) -> None:
    if len(config.folder) != 1:
        raise InputError(f"{len(config.folder)} run folders given; give one")
    if config.rows < LEAST_ROWS:
        raise InputError(f"--rows {config.rows}: at least {LEAST_ROWS}")
    if not 0 < config.alpha < 1:
        raise InputError(f"--alpha {config.alpha}: must be between 0 and 1")
    if config.seed < 0:
        raise InputError(f"--seed {config.seed}: 0 or larger")


def read_run(folder: Path) -> tuple[MnistConfig | PeopleConfig, dict[str, Any]]:
    """Configuration and manifest of a finished run. Raises InputError for anything else."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder")
    if not (folder / CONFIG).exists() or not (folder / MANIFEST).exists():
        raise InputError(f"{folder}: no run folder (no {CONFIG} or {MANIFEST})")
    raw = read_yaml(folder / CONFIG)
    if not isinstance(raw, dict) or not ("scm" in raw or raw.get("dataset") in ("athlete", "celeb")):
        raise InputError(f"{folder / CONFIG}: not a run of Variant-MNIST, athletes or celebrities")
    if raw.get("method", OURS) != OURS:
        raise InputError(f"{folder}: a run of {raw['method']}; only {OURS} has the noises to look at")
    if not (folder / WEIGHTS).exists() or not (folder / METRICS).exists():
        raise InputError(f"{folder}: not trained to the end (no {WEIGHTS} or {METRICS}); --resume it first")
    kind = MnistConfig if "scm" in raw else PeopleConfig
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, "run")
    try:
        config = parser.instantiate_classes(parser.parse_object({"run": raw})).run
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except Exception as error:  # jsonargparse raises many kinds
        reason = " ".join(str(error).split())
        raise InputError(f"{folder}: written by another version, or edited ({reason})") from error
    return config, manifest


def remake(settings: MnistConfig | PeopleConfig, config: DiagnoseConfig) -> Remade:
    """The run's data and split. Raises InputError."""
    if isinstance(settings, PeopleConfig):
        prepared = prepare(settings)
        table = prepared.table
        return Remade(prepared.data, prepared.split, table.sha256, table.simulated, table.source)
    if config.data_dir is not None:
        settings = replace(settings, data_dir=config.data_dir)
    data = load_scenes(settings)
    return Remade(data, split_scenes(settings, data), scenes_checksum(data), False, data.source)


def gather(model: CRL, remade: Remade, config: DiagnoseConfig) -> Evidence:
    """What the model makes of training people and of at most `config.rows` test people."""
    test = remade.split.test
    if len(test) < LEAST_ROWS:
        raise InputError(f"{len(test)} test rows are too few to tell anything; at least {LEAST_ROWS}")
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
