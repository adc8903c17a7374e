"""The exceptions of this library. A command turns each into one line on the screen and exit code 2.

    PersonaxError
    ├── InputError          also a ValueError: wrong input that the caller can correct
    ├── NotFittedError      also an AttributeError: a result was requested from a model before `fit`
    └── TrainingDiverged    also an ArithmeticError: a loss that is no longer finite

Functions on plain numbers, such as the independence tests, raise ValueError itself. So `except ValueError`
catches every mistake in input, and `except PersonaxError` all exceptions that this library defines.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class PersonaxError(Exception):
    """Base of the exceptions that this library defines. The message is one line."""


class InputError(PersonaxError, ValueError):
    """A mistake in input, configuration or environment that the caller can correct.

    The message is one line. It says what is wrong, where (file, column, row), and what would be right.
    """


class NotFittedError(PersonaxError, AttributeError):
    """A result was requested from a model that has it only after `fit` or `load`."""


class TrainingDiverged(PersonaxError, ArithmeticError):
    """The loss is no longer finite. The message says where, and what to try."""


@contextmanager
def advising(remedy: str) -> Iterator[None]:
    """Add what to do to the message of an InputError from the block."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{error}; {remedy}") from error
