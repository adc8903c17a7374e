"""Latents of athletes from image and text embeddings, and their causal graph.

`python real_world_experiment/run_athlete_3measurement.py --help` shows examples and all options. The code is
in personax/experiments/people.
"""

import sys

from personax.experiments.people.command import main_athlete as main

if __name__ == "__main__":
    sys.exit(main())
