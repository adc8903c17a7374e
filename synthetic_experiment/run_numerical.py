"""All methods on the numerical data of other papers.

`python synthetic_experiment/run_numerical.py --help` shows examples and all options. The code is
in personax/experiments/numerical.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("numerical")

if __name__ == "__main__":
    sys.exit(main())
