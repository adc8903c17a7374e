"""KCI as a test of causal-learn: the documented example, the same numbers as `kci`, kinds, the cache."""

import re
from typing import Any

import numpy as np
import pytest
from causallearn.search.ConstraintBased.PC import pc

from personax.graphs import causal_learn_tests
from personax.graphs.causal_learn_tests import PERSONAX_KCI, PersonaxKCI
from personax.independence import kci
from personax.independence.conditional_cache import ManyKci, RecentlyUsed
from personax.runs.errors import InputError


def chain(n: int = 250) -> np.ndarray:
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    y = np.tanh(x) + 0.3 * rng.normal(size=n)
    return np.column_stack([x, y, np.sin(2 * y) + 0.3 * rng.normal(size=n)])


def test_pc_of_causal_learn_finds_the_test_by_its_name() -> None:
    found = pc(chain(), 0.05, PERSONAX_KCI, show_progress=False)
    edges = found.G.graph != 0
    assert edges[0, 1]
    assert edges[1, 2]
    assert not edges[0, 2]


def test_the_example_of_the_docstring_runs() -> None:
    rng = np.random.default_rng(0)
    data = np.column_stack([rng.normal(size=(60, 2)), rng.integers(0, 3, 60)])
    code = "\n".join(re.findall("^    (.*)", str(causal_learn_tests.__doc__), re.MULTILINE))
    names: dict[str, Any] = {"data": data}
    exec(code, names)  # the documented lines themselves
    assert names["graph"].G.graph.shape == (3, 3)


def test_the_numbers_are_those_of_kci_in_any_order() -> None:
    data = chain(200)
    test = PersonaxKCI(data)
    p = kci(data[:, 0], data[:, 2], given=data[:, 1]).pvalue
    assert test(0, 2, [1]) == pytest.approx(p, rel=1e-12)
    assert test(2, 0, {1}) == test(0, 2, (1,))
    assert test(0, 2) == pytest.approx(kci(data[:, 0], data[:, 2]).pvalue, rel=1e-12)
    alone = ManyKci(data)
    assert alone.pvalue(2, 0, [1]) == test(0, 2, [1])


def test_a_function_of_the_condition_is_independent() -> None:
    data = chain(100)
    copies = np.column_stack([data, data[:, 1], np.ones(100)])
    test = PersonaxKCI(copies)
    assert test(0, 3, [1]) == 1.0
    assert test(0, 4, [1]) == 1.0
    assert test(0, 4) == 1.0


def test_missing_values_and_wrong_kinds_are_refused() -> None:
    data = chain(60)
    data[3, 1] = np.nan
    with pytest.raises(InputError, match="column 1 has missing values"):
        PersonaxKCI(data)
    with pytest.raises(InputError, match="2 kinds"):
        PersonaxKCI(chain(60), kinds=["ordinal", "nominal"])


def test_the_values_used_last_are_kept() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    kept: RecentlyUsed[str] = RecentlyUsed(2)
    for name in "abacab":
        assert kept.get(name, lambda name=name: make(name)) == name  # type: ignore[misc]
    assert "".join(made) == "abcb"
