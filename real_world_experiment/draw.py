"""Discover the causal graph over latents and draw it.

`python real_world_experiment/draw.py --help` shows examples and all options. The code is in
personax/experiments/graph.
"""

import sys

from personax.experiments.graph.command import main

if __name__ == "__main__":
    sys.exit(main())
