"""What the options --tests and --scores choose."""

from collections.abc import Iterable

from personax.independence import CONDITIONAL_TESTS, DEFAULT_TESTS, PAPER_TESTS, TESTS
from personax.runs.errors import InputError
from personax.tables.column_map import TARGETS


def chosen_tests(text: str) -> tuple[str, ...]:
    """Names of tests from the --tests option. Raises InputError for unknown, empty or repeated names."""
    named = {"default": DEFAULT_TESTS, "paper": PAPER_TESTS, "all": tuple(TESTS)}
    if text in named:
        return named[text]
    known = tuple(dict.fromkeys((*TESTS, *CONDITIONAL_TESTS)))
    return _chosen_names(text, "--tests", known, ("default", "paper", "all"))


def chosen_scores(text: str, available: Iterable[str]) -> tuple[str, ...]:
    """What is tested, from the --scores option; InputError if it is not in the table."""
    available = tuple(available)
    if not available:
        raise InputError(
            "nothing to test against the features: no column of scores is known by its name; name scores: or "
            "targets: in a --columns file (--columns auto proposes one)"
        )
    if text == "all":
        return available
    if text == "default":
        usual = next((source for source in (TARGETS, "aggregated") if source in available), None)
        return (usual,) if usual else tuple(available)
    return _chosen_names(text, "--scores", available, ("default", "all"))


def _chosen_names(text: str, option: str, known: tuple[str, ...], groups: tuple[str, ...]) -> tuple[str, ...]:
    """Split names that are separated by commas. Raises InputError for an unknown or repeated name."""
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(f"{option}: {name!r} is unknown; choose from {', '.join((*known, *groups))}")
    if len(set(names)) != len(names):
        raise InputError(f"{option} {text}: a name is repeated; give each name once")
    return names
