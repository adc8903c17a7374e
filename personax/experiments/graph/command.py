"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path

from personax.experiments.graph.config import DrawConfig
from personax.experiments.graph.run import draw_from
from personax.runs.errors import InputError


def check_draw(config: DrawConfig) -> None:
    """Raise InputError for values out of range and for options that exclude each other."""
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
    if not 0 < config.alpha < 1:
        raise InputError(f"--alpha {config.alpha}: must be between 0 and 1")
    if not 0 <= config.min_frequency <= 1:
        raise InputError(f"--min_frequency {config.min_frequency}: must be between 0 and 1")
    for option in ("resamples", "seed"):
        if getattr(config, option) < 0:
            raise InputError(f"--{option} {getattr(config, option)}: must be at least 0")
    if config.max_conditioning < -1:
        raise InputError(f"--max_conditioning {config.max_conditioning}: must be at least -1 (no limit)")
    if config.jobs == 0 or config.jobs < -1:
        raise InputError(f"--jobs {config.jobs}: must be at least 1, or -1 (one per core)")


def run_draw(config: DrawConfig) -> Path:
    """Check the options, make the graph and draw it; return the folder with the results."""
    check_draw(config)
    return draw_from(config)
