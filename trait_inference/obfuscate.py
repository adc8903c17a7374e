"""Obfuscate embeddings with a key, or restore them with it.

`python trait_inference/obfuscate.py --help` shows examples and all options. The code is
in personax/experiments/obfuscation.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("obfuscate")

if __name__ == "__main__":
    sys.exit(main())
