"""Test every trait against every feature, and draw the paper's heatmap (Level I, Fig. 3).

`python independence_testing/run_independence_tests.py --help` shows examples and all options. The code is
in personax/experiments/independence.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("independence")

if __name__ == "__main__":
    sys.exit(main())
