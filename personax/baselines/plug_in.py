"""Methods of other people in the comparison: a class of theirs, named as `package.module:Class`.

The class needs three things, and nothing of PersonaX:

    MyMethod(latents, seed=0, **settings)    latents: modality -> number of its latents
    fit(data, split)                         data: MultiViewData; split: rows for training, validation, test
    transform(data)                          latents of all people, (n, d), as an array or a data frame

If it has an attribute `graph` after `fit`, this is the adjacency matrix (d, d), [i, j] = 1 for i -> j. The
data that it is given hold no true latents, so its scores are as honest as those of the other methods.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Num

from personax.runs.errors import InputError
from personax.views import MultiViewData, Split


@runtime_checkable
class PlugIn(Protocol):
    """What a method of other people must have."""

    def fit(self, data: MultiViewData, split: Split) -> object:
        """Learn on the training rows; choose on the validation rows."""

    def transform(self, data: MultiViewData) -> Any:
        """The latents (n, d) of these people, in their order."""


class PlugInResult(NamedTuple):
    """What such a method found.

    Attributes:
        latents: (n, d) latents of all people.
        graph: (d, d) adjacency over them, or None if the method has none.
    """

    latents: pd.DataFrame
    graph: Num[np.ndarray, "d d"] | None


def is_plug_in(name: str) -> bool:
    """Whether the name of a method is that of a class elsewhere.

    >>> is_plug_in("mypackage.models:MyMethod"), is_plug_in("beta_vae")
    (True, False)
    """
    return ":" in name


def folder_of_method(name: str) -> str:
    """The name of a method as that of a folder, on every system.

    >>> folder_of_method("mypackage.models:MyMethod"), folder_of_method("beta_vae")
    ('mypackage.models.MyMethod', 'beta_vae')
    """
    return name.replace(":", ".")


def find_plug_in(name: str) -> Callable[..., PlugIn]:
    """The class `package.module:Class`, whose module is imported, so its code runs.

    Raises InputError if there is no such module or class, or if it lacks `fit` or `transform`.
    """
    module_name, _, class_name = name.partition(":")
    if not (class_name.isidentifier() and all(part.isidentifier() for part in module_name.split("."))):
        raise InputError(f"method {name!r}: write a class of yours as package.module:Class")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"method {name!r}: {error}; install the package, or put its folder into PYTHONPATH"
        ) from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise InputError(f"method {name!r}: {module_name} has no class {class_name}")
    for needed in ("fit", "transform"):
        if not callable(getattr(found, needed, None)):
            raise InputError(f"method {name!r}: {class_name} has no {needed}; it needs fit and transform")
    return found


def run_plug_in(
    name: str,
    latents: Mapping[str, int],
    data: MultiViewData,
    split: Split,
    *,
    seed: int,
    settings: Mapping[str, Any],
) -> PlugInResult:
    """Fit the method `name` on the data without their truth, and return its latents of all people.

    Raises InputError as `find_plug_in`, for settings that the class does not take, and for latents or a graph
    of another form.
    """
    blind = replace(data, truth=None)
    try:
        method = find_plug_in(name)(dict(latents), seed=seed, **settings)
    except TypeError as error:
        raise InputError(
            f"method {name!r}: its class must take (latents, seed=0, **settings): {error}"
        ) from error
    method.fit(blind, split)
    found = _latents_in_form(name, method.transform(blind), len(data))
    return PlugInResult(found, _graph_in_form(name, getattr(method, "graph", None), found.shape[1]))


def _latents_in_form(name: str, given: Any, n: int) -> pd.DataFrame:
    """The latents as a frame of finite numbers, one row a person."""
    frame = given if isinstance(given, pd.DataFrame) else None
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"method {name!r}: its latents are no numbers ({error})") from error
    if values.ndim != 2 or len(values) != n or values.shape[1] == 0:
        raise InputError(
            f"method {name!r}: latents of shape {values.shape}; must be ({n}, number of latents)"
        )
    if not np.isfinite(values).all():
        raise InputError(f"method {name!r}: its latents hold NaN or inf")
    names = (
        [f"z{k}" for k in range(1, values.shape[1] + 1)] if frame is None else list(map(str, frame.columns))
    )
    if len(set(names)) < len(names):
        raise InputError(f"method {name!r}: two of its latents have the same name")
    return pd.DataFrame(values, columns=names)


def _graph_in_form(name: str, given: Any, d: int) -> Num[np.ndarray, "d d"] | None:
    """The graph as a matrix of 0 and 1, or None."""
    if given is None:
        return None
    graph = np.asarray(given)
    if graph.shape != (d, d) or not np.isin(graph, (0, 1)).all():
        raise InputError(f"method {name!r}: its graph must be a ({d}, {d}) matrix of 0 and 1")
    return graph.astype(int)
