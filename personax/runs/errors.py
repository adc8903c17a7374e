"""The exceptions of this library. A command turns each into one line on the screen and exit code 2.

    PersonaxError
    ├── InputError          also a ValueError: input that the caller can put right
    ├── NotFittedError      also an AttributeError: results asked of a model before `fit`
    └── TrainingDiverged    also an ArithmeticError: a loss that is no longer finite

Functions on plain numbers, such as the independence tests, raise ValueError itself. So `except ValueError`
catches every mistake in input, and `except PersonaxError` what this library says of its own accord.
"""


class PersonaxError(Exception):
    """Base of the exceptions that this library defines. The message is one line."""


class InputError(PersonaxError, ValueError):
    """A mistake in input, configuration or environment that the caller can put right.

    The message is one line. It says what is wrong, where (file, column, row), and what would be right.
    """


class NotFittedError(PersonaxError, AttributeError):
    """A model is asked for what it only has after `fit` or `load`."""


class TrainingDiverged(PersonaxError, ArithmeticError):
    """The loss is no longer finite. The message says where, and what to try."""
