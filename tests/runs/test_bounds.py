"""Options have bounds in their types, and every value out of them is refused in one line."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from personax.runs.bounds import (
    Between,
    FilePath,
    Inside,
    PlaceOfFile,
    Positive,
    Processes,
    Rate,
    RunName,
    Seed,
    check_bounds,
)
from personax.runs.command_line import parse, parse_seeds
from personax.runs.errors import InputError
from personax.runs.memory import machine_memory, require_memory, require_network_memory


@dataclass(frozen=True)
class Inner:
    """A group of options."""

    rate: Rate = 0.1
    """Rate."""


@dataclass(frozen=True)
class Bounded:
    """Options of each kind."""

    n: Positive = 5
    """Number."""
    size: Annotated[int, Between(8, 28)] = 14
    """Size."""
    level: Annotated[float, Inside(0, 1)] = 0.5
    """Level."""
    seed: Seed | None = None
    """Seed."""
    sizes: dict[str, Annotated[int, Between(1, 9)]] = field(default_factory=dict)
    """Sizes."""
    places: list[FilePath] = field(default_factory=list)
    """Places."""
    output: FilePath | None = None
    """Output."""
    key: FilePath = ""
    """Key."""
    name: RunName | None = None
    """Name."""
    table: Annotated[Path, PlaceOfFile()] | None = None
    """Table."""
    kind: Literal["a", "b"] = "a"
    """Kind."""
    jobs: Processes = -1
    """Processes."""
    switch: bool = False
    """Switch."""
    inner: Inner = field(default_factory=Inner)
    """Group."""
    free: dict[str, Any] = field(default_factory=dict)
    """Anything."""


GOOD: list[dict[str, Any]] = [
    {},
    {"n": 1, "size": 28, "level": 1e-9, "seed": 2**32 - 1, "sizes": {"a": 9}, "free": {"x": None}},
    {"level": 0.999, "inner": Inner(rate=1), "output": "~/x", "table": Path("a/b"), "places": ["a"]},
    {"name": "a..b/c"},
]
BAD: list[tuple[dict[str, Any], str]] = [
    ({"n": 0}, "n 0: must be at least 1"),
    ({"jobs": 0}, "jobs 0: must be from 1 to 1,024, or -1 for one per core"),
    ({"jobs": -2}, "jobs -2: must be from 1 to 1,024, or -1 for one per core"),
    ({"n": None}, "n null: must be an integer"),
    ({"n": True}, "n True: must be an integer"),
    ({"n": 1.5}, "n 1.5: must be an integer"),
    ({"n": 10**12}, r"n 1000000000000: must be from 1 to 1,000,000,000"),
    ({"n": 10**400}, "n 1000"),
    ({"size": 7}, "size 7: must be from 8 to 28"),
    ({"level": 0}, "level 0: must be between 0 and 1"),
    ({"level": float("nan")}, "level nan: must be between"),
    ({"level": "x"}, "level 'x': must be a number"),
    ({"seed": -1}, "seed -1: must be"),
    ({"seed": 2**64}, "seed 18446744073709551616: must be from 0 to"),
    ({"sizes": None}, "sizes null: must be a dict"),
    ({"sizes": {"a": 0}}, "sizes.a 0: must be"),
    ({"sizes": {"a": True}}, "sizes.a True: must be"),
    ({"places": ["a", "~nobodyatall/x"]}, "places.2 '~nobodyatall/x': names the home folder"),
    ({"output": "x" * 5000}, "output 'xx.*a name has at most 255 bytes"),
    ({"output": "x/" * 3000}, "a path 4096"),
    ({"output": "a\0b"}, "output"),
    ({"output": ""}, "output '': is empty; name a file or folder"),
    *(({"name": name}, "name '.*: must be a name, not a place") for name in ("..", "/x", "a/../../b")),
    ({"name": "x" * 300}, "a name has at most 255 bytes"),
    ({"name": ""}, "name '': is empty"),
    ({"places": ["a", " "]}, "places.2 ' ': is empty"),
    ({"output": "\udcff"}, "output"),
    ({"table": Path("~nobodyatall/x")}, "table"),
    ({"kind": "c"}, "kind 'c': must be one of a, b"),
    ({"kind": None}, "kind null: must be one of"),
    ({"switch": 1}, "switch 1: must be true or false"),
    ({"inner": None}, "inner null: must be a group of options"),
    ({"inner": 3}, "inner 3: must be a group"),
    ({"inner": Inner(rate=0)}, "inner.rate 0: must be above 0 and at most 10"),
    ({"inner": Inner(rate=float("inf"))}, "inner.rate inf: must be above 0"),
]  # fmt: skip


@pytest.mark.parametrize("values", GOOD)
def test_values_within_the_bounds_pass(values: dict[str, Any]) -> None:
    check_bounds(replace(Bounded(), **values))


@pytest.mark.parametrize(("values", "message"), BAD)
def test_values_out_of_bounds_are_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^.*{message}") as refused:
        check_bounds(replace(Bounded(), **values))
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    "text", ["n: null", "inner: null", "inner: 3", "inner: {rate: null}", "n: &a [*a]", "[1]"]
)
def test_a_file_of_options_has_values_for_all_that_it_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(InputError):
        parse(Bounded, ["--config", str(tmp_path / "c.yaml")])


@pytest.mark.parametrize("text", ["", "# n: 1", "\ufeff", "7"])
def test_a_file_without_options_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(InputError, match=r"c\.yaml: must have lines such as 'seed: 1'"):
        parse(Bounded, ["--config", str(tmp_path / "c.yaml")])


def test_flags_are_compared_with_their_bounds() -> None:
    assert parse(Bounded, ["--n", "3", "--inner.rate", "0.5"]) == Bounded(n=3, inner=Inner(rate=0.5))
    wrong = [["--n", "0"], ["--inner.rate", "11"], ["--sizes", "[" * 5000], ["--config", "x" * 5000]]
    for words in [*wrong, ["--config", ""]]:
        with pytest.raises(InputError):
            parse(Bounded, words)


@pytest.mark.parametrize("text", ["0-999999999", f"0-{10**20}", "9" * 5000, str(2**64), "²"])
def test_seeds_are_not_more_than_anybody_runs(text: str) -> None:
    with pytest.raises(InputError, match=r"^seeds ") as refused:
        parse_seeds(text)
    assert len(str(refused.value)) < 200


def test_memory_that_is_not_there_is_refused_with_both_numbers() -> None:
    require_memory(machine_memory(), "all of it")
    with pytest.raises(InputError, match=r"^n 9: would need [\d,]+ GB of memory; this machine has \d+"):
        require_memory(2 * machine_memory() + 1e12, "n 9")
    require_network_memory(128, networks=10)
    with pytest.raises(InputError, match="hidden 10000000: would need"):
        require_network_memory(10_000_000, networks=2)
