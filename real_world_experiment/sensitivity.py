"""Make a run on people again with its choices changed: which edges and dependences hold?

`python real_world_experiment/sensitivity.py --help` shows examples and all options. The code is in
personax/experiments/sensitivity.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("sensitivity")

if __name__ == "__main__":
    sys.exit(main())
