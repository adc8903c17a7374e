"""Show finished runs as one web page, a single HTML file that needs no network.

`python real_world_experiment/report.py --help` shows examples and all options. The code is in
personax/experiments/html_report.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("report")

if __name__ == "__main__":
    sys.exit(main())
