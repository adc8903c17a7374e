"""Choose our model without the truth.

`python real_world_experiment/choose_model.py --help` shows examples and all options. The code is
in personax/experiments/selection.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("choose")

if __name__ == "__main__":
    sys.exit(main())
