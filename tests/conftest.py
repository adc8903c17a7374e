"""The shapes in the library's signatures are checked while the tests run.

Checked are all modules that import from jaxtyping. The others promise no shape: test_house.py finds that
every array in a signature, in the attributes of a class and in the alias of a type has a shape, but for three
small functions that it names. shape_check.py says which calls are checked.
"""

import gc
from pathlib import Path

import jaxtyping
import pytest
import shape_check

LIBRARY = Path(__file__).parents[1] / "personax"
MODULES = {
    ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts)
    for path in LIBRARY.rglob("*.py")
    if "from jaxtyping import" in path.read_text(encoding="utf-8")
}
# what the import hook decorates with
jaxtyping.jaxtyped = shape_check.check_first_calls  # type: ignore[assignment]
jaxtyping.install_import_hook(sorted(MODULES), "shape_check.check")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """In every test the first calls are checked anew."""
    shape_check.begin_test()


# While tests are collected almost nothing becomes garbage, and the search for it is a fifth of the work.
gc.disable()


def pytest_collection_finish() -> None:
    """Search for garbage again."""
    gc.enable()
