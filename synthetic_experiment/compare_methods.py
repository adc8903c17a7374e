"""Compare our method with baselines and with itself without each of its parts.

`python synthetic_experiment/compare_methods.py --help` shows examples and all options. The code is
in personax/experiments/comparison.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("compare")

if __name__ == "__main__":
    sys.exit(main())
