"""The console script `personax`, and the scripts: each is one subcommand, with the same options.

Only the module of the chosen subcommand is imported, so that `personax --help` is fast.
"""

from __future__ import annotations  # so that an old Python, too, gets as far as saying what it lacks

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

PROGRAM = "personax"


class Subcommand(NamedTuple):
    """Where the main function of a subcommand is, and what the subcommand does."""

    module: str
    function: str
    phrase: str


SUBCOMMANDS = {
    "independence": Subcommand("independence.config", "main", "test which traits depend on which features"),
    "mnist": Subcommand("mnist.config", "main", "recover the latents of Variant-MNIST and their graph"),
    "compare": Subcommand(
        "comparison.config", "main", "compare our method with baselines and with its parts"
    ),
    "light_tunnel": Subcommand(
        "light_tunnel.config", "main", "recover the settings of the light tunnel with all methods"
    ),
    "tune": Subcommand("tuning.config", "main", "tune the baselines without the truth"),
    "choose": Subcommand("selection.config", "main", "choose our model without the truth"),
    "athlete": Subcommand("people.config", "main_athlete", "learn the latents of athletes"),
    "celeb": Subcommand("people.config", "main_celeb", "learn the latents of celebrities"),
    "own_data": Subcommand("own_data.config", "main", "learn the latents of arrays of your own"),
    "infer_traits": Subcommand(
        "trait_inference.config", "main", "ask language models for the traits of people"
    ),
    "draw": Subcommand("graph.config", "main", "discover the graph over latents and draw it"),
    "report": Subcommand("html_report.config", "main", "show finished runs as one web page"),
    "extract_embeddings": Subcommand(
        "embedding_extraction.config", "main", "embed the texts and photographs of a table of people"
    ),
    "obfuscate": Subcommand("obfuscation.config", "main", "obfuscate embeddings with a key, or restore them"),
    "obfuscation_study": Subcommand(
        "obfuscation_study.config", "main", "measure what obfuscated embeddings give away"
    ),
    "diagnose": Subcommand("diagnostics.config", "main", "check the assumptions of a trained model"),
    "sensitivity": Subcommand("sensitivity.config", "main", "vary a run on people: which conclusions hold?"),
    "downstream": Subcommand(
        "downstream.config", "main", "predict traits and features from latents, held out"
    ),
    "consistency": Subcommand(
        "prompt_consistency.config", "main", "measure how scores vary with repeats and prompts"
    ),
    "choose_llm": Subcommand("llm_choice.config", "main", "compare language models by eight criteria"),
    "prompt_effect": Subcommand(
        "prompt_effect.config", "main", "count the verdicts that change with prompt and language model"
    ),
}


EXTRAS = {"openai": "llm", "tenacity": "llm", "krippendorff": "llm", "causalchamber": "tunnel"}
"""Package that only some commands need -> the extra that brings it."""


def usage() -> str:
    """The text that `personax --help` prints."""
    width = max(map(len, SUBCOMMANDS))
    lines = [f"  {name:<{width}}  {command.phrase}" for name, command in SUBCOMMANDS.items()]
    head = f"usage: {PROGRAM} SUBCOMMAND [options]"
    return "\n".join([head, "", *lines, "", f"{PROGRAM} SUBCOMMAND --help explains its options."])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the subcommand that the first word names, with the other words as options; return the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0
    name, *options = words
    if name not in SUBCOMMANDS:
        known = ", ".join(SUBCOMMANDS)
        print(f"{PROGRAM}: error: unknown subcommand {name!r}; choose from {known}", file=sys.stderr)
        return 2
    with named_program(f"{PROGRAM} {name}", options):
        return run_subcommand(name, options)


def main_of(name: str) -> Callable[..., int]:
    """The main function of the script of a subcommand; it takes the words of the command line, or none."""
    return partial(run_subcommand, name)


def run_subcommand(name: str, argv: Sequence[str] | None = None) -> int:
    """Run a subcommand; returns the exit code, which is 2 if this Python lacks a package that is needed."""
    command = SUBCOMMANDS[name]
    try:
        run: Callable[[Sequence[str] | None], int] = getattr(
            import_module(f"personax.experiments.{command.module}"), command.function
        )
        return run(argv)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("", "personax"):
            raise
        print(f"{Path(sys.argv[0]).name}: error: {missing_package(error.name or '')}", file=sys.stderr)
        return 2


def missing_package(name: str) -> str:
    """What to do where the Python that runs has no package of this name."""
    clone = Path(__file__).resolve().parents[2]
    if name.partition(".")[0] in EXTRAS:
        extra = EXTRAS[name.partition(".")[0]]
        return f"{sys.executable} has no package {name!r}; install the extra: pip install 'personax[{extra}]'"
    own = clone / ".venv" / "bin" / "python"
    remedy = f"use {own}" if own.exists() else f"`make run` in {clone} sets up a Python that has all"
    return f"{sys.executable} (Python {sys.version.split()[0]}) has no package {name!r}; {remedy}"


@contextmanager
def named_program(name: str, options: Sequence[str]) -> Iterator[None]:
    """Inside the block, messages, usage and manifests show this program name and these options."""
    before = sys.argv
    sys.argv = [name, *options]
    try:
        yield
    finally:
        sys.argv = before
