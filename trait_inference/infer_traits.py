"""Ask language models for the Big Five traits of the people of a list (paper, section 2).

`python trait_inference/infer_traits.py --help` shows examples and all options. The code is in
personax/experiments/trait_inference and personax/traits.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("infer_traits")

if __name__ == "__main__":
    sys.exit(main())
