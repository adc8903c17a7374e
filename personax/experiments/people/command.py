"""Latents of athletes or celebrities from image and text embeddings, what they depend on, and their graph.

Examples:
  run_athlete_3measurement.py --seed 0                            the hub's table
  run_athlete_3measurement.py --source simulated --seeds 0,1,2    simulated people, whose latents are known
  run_celeb_3measurement.py --embeddings FOLDER                   .npy files named as the authors' files

The options of configs/athlete.yaml or configs/celeb.yaml are read first; --config FILE and options override
them.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from personax.experiments.fitting import seed_folder
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import Prepared, prepare
from personax.experiments.people.report import PEOPLE_METRICS, people_report
from personax.experiments.people.run import run_people_seed
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.memory import require_memory, require_network_memory
from personax.runs.run_folder import METRICS, open_run, shipped_config
from personax.runs.run_records import read_metrics

# What the report reads of metrics.json.
PEOPLE_NEEDED = {"simulated": "true or false", "criteria.representation": "a number"}
PEOPLE_KNOWN = dict.fromkeys(PEOPLE_METRICS, "a number")


def run_people(config: PeopleConfig) -> None:
    """Run one seed or several, print the table and the folder of the files. Raises InputError."""
    check_people(config)
    alone = config.seeds is None
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    results = run_seeds(config, seeds)
    table = summarise({seed: pick(metrics, PEOPLE_METRICS) for seed, metrics in results.items()})
    first = people_folder(config, seeds[0])
    if not alone:
        simulated = ", simulated" if results[seeds[0]]["simulated"] else ""
        title = f"{config.dataset}{simulated}, {config.name}, seeds {config.seeds}"
        write_summary(first.parent, table, title)
    print(people_report(results, table, first if alone else first.parent))


def run_seeds(config: PeopleConfig, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Seed -> metrics. The table is loaded once; if every run is finished, it is not loaded."""
    prepared: Prepared | None = None
    results: dict[int, dict[str, Any]] = {}
    for seed in seeds:
        run, path = replace(config, seed=seed), people_folder(config, seed)
        if config.resume and (path / METRICS).exists():
            open_run(path, run, resume=True)
        else:
            prepared = prepared or prepare(config)
            run_people_seed(run, path, prepared)
        results[seed] = read_metrics(path, PEOPLE_NEEDED, PEOPLE_KNOWN)
    return results


def people_folder(config: PeopleConfig, seed: int) -> Path:
    """The run folder of a seed."""
    return seed_folder(config.output, f"{config.dataset}/{config.name}", seed, alone=config.seeds is None)


def check_people(config: PeopleConfig) -> None:
    """Raise InputError without latents, and for a device or memory that this machine has not."""
    if not config.model.latents:
        raise InputError("model.latents: empty; at least one latent per modality, as {image: 5, text: 5}")
    if config.source == "simulated":
        width = config.image_dim + config.text_dim
        require_memory(4.0 * (config.n or 0) * width, f"n {config.n}, embeddings of {width:,} numbers")
    require_network_memory(config.model.hidden, networks=2 * len(config.model.latents))
    resolve_device(config.device)


def main_athlete(argv: Sequence[str] | None = None) -> int:
    """Run the command on athletes and return its exit code."""
    return _main_of("athlete", argv)


def main_celeb(argv: Sequence[str] | None = None) -> int:
    """Run the command on celebrities and return its exit code."""
    return _main_of("celeb", argv)


def _main_of(dataset: Literal["athlete", "celeb"], argv: Sequence[str] | None) -> int:
    """Run the command on top of the table's own configuration, and refuse the other table."""

    def run_only(config: PeopleConfig) -> None:
        if config.dataset != dataset:
            raise InputError(
                f"dataset {config.dataset}: use run_{config.dataset}_3measurement.py, not that of {dataset}"
            )
        run_people(config)

    words = sys.argv[1:] if argv is None else argv
    own_config = str(shipped_config(f"{dataset}.yaml"))
    return run_command(PeopleConfig, run_only, ["--config", own_config, *words], description=__doc__ or "")
