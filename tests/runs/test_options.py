"""The texts under the fields of a configuration are what `help` shows."""

from dataclasses import dataclass, fields

import pytest

from personax.crl.model_config import CRLConfig, Phase1Config, Phase2Config
from personax.experiments.trait_inference.config import InferTraitsConfig
from personax.runs.options import documented, identity_of, may_change, result_options, where_or_how


@documented
@dataclass(frozen=True)
class Small:
    """A small configuration.

    With a second paragraph.
    """

    size: int = 1
    """How large
    it is."""
    quiet: bool = False


@documented
@dataclass(frozen=True)
class Larger(Small):
    """A larger one."""

    colour: str = "red"
    """How it looks."""


def test_a_docstring_has_the_texts_of_its_fields_and_of_those_it_inherits() -> None:
    assert Larger.__doc__ == "A larger one.\n\nFields:\n    size: How large it is.\n    colour: How it looks."
    assert str(Small.__doc__).startswith("A small configuration.\n\nWith a second paragraph.\n\nFields:\n")


@pytest.mark.parametrize("config", [CRLConfig, Phase1Config, Phase2Config])
def test_the_model_explains_all_its_options(config: type) -> None:
    lines = str(config.__doc__).split("Fields:\n")[1].splitlines()
    assert [line.split(":")[0].strip() for line in lines] == [each.name for each in fields(config)]


@dataclass(frozen=True)
class Marked:
    """One option of each kind."""

    alpha: float = 0.05
    seeds: str = may_change("1,2")
    output: str = where_or_how("here")


def test_the_endpoint_is_part_of_what_answers_depend_on() -> None:
    values = {"model": "m", "base_url": "http://localhost/v1", "at_once": 3}
    assert result_options(InferTraitsConfig, values) == {"model": "m", "base_url": "http://localhost/v1"}


def test_what_may_change_is_part_of_the_result_and_not_of_the_identity() -> None:
    values = {"alpha": 0.1, "seeds": "3", "output": "there"}
    assert identity_of(Marked, values) == {"alpha": 0.1}
    assert result_options(Marked(), values) == {"alpha": 0.1, "seeds": "3"}
