"""Measure what obfuscated embeddings give away, and what obfuscation changes in results.

`python trait_inference/obfuscation_study.py --help` shows examples and all options. The code is
in personax/experiments/obfuscation_study.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("obfuscation_study")

if __name__ == "__main__":
    sys.exit(main())
