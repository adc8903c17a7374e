"""A finished run read back from its folder: its options, its data made again, the same run with changes."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

from jsonargparse import ArgumentParser

from personax.experiments.mnist.config import MnistConfig
from personax.experiments.mnist.run import run_mnist_seed
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.own_data.run import load_own, run_own_seeds
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare
from personax.experiments.people.report import PEOPLE_METRICS
from personax.experiments.people.run import run_people_seed
from personax.experiments.run_options import OURS
from personax.experiments.several_seeds import run_every_seed
from personax.runs.bounds import check_bounds
from personax.runs.command_line import refuse_null_groups
from personax.runs.errors import InputError, advising
from personax.runs.files import read_yaml, write_yaml
from personax.runs.help_text import plain_message
from personax.runs.run_folder import (
    CONFIG,
    MANIFEST,
    METRICS,
    START_AGAIN,
    WEIGHTS,
    RunFolder,
    refuse_other_config,
)
from personax.runs.run_records import MAKE_ANEW, read_manifest, read_options
from personax.variant_mnist.scene_data import load_scenes, split_scenes
from personax.views import MultiViewData, Split, checksum_with_truth

BASE_RUN_FILE = "base_run.yaml"  # in the results about a run on people: its options
RunConfig = MnistConfig | PeopleConfig | OwnDataConfig


class FinishedRun(NamedTuple):
    """The configuration and the manifest of a finished run."""

    config: RunConfig
    manifest: dict[str, Any]


class Remade(NamedTuple):
    """The data of a run, made again from its configuration.

    Attributes:
        data: all scenes or people.
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
    if not is_run(options):
        raise InputError(
            f"{folder / CONFIG}: not a run of Variant-MNIST, athletes, celebrities or your own arrays"
        )
    if options.get("method", OURS) != OURS:
        raise InputError(
            f"{folder}: a run of {options['method']}; only {OURS} has noises that can be checked"
        )
    if not (folder / WEIGHTS).exists() or not (folder / METRICS).exists():
        raise InputError(
            f"{folder}: not trained to the end (no {WEIGHTS} or {METRICS}); "
            "finish it with the command that made it"
        )
    with advising(MAKE_ANEW):
        config = config_in_file(options, folder / CONFIG)
    return FinishedRun(config, manifest)


def is_run(options: dict[str, Any]) -> bool:
    """Whether these are the options of a run of Variant-MNIST, athletes, celebrities or own arrays."""
    return _kind_of(options) is not None


def _kind_of(options: dict[str, Any]) -> type[RunConfig] | None:
    """The experiment whose options these are; None if it is none of those with a model of ours."""
    if "scm" in options:
        return MnistConfig
    if options.get("dataset") in ("athlete", "celeb"):
        return PeopleConfig
    return OwnDataConfig if "data" in options else None


def config_in_file(options: dict[str, Any], file: Path) -> RunConfig:
    """`config_of_run` of the options in a file, which its messages name."""
    try:
        return config_of_run(options)
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except Exception as error:  # jsonargparse raises many kinds
        reason = plain_message(str(error), []).replace("run.", "", 1)  # the group of `config_of_run`
        raise InputError(f"{file}: written by another version, or edited ({reason})") from error


def config_of_run(options: dict[str, Any]) -> RunConfig:
    """The configuration that was written to a run folder, checked against the options of its command."""
    config_class = _kind_of(options)
    refuse_null_groups(config_class, options, CONFIG)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(config_class, "run")
    config: RunConfig = parser.instantiate(parser.parse_object({"run": options})).run
    check_bounds(config)
    if isinstance(config, PeopleConfig) and not config.model.latents:
        raise InputError("model.latents: empty; the run had at least one of each modality")
    return config


def read_people_run(path: Path) -> PeopleConfig:
    """The options of a run on people in a run folder or a YAML file, for runs that vary it in this process.

    Raises InputError for another file. The run need not have been made.
    """
    file = path / CONFIG if path.is_dir() else path
    options = read_options(path) if path.is_dir() else read_yaml(path)
    if not isinstance(options, dict):
        raise InputError(f"{file}: holds no options; name a run folder, or a file as configs/athlete.yaml")
    people = config_in_file(options, file) if is_run(options) else None
    if not isinstance(people, PeopleConfig):
        raise InputError(f"{file}: not a run on people; it must say dataset: athlete, or dataset: celeb")
    quiet = replace(people, figures=False, output=None, resume=True, overwrite=False, seeds=None)
    return replace(quiet, data_seed=people.drawn_by, jobs=1, engine="local", scheduler=None)


def refuse_other_base(home: Path, people: PeopleConfig) -> None:
    """Raise InputError if results about a run cannot be continued: it had other options, or unknown ones."""
    if (home / BASE_RUN_FILE).exists():
        refuse_other_config(home, people, BASE_RUN_FILE)
    elif (home / CONFIG).exists():
        raise InputError(f"{home}: has no {BASE_RUN_FILE}, so its run is unknown; {START_AGAIN}")


def keep_base_run(folder: RunFolder, people: PeopleConfig) -> None:
    """Write the options of the run that the results in a folder are about."""
    write_yaml(folder / BASE_RUN_FILE, asdict(people))


def name_of_run(path: Path) -> str:
    """A name for results about a run: of a folder the end of its path, as athlete-default-seed-0."""
    return "-".join(path.parts[-3:]) if path.is_dir() else path.stem


def remake(config: RunConfig, data_dir: str | None = None) -> Remade:
    """Make the run's data and split again. Raises InputError.

    `data_dir` is the folder where the pictures of Variant-MNIST are now; None means where the run found them.
    """
    if isinstance(config, OwnDataConfig):
        rows = load_own(config)
        return Remade(rows.data, rows.split, rows.checksum, rows.simulated)
    if isinstance(config, PeopleConfig):
        table, data, split, _ = prepare(config)
        return Remade(replace(data, source=table.source), split, table.sha256, table.simulated)
    if data_dir is not None:
        config = replace(config, data_dir=data_dir)
    data = load_scenes(config, config.seed)
    return Remade(data, split_scenes(config, config.seed, data), checksum_with_truth(data), False)


def refuse_other_data(folder: Path, finished: FinishedRun, remade: Remade) -> None:
    """Raise InputError if the data made again differ from those of the run."""
    expected = finished.manifest.get("data_sha256")
    if expected and expected != remade.checksum:
        raise InputError(
            f"{folder}: the data made again from {CONFIG} are not those of the run (sha256 differs); restore "
            "the files that it read, or give their folder with --data_dir"
        )


def run_again(config: RunConfig, path: Path) -> dict[str, Any]:
    """Make a run of any experiment in its folder, or read it if it is finished; returns its metrics."""
    if isinstance(config, MnistConfig):
        return run_mnist_seed(config, path)
    seeds = [config.seed]
    if isinstance(config, PeopleConfig):
        results = run_every_seed(
            config, seeds, lambda _: path, prepare, run_people_seed, metrics=PEOPLE_METRICS
        )
    else:
        results = run_own_seeds(config, seeds, lambda _: path)
    return results[config.seed]
