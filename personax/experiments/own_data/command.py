"""Latents of arrays of your own, and their graph.

A YAML file says which array (.npy, .npz, .parquet, .csv) is which measurement of which modality:

  measurements:
    face: [face_1.npy, face_2.npy]
    voice: ["people.csv:voice_*"]

Examples:
  run_own_data.py --data people.yaml --model.latents '{face: 2, voice: 2}'
  run_own_data.py --config my_experiment.yaml --seeds 0,1,2      options in a file, several seeds
  run_own_data.py --config configs/own_embeddings.yaml --data people.yaml --model.latents '{text: 5}'
                                                                 vectors of hundreds of numbers

The same row is the same person in all arrays. The README of real_world_experiment has all keys of the file.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from personax.crl.model_config import check_config
from personax.experiments.fitting import seed_folder
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.own_data.report import OWN_METRICS, own_report
from personax.experiments.own_data.run import load_own, run_own_seed
from personax.experiments.several_seeds import run_every_seed
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.run_folder import existing_path


def run_own(config: OwnDataConfig) -> None:
    """Run one seed or several, print the table and where the files are. Raises InputError."""
    check_own(config)
    config = replace(config, data=str(existing_path(config.data)))
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    folders = {seed: own_folder(config, seed) for seed in seeds}
    results = run_every_seed(config, seeds, folders.__getitem__, load_own, run_own_seed)
    table = summarise({seed: pick(metrics, OWN_METRICS) for seed, metrics in results.items()})
    if config.seeds is not None:
        title = f"{Path(config.data).name}, seeds {config.seeds}"
        write_summary(folders[seeds[0]].parent, table, title)
    print(own_report(results, table, list(folders.values())))


def own_folder(config: OwnDataConfig, seed: int) -> Path:
    """The run folder of a seed."""
    name = config.name or Path(config.data).stem
    return seed_folder(config.output, f"own_data/{name}", seed, alone=config.seeds is None)


def check_own(config: OwnDataConfig) -> None:
    """Raise InputError for values out of range."""
    if not config.data:
        raise InputError("no --data; give a YAML file that says which array is which measurement")
    if config.seed < 0 or config.data_seed < 0:
        raise InputError("seed and data_seed: 0 or larger")
    check_config(config.model)
    resolve_device(config.device)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(OwnDataConfig, run_own, argv, description=__doc__ or "")
