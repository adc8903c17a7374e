"""Recover the latents of Variant-MNIST and their causal graph, and score them against the truth."""

import sys
from collections.abc import Sequence

from personax.experiments.mnist import MnistConfig
from personax.experiments.mnist_command import run_mnist
from personax.runs.command import run_command

EPILOG = """examples:
  python run_mnist_3measurement.py --seed 3
  python run_mnist_3measurement.py --config ../configs/mnist.yaml --seeds 0-9 --jobs 2
  python run_mnist_3measurement.py --config ../configs/mnist_paper.yaml
  python run_mnist_3measurement.py --dataset FOLDER   (color.csv, fashion.csv and their PNGs)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the process's exit code."""
    return run_command(MnistConfig, run_mnist, argv, description=__doc__ or "", epilog=EPILOG)


if __name__ == "__main__":
    sys.exit(main())
