"""Compare our method with baselines and with itself without each of its parts.

`python synthetic_experiment/compare_methods.py --help` shows examples and all options. The code is
in personax/experiments/comparison.
"""

import sys

from personax.experiments.comparison.command import main

if __name__ == "__main__":
    sys.exit(main())
