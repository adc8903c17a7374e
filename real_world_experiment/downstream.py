"""How well latents predict held-out traits and features, beside raw embeddings and other methods.

`python real_world_experiment/downstream.py --help` shows examples and all options. The code is in
personax/experiments/downstream.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("downstream")

if __name__ == "__main__":
    sys.exit(main())
