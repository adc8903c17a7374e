"""Methods of other people, named as package.module:Class: what they are given, and what they may return."""

from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

from personax.baselines.plug_in import find_plug_in, run_plug_in
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split, Truth, split_rows

METHODS = """
    import numpy as np
    import pandas as pd

    class FirstNumbers:
        def __init__(self, latents, seed=0, times=1.0):
            self.latents, self.times = latents, times
        def fit(self, data, split):
            assert data.truth is None
            self.rows = len(split.train)
        def transform(self, data):
            face = data.measurements["face"][0]
            return pd.DataFrame({"b": self.times * face[:, 1], "a": face[:, 0]})

    class WithGraph(FirstNumbers):
        graph = [[0, 1], [0, 0]]
        def transform(self, data):
            return super().transform(data).to_numpy()

    class WrongGraph(FirstNumbers):
        graph = [[0, 1]]

    class Short(FirstNumbers):
        def transform(self, data):
            return np.zeros((3, 2))

    class NaN(FirstNumbers):
        def transform(self, data):
            return np.full((len(data), 2), np.nan)

    class Words(FirstNumbers):
        def transform(self, data):
            return [["x", "y"]] * len(data)

    class Twice(FirstNumbers):
        def transform(self, data):
            return super().transform(data).set_axis(["a", "a"], axis=1)

    class NoArguments(FirstNumbers):
        def __init__(self):
            pass

    class NoTransform:
        def fit(self, data, split):
            pass

    number = 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with the methods above, which can be imported."""
    name = f"methods_of_others_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(dedent(METHODS))
    monkeypatch.syspath_prepend(tmp_path)
    return name


def people() -> tuple[MultiViewData, Split]:
    """50 people whose measurement is their two latents."""
    latents = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    truth = Truth(pd.DataFrame(latents, columns=["z1", "z2"]), {"face": ["z1", "z2"]}, None)
    return MultiViewData({"face": [latents]}, truth=truth), split_rows(50, np.random.default_rng(0))


def test_frames_keep_their_names_and_the_truth_is_withheld(module: str) -> None:
    data, split = people()
    found = run_plug_in(f"{module}:FirstNumbers", {"face": 2}, data, split, seed=0, settings={"times": 2.0})
    assert list(found.latents.columns) == ["b", "a"]
    np.testing.assert_array_equal(found.latents["b"], 2.0 * data.measurements["face"][0][:, 1])
    assert found.graph is None


def test_arrays_get_names_and_an_attribute_graph_is_the_graph(module: str) -> None:
    found = run_plug_in(f"{module}:WithGraph", {"face": 2}, *people(), seed=0, settings={})
    assert list(found.latents.columns) == ["z1", "z2"]
    assert found.graph is not None
    assert found.graph.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("WrongGraph", r"graph must be a \(2, 2\) matrix"),
        ("Short", r"shape \(3, 2\); must be \(50, "),
        ("NaN", "NaN or inf"),
        ("Words", "no numbers"),
        ("Twice", "same name"),
        ("NoArguments", r"must take \(latents, seed=0"),
    ],
)
def test_other_forms_are_refused_in_one_line(module: str, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as refused:
        run_plug_in(f"{module}:{name}", {"face": 2}, *people(), seed=0, settings={})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody_has_this_package:Method", "install the package"),
        ("{module}:Missing", "has no class Missing"),
        ("{module}:number", "has no class number"),
        ("{module}:NoTransform", "has no transform"),
        ("{module}:", "package.module:Class"),
        (":Class", "package.module:Class"),
        ("../x:Class", "package.module:Class"),
    ],
)
def test_classes_that_cannot_be_used_are_refused(module: str, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        find_plug_in(name.format(module=module))
