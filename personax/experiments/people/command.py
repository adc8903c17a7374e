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
from pathlib import Path
from typing import Literal

from personax.crl.model_config import check_config
from personax.experiments.fitting import seed_folder
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare
from personax.experiments.people.report import PEOPLE_METRICS, people_report
from personax.experiments.people.run import run_people_seed
from personax.experiments.several_seeds import run_every_seed
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.run_folder import shipped_config


def run_people(config: PeopleConfig) -> None:
    """Run one seed or several, print the table and the folder of the files. Raises InputError."""
    check_people(config)
    alone = config.seeds is None
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    results = run_every_seed(
        config, seeds, lambda seed: people_folder(config, seed), prepare, run_people_seed
    )
    table = summarise({seed: pick(metrics, PEOPLE_METRICS) for seed, metrics in results.items()})
    first = people_folder(config, seeds[0])
    if not alone:
        simulated = ", simulated" if results[seeds[0]]["simulated"] else ""
        title = f"{config.dataset}{simulated}, {config.name}, seeds {config.seeds}"
        write_summary(first.parent, table, title)
    print(people_report(results, table, first if alone else first.parent))


def people_folder(config: PeopleConfig, seed: int) -> Path:
    """The run folder of a seed."""
    return seed_folder(config.output, f"{config.dataset}/{config.name}", seed, alone=config.seeds is None)


def check_people(config: PeopleConfig) -> None:
    """Raise InputError for values out of range."""
    if config.seed < 0 or config.data_seed < 0:
        raise InputError("seed and data_seed: 0 or larger")
    if not 0 < config.alpha < 1:
        raise InputError(f"alpha {config.alpha}: must be between 0 and 1")
    if not config.model.latents:
        raise InputError("model.latents: empty; at least one latent per modality, as {image: 5, text: 5}")
    check_config(config.model)
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
