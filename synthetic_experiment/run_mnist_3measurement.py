"""Recover the latents of Variant-MNIST and their causal graph (paper §5, Fig. 5).

`python synthetic_experiment/run_mnist_3measurement.py --help` shows examples and all options. The code is
in personax/experiments/mnist.
"""

import sys

from personax.experiments.mnist.command import main

if __name__ == "__main__":
    sys.exit(main())
