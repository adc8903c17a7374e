"""Latents of arrays of your own, and their causal graph.

`python real_world_experiment/run_own_data.py --help` shows examples and all options. The code is in
personax/experiments/own_data.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("own_data")

if __name__ == "__main__":
    sys.exit(main())
