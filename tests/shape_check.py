"""What checks signatures while the tests run; conftest.py names it."""

from collections.abc import Callable
from typing import Any, Self

from beartype import BeartypeConf, beartype

# an int is a float, as type checkers have it (PEP 484)
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its signature checked.

    Left out are `Self`, as a method alone does not know its class, and what the classes of views.py are made
    from: they check it themselves, and take more than their attributes then are. Functions within functions
    are left out too, since they would be prepared for the check anew with every call of the outer one.
    """
    if "<locals>" in function.__qualname__:
        return function
    if function.__module__ == "personax.views" and function.__name__ == "__init__":
        return function
    hints = function.__annotations__
    hints.update({name: Any for name, hint in hints.items() if hint is Self})
    checked: Callable[..., Any] = _check(function)
    return checked
