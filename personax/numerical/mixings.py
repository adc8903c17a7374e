"""Mixings: how the latents of a modality become the numbers of its measurement."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from personax.runs.errors import InputError

LEAKY_SLOPE = 0.2  # of the leaky rectifier below 0 (Morioka & Hyvärinen 2024)
DRAWS, BEST_SHARE = 200, 0.25  # a matrix has a condition number among this share of the best of so many

Mixing = Callable[[Float[np.ndarray, "n inputs"]], Float[np.ndarray, "n outputs"]]
"""Latents and noise (n, inputs) -> measurement (n, outputs)."""


def leaky_rectifier(x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """x where it is positive, else LEAKY_SLOPE x."""
    return np.where(x > 0, x, LEAKY_SLOPE * x)


def random_network(inputs: int, outputs: int, rng: np.random.Generator, *, layers: int = 3) -> Mixing:
    """A network of linear layers with random weights and leaky rectifiers between them, which is invertible.

    Sun et al. 2025 and Morioka & Hyvärinen 2024 use three layers. Weights are uniform, and matrices whose
    condition number is large are not taken, as in the second paper; the first does not say. Widths are
    `outputs` from the first layer on. The outputs have variance 1 for standard normal inputs, on average.

    Raises InputError for fewer outputs than inputs, which could not be inverted.
    """
    if outputs < inputs:
        raise InputError(f"mixing: {outputs} numbers cannot hold {inputs} latents; give at least {inputs}")
    sizes = [inputs, *[outputs] * layers]
    weights = [_good_matrix(a, b, rng) for a, b in pairwise(sizes)]

    def mix(values: Float[np.ndarray, "n inputs"]) -> Float[np.ndarray, "n outputs"]:
        for number, weight in enumerate(weights):
            values = (leaky_rectifier(values) if number else values) @ weight
        return values

    scale = mix(rng.standard_normal((1000, inputs))).std()
    return lambda values: mix(values) / scale


def _good_matrix(inputs: int, outputs: int, rng: np.random.Generator) -> Float[np.ndarray, "inputs outputs"]:
    """A matrix of uniform numbers whose condition number is the one at BEST_SHARE of DRAWS."""
    drawn = rng.uniform(-1, 1, (DRAWS, inputs, outputs)) / np.sqrt(inputs)
    order = np.argsort(np.linalg.cond(drawn))
    chosen: np.ndarray = drawn[order[int(rng.integers(int(BEST_SHARE * DRAWS)))]]
    return chosen


def sparse_linear(
    shared: int, inputs: int, outputs: int, rng: np.random.Generator, *, pure: bool
) -> Float[np.ndarray, "inputs outputs"]:
    """The linear mixing of Sturma et al. 2023; the first `shared` inputs are the shared latents.

    An entry is 0 with chance 0.1, else uniform on [0.25, 1] with a random sign. With `pure` each shared
    latent has a *pure child*: a number of the measurement that depends on no other shared latent.
    """
    weights = _of_random_sign(rng, (inputs, outputs)) * (rng.random((inputs, outputs)) < 0.9)
    if pure:
        weights[:shared, :shared] = np.diag(_of_random_sign(rng, (shared,)))
    return weights[:, rng.permutation(outputs)]


def _of_random_sign(rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "*shape"]:
    """Uniform on [0.25, 1], with a random sign."""
    numbers: np.ndarray = rng.uniform(0.25, 1, shape) * rng.choice([-1, 1], shape)
    return numbers
