"""Limit BLAS, the library behind numpy's matrix products, to one thread.

The matrices here are tall or small, so a second thread mostly waits. When other processes use the cores,
waiting threads make small tests a hundred times slower. At n = 1,000,000 one thread is as fast as two. Use
processes instead (`run_grid(jobs=...)`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

BlasArguments = ParamSpec("BlasArguments")
BlasReturned = TypeVar("BlasReturned")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS calls use one thread."""
    limited: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return limited


def by_one_blas_thread(
    function: Callable[BlasArguments, BlasReturned],
) -> Callable[BlasArguments, BlasReturned]:
    """The function with BLAS limited to one thread: its rounding is the same for any number of threads."""

    @wraps(function)
    def limited(*args: BlasArguments.args, **kwargs: BlasArguments.kwargs) -> BlasReturned:
        with one_blas_thread():
            return function(*args, **kwargs)

    return limited
