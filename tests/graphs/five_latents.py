"""Five latents with a known graph, used in several tests of graphs."""

import numpy as np

NAMES = ["s1", "z11", "z12", "z21", "z22"]
BLOCKS = {"s": ["s1"], "image": ["z11", "z12"], "text": ["z21", "z22"]}
# s1 -> z11 -> z12 <- z21 -> z22, s1 -> z21: one collider, z12
TRUE = np.array([[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 0, 0]])


def linear_gaussian(weights: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """(n, d) of z_j = 0.8 * sum_i weights[i, j] z_i + noise."""
    d = len(weights)
    noise = np.random.default_rng(seed).normal(size=(n, d))
    latents: np.ndarray = noise @ np.linalg.inv(np.eye(d) - 0.8 * weights)
    return latents


def linear_laplace(weights: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """As `linear_gaussian`, with noise whose shape shows the direction of every edge."""
    noise = np.random.default_rng(seed).laplace(size=(n, len(weights)))
    latents: np.ndarray = noise @ np.linalg.inv(np.eye(len(weights)) - 0.8 * weights)
    return latents
