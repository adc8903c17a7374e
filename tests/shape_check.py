"""What checks signatures while the tests run; conftest.py puts it in place."""

import functools
from collections.abc import Callable
from typing import Any, Self

import jaxtyping
from beartype import BeartypeConf, beartype

# an int is a float, as type checkers have it (PEP 484)
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_prepare = jaxtyping.jaxtyped

# Of each function's calls in a test these first ones are checked, and after them the 16th, 32nd, 64th and so
# on. A fit calls the terms of its objective thousands of times with the same shapes.
FIRST_CALLS = 8
_tests_begun = 0


def begin_test() -> None:
    """Check the first calls of every function again."""
    global _tests_begun
    _tests_begun += 1


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its signature checked.

    Left out are `Self`, as a method alone does not know its class, and what the classes of views.py are made
    from: they check it themselves, and take more than their attributes then are.
    """
    if function.__module__ == "personax.views" and function.__name__ == "__init__":
        return function
    hints = function.__annotations__
    hints.update({name: Any for name, hint in hints.items() if hint is Self})
    checked: Callable[..., Any] = _beartype(function)
    return checked


def check_first_calls(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    """Like `jaxtyping.jaxtyped`, but a function is prepared at its first call, and not checked in every call.

    Functions within functions are left out, since each call of the outer one makes a new one.
    """

    def decorate(thing: Any) -> Any:
        if isinstance(thing, type):
            return _prepare(typechecker=typechecker)(thing)
        if "<locals>" in thing.__qualname__:
            return thing
        checked: Callable[..., Any] | None = None
        test, calls = -1, 0

        @functools.wraps(thing)
        def call(*args: Any, **options: Any) -> Any:
            nonlocal checked, test, calls
            test, calls = _tests_begun, (calls + 1 if test == _tests_begun else 1)
            if calls > FIRST_CALLS and calls & (calls - 1):
                return thing(*args, **options)
            checked = checked or _prepare(typechecker=typechecker)(thing)
            return checked(*args, **options)

        return call

    return decorate
