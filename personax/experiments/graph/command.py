"""Discover the causal graph over latents and draw it.

draw.py results/athlete/default/seed-0                      PC with 100 bootstrap samples
draw.py results/athlete/default/seed-* --method learned     the graph that the models of several seeds learned
draw.py latents.npy --names s1,s2,z11,z12,z21 --method fci  FCI on the latents in a file
draw.py --published celeb                                   a graph of the paper
draw.py results/athlete/default/seed-0 --compare athlete    next to a graph of the paper
"""

from collections.abc import Sequence
from pathlib import Path

from personax.experiments.graph.config import DrawConfig
from personax.experiments.graph.run import draw_from
from personax.runs.command_line import run_command
from personax.runs.errors import InputError

COST_NOTE = (
    "Time for 100 resamples of 9,444 people with 18 latents on 2 cores: pc with fisherz takes 20 s (2 min if "
    "nearly all latents depend on each other), fci and ges up to twice as long, pc with rcit an hour (20 to "
    "70 ms per test). The time of a kci test is linear in the number of people if the conditioning set is "
    "empty, else cubic: 2 s per test with 1,000 people, 15 s with 2,000. Use kci with --rows test, "
    "--max_conditioning 1 or --resamples 0."
)


def check_draw(config: DrawConfig) -> None:
    """Raise InputError for options that exclude each other, and for no process."""
    if bool(config.sources) == bool(config.published):
        raise InputError(
            "give either run folders or a file of latents, or --published athlete|celeb, not both"
        )
    if config.jobs == 0:
        raise InputError("--jobs 0: must be at least 1, or -1 (one per core)")


def run_draw(config: DrawConfig) -> Path:
    """Check the options, make the graph and draw it; return the folder with the results."""
    check_draw(config)
    return draw_from(config)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DrawConfig,
        run_draw,
        argv,
        description=__doc__ or "",
        epilog=COST_NOTE,
        positional=("sources", "run folders, or one file of latents"),
    )
