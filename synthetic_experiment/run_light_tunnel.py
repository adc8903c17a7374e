"""Recover the settings of the light tunnel from pictures and sensor readings, with all methods.

`python synthetic_experiment/run_light_tunnel.py --help` shows examples and all options. The code is
in personax/experiments/light_tunnel.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("light_tunnel")

if __name__ == "__main__":
    sys.exit(main())
