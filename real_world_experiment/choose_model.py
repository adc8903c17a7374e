"""Choose our model without the truth.

`python real_world_experiment/choose_model.py --help` shows examples and all options. The code is
in personax/experiments/selection.
"""

import sys

from personax.experiments.selection.command import main

if __name__ == "__main__":
    sys.exit(main())
