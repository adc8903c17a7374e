"""Test every trait against every feature, and draw the paper's heatmap (Level I, Fig. 3).

`python independence_testing/run_independence_tests.py --help` shows examples and all options. The code is
in personax/experiments/independence.
"""

import sys

from personax.experiments.independence.command import main

if __name__ == "__main__":
    sys.exit(main())
