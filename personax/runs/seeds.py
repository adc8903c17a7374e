"""Random numbers: every generator is made from a seed and a name, and is passed on as an argument.

Parts of a run with different names draw different numbers. A new part with a new name does not change the
numbers of the existing parts. It does not matter in which order, or in which process, generators are made.
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


def derived_seed(seed: int, name: str) -> int:
    """The seed, below 2^62, for one purpose, such as "networks"; every purpose has a different one."""
    return int(numpy_rng(seed, name).integers(2**62))
