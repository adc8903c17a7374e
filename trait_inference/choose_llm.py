"""Language models by the eight criteria of the paper's Tab. 1.

`python trait_inference/choose_llm.py --help` shows examples and all options. The code is in
personax/experiments/llm_choice and personax/traits.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("choose_llm")

if __name__ == "__main__":
    sys.exit(main())
