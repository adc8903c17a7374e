"""The exceptions of this library. A command turns each that ends it into one line and exit code 2.

    PersonaxError
    ├── InputError          also a ValueError: wrong input that the caller can correct
    ├── NotFittedError      also an AttributeError: a result was requested from a model before `fit`
    ├── TrainingDiverged    also an ArithmeticError: a loss that is no longer finite
    ├── RequestFailedError  a language model did not answer a request (traits/endpoint.py)
    └── NoScoresError       its answer has no valid scores (traits/answer_form.py)

The last two end no run: traits/asking.py writes them into the file of failures. Functions on columns and
matrices, such as the independence tests, raise ValueError itself for values that they cannot use. So `except
ValueError` catches every mistake in input, and `except PersonaxError` all errors in the tree.

A few exceptions are no part of the tree, such as `DeterminedByCondition`: by them one function tells another
that there is nothing to compute or to read. They are caught within the library; callers never see them.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class PersonaxError(Exception):
    """Base of the errors of this library. The message is one line."""


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
