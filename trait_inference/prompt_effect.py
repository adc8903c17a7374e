"""Which verdicts of Level I change with the prompt, the repeat and the language model.

`python trait_inference/prompt_effect.py --help` shows examples and all options. The code is in
personax/experiments/prompt_effect and personax/traits.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("prompt_effect")

if __name__ == "__main__":
    sys.exit(main())
