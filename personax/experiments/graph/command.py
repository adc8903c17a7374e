"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.experiments.graph.config import DrawConfig
from personax.experiments.graph.run import draw_from
from personax.runs.errors import InputError


def check_draw(config: DrawConfig) -> None:
    """Raise InputError for options that exclude each other."""
    if not config.sources and not config.published:
        raise InputError(
            "nothing to draw: give run folders or a file of latents, or --published athlete or celeb"
        )
    if config.sources and config.published:
        raise InputError(
            f"--published {config.published} and {config.sources[0]}: give one of them, not both"
        )
    if config.beside and (config.compare or config.published):
        raise InputError(f"--beside {config.beside}: excludes --compare and --published")


def run_draw(config: DrawConfig) -> Path:
    """Check the options, make the graph and draw it; return the folder with the results."""
    check_draw(config)
    return draw_from(config)
