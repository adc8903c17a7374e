"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.experiments.fitting import seed_folder
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare
from personax.experiments.people.report import PEOPLE_METRICS, people_report
from personax.experiments.people.run import run_people_seed
from personax.experiments.run_options import check_several_seeds
from personax.experiments.several_seeds import run_every_seed
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.memory import require_memory, require_network_memory

# What the report reads of metrics.json.


def run_people(config: PeopleConfig) -> None:
    """Run one seed or several, print the table and the folder of the files. Raises InputError."""
    check_people(config)
    alone = config.seeds is None
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    results = run_every_seed(
        config,
        seeds,
        lambda seed: people_folder(config, seed),
        prepare,
        run_people_seed,
        metrics=PEOPLE_METRICS,
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
    """Raise InputError without latents, and for a device or memory that this machine has not."""
    if not config.model.latents:
        raise InputError("model.latents: empty; at least one latent per modality, as {image: 5, text: 5}")
    if config.source == "simulated":
        width = config.image_dim + config.text_dim
        require_memory(4.0 * (config.n or 0) * width, f"n {config.n}, embeddings of {width:,} numbers")
    require_network_memory(config.model.hidden, networks=2 * len(config.model.latents))
    resolve_device(config.device)
    check_several_seeds(config)


def run_athletes(config: PeopleConfig) -> None:
    """`run_people` on athletes. Raises InputError for the other table."""
    run_only("athlete", config)


def run_celebrities(config: PeopleConfig) -> None:
    """`run_people` on celebrities. Raises InputError for the other table."""
    run_only("celeb", config)


def run_only(dataset: str, config: PeopleConfig) -> None:
    """`run_people`, if the configuration names this table."""
    if config.dataset != dataset:
        raise InputError(
            f"dataset {config.dataset}: use run_{config.dataset}_3measurement.py; not that of {dataset}"
        )
    run_people(config)
