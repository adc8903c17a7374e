"""Arrays that stay in their files and are read in parts; so they may be larger than the memory."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped


class MappedFile(NamedTuple):
    """Where the numbers of an array are in a file; another process opens them again without a copy."""

    path: Path
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, array: Shaped[np.ndarray, "..."]) -> "MappedFile | None":
        """The file behind an array; None if it is in memory, or takes only some columns of the file."""
        base = _mapping_behind(array)
        if base is None or base.filename is None or not array.flags.c_contiguous:
            return None
        skipped = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        return cls(Path(base.filename), base.offset + skipped, array.dtype, array.shape)

    def open(self) -> Shaped[np.ndarray, "..."]:
        """The array, read-only."""
        return np.asarray(np.memmap(self.path, self.dtype, "r", self.offset, self.shape))


def is_mapped(array: Shaped[np.ndarray, "..."]) -> bool:
    """Whether the numbers of an array are read from a file when they are used."""
    return _mapping_behind(array) is not None


def _mapping_behind(array: Any) -> np.memmap[Any, Any] | None:
    """The first memory map that the array is a view of."""
    found = None
    while isinstance(array, np.ndarray):
        found = array if isinstance(array, np.memmap) else found
        array = array.base
    return found
