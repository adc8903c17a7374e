"""Latents of celebrities from image and text embeddings, and their causal graph.

`python real_world_experiment/run_celeb_3measurement.py --help` shows examples and all options. The code is
in personax/experiments/people.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("celeb")

if __name__ == "__main__":
    sys.exit(main())
