"""Discover the causal graph over latents and draw it.

`python real_world_experiment/draw.py --help` shows examples and all options. The code is in
personax/experiments/graph.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("draw")

if __name__ == "__main__":
    sys.exit(main())
