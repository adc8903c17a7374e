"""BLAS threads: one where matrices are small, all where they are large."""

from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

# With fewer rows the matrices are small, and a second thread costs more in waiting than it saves in work -
# a hundredfold, when other processes hold the cores.
_MANY_ROWS = 100_000


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def blas_threads(rows: int) -> AbstractContextManager[Any]:
    """A context with one BLAS thread for columns of fewer than 100,000 rows, else with all there are."""
    return _controller().limit(limits=1, user_api="blas") if rows < _MANY_ROWS else nullcontext()
