"""What the tests of several commands share: small runs, a method that fails, and fewer halves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_runs import SmallRun, small_mnist

from personax.graphs import direction


@pytest.fixture(scope="session", autouse=True)
def few_halves() -> Iterator[None]:
    """Directions are examined in a tenth of the halves, which is quicker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direction, "HALVES", 4)
        yield


@pytest.fixture(scope="session")
def mnist_run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A finished run of Variant-MNIST, seed 3."""
    return small_mnist(tmp_path_factory.mktemp("mnist"), "--seed", "3")


@pytest.fixture
def broken_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a plug-in that cannot be fitted."""
    (tmp_path / "broken_method.py").write_text(
        "class Broken:\n"
        "    def __init__(self, latents, seed=0): pass\n"
        "    def fit(self, data, split): raise RuntimeError('no such luck')\n"
        "    def transform(self, data): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "broken_method:Broken"
