"""Embed the texts and photographs of a table of people.

`python trait_inference/extract_embeddings.py --help` shows examples and all options. The code is
in personax/experiments/embedding_extraction.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("extract_embeddings")

if __name__ == "__main__":
    sys.exit(main())
