"""What was run on what data, and how to make it again."""

import shlex
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import yaml

from personax.experiments.html_report.blocks import Block, Facts, Note, Section, TextBlock
from personax.experiments.html_report.numbers import plain_text
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.subcommands import SUBCOMMANDS
from personax.runs.options import result_options
from personax.runs.run_folder import CONFIG, METRICS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Entry of the manifest -> what it is, in words.
OF_THE_DATA = {
    "data_source": "data",
    "people": "people",
    "measurements": "measurements of each modality",
    "data_revision": "revision of the data",
    "data_sha256": "SHA-256 of the data",
}
OF_THE_MACHINE = {
    "started": "started (UTC)",
    "seconds": "seconds",
    "machine": "machine",
    "device": "device",
    "threads": "threads",
    "python": "Python",
}


def what_was_run(record: RunRecord) -> Section:
    """The command, its seeds and data, and what may be wrong with the run."""
    manifest, options = record.manifest, record.options
    seeds = {name: options[name] for name in ("seed", "data_seed") if name in options}
    rows = [("folder", record.name)]
    if command := subcommand_of(options):
        rows.append(("what it does", f"{command}: {SUBCOMMANDS[command].phrase}"))
    rows += [(name.replace("_", " "), plain_text(value)) for name, value in seeds.items()]
    rows += _entries(manifest, OF_THE_DATA)
    versions = manifest.get("versions")
    if isinstance(versions, Mapping) and versions.get("personax"):
        rows.append(("version of PersonaX", plain_text(versions["personax"])))
    return Section("What was run, on what data", [Facts("", rows), *map(_warning, warnings_about(record))])


def warnings_about(record: RunRecord) -> list[str]:
    """What a reader must know before anything else."""
    found: list[str] = []
    if not record.manifest:
        return ["This folder holds the tables of several runs; each of them has its own settings."]
    state = record.manifest.get("state")
    if state != "finished":
        reason = record.manifest.get("reason")
        found.append(f"This run is not finished: {state}{f' ({reason})' if reason else ''}.")
    elif not record.metrics and "sources" not in record.options:  # `draw` writes no metrics
        found.append(f"The folder has no {METRICS}, which a finished run writes last.")
    if record.manifest.get("uncommitted_changes"):
        found.append("The code had changes that no commit holds, so the commit alone may not repeat the run.")
    return found


def how_to_make_it_again(record: RunRecord) -> Section:
    """The command, its configuration, and the versions that it ran with."""
    blocks: list[Block] = []
    if command := record.manifest.get("command"):
        blocks.append(TextBlock("The command of this run", plain_text(command)))
    if name := subcommand_of(record.options):
        text = f"personax {name} --config {CONFIG} --output {shlex.quote(record.path.name + '-again')}"
        blocks.append(TextBlock(f"The same run from its configuration, which is below as {CONFIG}", text))
    if record.options:
        blocks.append(TextBlock(CONFIG, config_text(record.options)))
    if environment := _environment(record.manifest):
        blocks.append(Facts("Commit, machine and versions", environment))
    return Section("How to make it again", blocks)


def _environment(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    versions = manifest.get("versions")
    packages = versions.items() if isinstance(versions, Mapping) else ()
    known = [(str(name), plain_text(version)) for name, version in packages if version is not None]
    return [*_entries(manifest, {"commit": "commit"}), *_entries(manifest, OF_THE_MACHINE), *known]


def subcommand_of(options: Mapping[str, Any]) -> str | None:
    """The subcommand whose options these are; None if there is none, or if an option is unknown to all.

    >>> subcommand_of({"sources": ["run"], "published": None, "method": "pc"})
    'draw'
    """
    known = {name: {field.name for field in fields(config_class_of(name))} for name in SUBCOMMANDS}
    fitting = [name for name in SUBCOMMANDS if options and set(options) <= known[name]]
    if options.get("dataset") in fitting:  # the commands of the two tables have the same options
        return str(options["dataset"])
    return min(fitting, key=lambda name: len(known[name]), default=None)


def config_class_of(subcommand: str) -> type["DataclassInstance"]:
    """The class of a subcommand's options."""
    module = import_module(f"personax.experiments.{SUBCOMMANDS[subcommand].module}")
    classes: list[type[DataclassInstance]] = [
        found
        for found in vars(module).values()
        if is_dataclass(found) and isinstance(found, type) and found.__module__ == module.__name__
    ]
    return next(found for found in classes if found.__name__.endswith("Config"))


def config_text(options: Mapping[str, Any]) -> str:
    """The options that the result depends on, as YAML; not those that only say where or how to run."""
    return str(yaml.safe_dump(options_of_result(options), sort_keys=False, allow_unicode=True))


def options_of_result(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the result depends on; all of them if no subcommand has these options."""
    name = subcommand_of(options)
    return result_options(config_class_of(name), options) if name else dict(options)


def _entries(manifest: Mapping[str, Any], wanted: Mapping[str, str]) -> list[tuple[str, str]]:
    """The entries that are there, under their names in words."""
    return [
        (words, plain_text(manifest[key])) for key, words in wanted.items() if manifest.get(key) is not None
    ]


def _warning(text: str) -> Note:
    return Note(text, warning=True)
