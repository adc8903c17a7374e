"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.experiments.trait_inference.config import InferTraitsConfig
from personax.experiments.trait_inference.report import dry_run_text
from personax.experiments.trait_inference.run import infer_traits, prepare_inference
from personax.runs.errors import InputError
from personax.runs.run_folder import path_or_default, typed_path
from personax.traits.formats import FORMATS
from personax.traits.model_list import ModelSpec, checked_model, read_models


def run_inference(config: InferTraitsConfig) -> None:
    """Ask, write the tables and print what was asked. Raises InputError, also if requests have failed."""
    check_inference(config)
    models, formats = chosen_models(config), chosen_formats(config.format)
    prepared = prepare_inference(config, models, formats)
    if config.dry_run:
        print(dry_run_text(prepared.requests))
        return
    print(infer_traits(config, prepared, inference_folder(config)))


def check_inference(config: InferTraitsConfig) -> None:
    """Raise InputError without one list of people, and for options that contradict each other."""
    if len(config.people) != 1:
        raise InputError(
            f"{len(config.people)} lists of people; give one file, such as data/example_people.csv"
        )
    if config.retry_failed and not config.resume:
        raise InputError("--retry_failed: asks again what failed in an existing folder; give --resume, too")


def chosen_models(config: InferTraitsConfig) -> tuple[ModelSpec, ...]:
    """The models of the file, or the one of the command line. Raises InputError."""
    single = {
        name: getattr(config, name)
        for name in (
            "model",
            "base_url",
            "key_env",
            "requests_per_minute",
            "tokens_per_minute",
            "context_tokens",
        )
        if getattr(config, name)
    }
    if config.models is not None:
        if single:
            raise InputError(
                f"--models and --{next(iter(single))}: the file of models says it for each model"
            )
        return read_models(typed_path(config.models))
    if config.model is None or config.base_url is None:
        raise InputError("no endpoint: give --model and --base_url, or a file of --models")
    label = config.model.rpartition("/")[2].replace(":", "-")
    return (checked_model(ModelSpec(label=label, at_once=config.at_once, **single), "--model"),)


def chosen_formats(text: str) -> tuple[str, ...]:
    """The formats of the option. Raises InputError for unknown or repeated names."""
    names = tuple(FORMATS) if text == "all" else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FORMATS:
            raise InputError(f"--format {name[:40]!r}: unknown; choose from {', '.join(FORMATS)}, or all")
        if names.count(name) > 1:
            raise InputError(f"--format {name}: named twice")
    return names


def inference_folder(config: InferTraitsConfig) -> Path:
    """The run folder."""
    return path_or_default(config.output, Path("results") / "infer_traits" / Path(config.people[0]).stem)
