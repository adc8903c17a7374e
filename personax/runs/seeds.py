"""Randomness is an argument: every generator descends from one seed and a name.

The name keeps streams apart (two parts of a run never draw the same numbers) and in place (adding a
stream does not move the others), whatever the order or the process in which they are made.
"""

import zlib

import numpy as np
import torch


def _sequence(seed: int, name: str) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, zlib.crc32(name.encode())])


def numpy_rng(seed: int, name: str) -> np.random.Generator:
    """A numpy Generator for the stream `name` of `seed` (a non-negative integer)."""
    return np.random.default_rng(_sequence(seed, name))


def torch_rng(seed: int, name: str) -> torch.Generator:
    """A torch Generator (on the CPU) for the stream `name` of `seed`."""
    state = int(_sequence(seed, name).generate_state(1, np.uint64)[0] >> 1)
    return torch.Generator().manual_seed(state)
