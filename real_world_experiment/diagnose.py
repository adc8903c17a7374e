"""Check the assumptions of a trained model on the test rows of its run.

`python real_world_experiment/diagnose.py --help` shows examples and all options. The code is
in personax/experiments/diagnostics.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("diagnose")

if __name__ == "__main__":
    sys.exit(main())
