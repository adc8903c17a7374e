"""The shapes and types in the library's signatures are checked while the tests run."""

from pathlib import Path

from jaxtyping import install_import_hook

LIBRARY = Path(__file__).parents[1] / "personax"

# All modules are checked but these, personax.runs, which has no arrays, and the rooms of the commands. The
# hook decorates each method by itself, so it cannot take modules with methods that return `typing.Self`; and
# closures of a decorated module cannot be sent to another process.
UNCHECKED = {
    "personax.views": "checks its own arrays, and takes more than its attributes then are",
    "personax.learning.base": "Self",
    "personax.learning.training": "Self",
    "personax.independence.kernels": "closures",
    "personax.independence.registry": "closures",
    "personax.independence.discrete": "closures",
    "personax.independence.reference": "closures",
    "personax.baselines.trials": "closures",
    "personax.experiments.cells": "closures",
    "personax.experiments.diagnostics.dependence": "called so often that checking doubles its time",
}
MODULES = {
    ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
    for path in LIBRARY.rglob("*.py")
    if path.name != "__init__.py"
    and path.parent.name
    not in ("runs", "mnist", "people", "comparison", "selection", "tuning", "graph", "own_data")
}
install_import_hook(sorted(MODULES - set(UNCHECKED)), "shape_check.check")
