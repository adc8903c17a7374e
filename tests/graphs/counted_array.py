"""Arrays that count the numbers that are computed from them: the work of a function, whatever the machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


class Work:
    """How many numbers were computed."""

    elements = 0


_open: list[Work] = []


class CountedArray(np.ndarray):
    """An array (`array.view(CountedArray)`); what is computed from it is one, too."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [each.view(np.ndarray) if isinstance(each, CountedArray) else each for each in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(np.asarray(each) for each in kwargs["out"])
        result = getattr(ufunc, method)(*plain, **kwargs)
        for work in _open:
            work.elements += max(np.size(each) for each in (result, *plain))
        return result.view(CountedArray) if isinstance(result, np.ndarray) else result


@contextmanager
def counted() -> Iterator[Work]:
    """The work that is done within the `with` block."""
    work = Work()
    _open.append(work)
    try:
        yield work
    finally:
        _open.remove(work)
