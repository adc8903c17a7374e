"""What checks signatures while the tests run; conftest.py puts it in place."""

import functools
from collections.abc import Callable
from types import CodeType
from typing import Any, Self

import jaxtyping
from beartype import BeartypeConf, beartype

# an int is a float, as type checkers have it (PEP 484)
_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))
_prepare = jaxtyping.jaxtyped

# Of each function's calls in a test these first ones are checked, after them the 16th, 32nd, 64th and so on,
# and all whose arguments have shapes that were not seen yet. A fit calls the terms of its objective thousands
# of times with the same shapes.
FIRST_CALLS = 8
_tests_begun = 0
# The code of a function -> the test in which one was prepared.
_LAST_CHECK: dict[CodeType, int] = {}


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

    A function within a function is made anew by each call of the outer one: the first in a test is checked.
    """

    def decorate(thing: Any) -> Any:
        if isinstance(thing, type):
            return _prepare(typechecker=typechecker)(thing)
        if "<locals>" in thing.__qualname__ and _LAST_CHECK.get(thing.__code__) == _tests_begun:
            return thing
        _LAST_CHECK[thing.__code__] = _tests_begun
        checked: Callable[..., Any] | None = None
        test, calls, seen = -1, 0, set[tuple[Any, ...]]()

        @functools.wraps(thing)
        def call(*args: Any, **options: Any) -> Any:
            nonlocal checked, test, calls
            if test != _tests_begun:
                test, calls = _tests_begun, 0
                seen.clear()
            calls += 1
            shapes = tuple([getattr(each, "shape", None) for each in (*args, *options.values())])
            if calls > FIRST_CALLS and calls & (calls - 1) and shapes in seen:
                return thing(*args, **options)
            seen.add(shapes)
            checked = checked or _prepare(typechecker=typechecker)(thing)
            return checked(*args, **options)

        return call

    return decorate
