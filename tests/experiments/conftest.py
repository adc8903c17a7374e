"""What the tests of several commands share: small runs, which no test may change, and fewer halves."""

from collections.abc import Iterator

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
