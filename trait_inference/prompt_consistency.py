"""How much the scores of language models vary with repeats and prompts (Fig. 2).

`python trait_inference/prompt_consistency.py --help` shows examples and all options. The code is in
personax/experiments/prompt_consistency and personax/traits.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("consistency")

if __name__ == "__main__":
    sys.exit(main())
