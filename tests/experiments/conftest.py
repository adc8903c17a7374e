"""Small runs that the tests of several commands read. No test may change them."""

import pytest
from small_runs import SmallRun, small_mnist


@pytest.fixture(scope="session")
def mnist_run(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A finished run of Variant-MNIST, seed 3."""
    return small_mnist(tmp_path_factory.mktemp("mnist"), "--seed", "3")
