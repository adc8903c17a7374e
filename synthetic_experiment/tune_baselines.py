"""Tune the baselines without the truth.

`python synthetic_experiment/tune_baselines.py --help` shows examples and all options. The code is
in personax/experiments/tuning.
"""

import sys

from personax.experiments.tuning.command import main

if __name__ == "__main__":
    sys.exit(main())
