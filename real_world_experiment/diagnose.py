"""Check the assumptions of a trained model on the test rows of its run.

`python real_world_experiment/diagnose.py --help` shows examples and all options. The code is
in personax/experiments/diagnostics.
"""

import sys

from personax.experiments.diagnostics.command import main

if __name__ == "__main__":
    sys.exit(main())
