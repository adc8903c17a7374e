"""Recover the latents of Variant-MNIST and their causal graph (paper §5, Fig. 5).

`python synthetic_experiment/run_mnist_3measurement.py --help` shows examples and all options. The code is
in personax/experiments/mnist.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the library beside this file, if none is installed

from personax.experiments.subcommands import main_of

main = main_of("mnist")

if __name__ == "__main__":
    sys.exit(main())
