"""The console script `personax`: one subcommand for each script, with the same options.

Only the module of the chosen subcommand is imported, so that `personax --help` is fast.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

PROGRAM = "personax"


class Subcommand(NamedTuple):
    """Where the main function of a subcommand is, and what the subcommand does."""

    module: str
    function: str
    phrase: str


SUBCOMMANDS = {
    "independence": Subcommand("independence.command", "main", "test which traits depend on which features"),
    "mnist": Subcommand("mnist.command", "main", "recover the latents of Variant-MNIST and their graph"),
    "compare": Subcommand(
        "comparison.command", "main", "compare our method with baselines and with its parts"
    ),
    "tune": Subcommand("tuning.command", "main", "tune the baselines without the truth"),
    "choose": Subcommand("selection.command", "main", "choose our model without the truth"),
    "athlete": Subcommand("people.command", "main_athlete", "learn the latents of athletes"),
    "celeb": Subcommand("people.command", "main_celeb", "learn the latents of celebrities"),
    "draw": Subcommand("graph.command", "main", "discover the graph over latents and draw it"),
    "diagnose": Subcommand("diagnostics.command", "main", "check the assumptions of a trained model"),
}


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
    command = SUBCOMMANDS[name]
    run: Callable[[Sequence[str]], int] = getattr(
        import_module(f"personax.experiments.{command.module}"), command.function
    )
    with named_program(f"{PROGRAM} {name}", options):
        return run(options)


@contextmanager
def named_program(name: str, options: Sequence[str]) -> Iterator[None]:
    """Inside the block, messages, usage and manifests show this program name and these options."""
    before = sys.argv
    sys.argv = [name, *options]
    try:
        yield
    finally:
        sys.argv = before
