"""Latents of athletes from image and text embeddings, what they go with, and their causal graph.

    python real_world_experiment/run_athlete_3measurement.py --seed 0
    python real_world_experiment/run_athlete_3measurement.py --source simulated --seeds 0,1,2
    python real_world_experiment/run_athlete_3measurement.py --embeddings FOLDER

Starts from configs/athlete.yaml; --config FILE and flags come on top.
"""

import sys
from collections.abc import Sequence

from personax.experiments.people import PeopleConfig, body_for, with_default_config
from personax.runs.command import run_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit code."""
    words = with_default_config("athlete", list(sys.argv[1:] if argv is None else argv))
    return run_command(PeopleConfig, body_for("athlete"), words, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
