"""Latents of arrays of your own, and their causal graph.

`python real_world_experiment/run_own_data.py --help` shows examples and all options. The code is in
personax/experiments/own_data.
"""

import sys

from personax.experiments.own_data.command import main

if __name__ == "__main__":
    sys.exit(main())
