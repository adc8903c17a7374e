"""Objects that say in a few words what they hold: one line in a terminal, a small table in a notebook."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from html import escape

SHOWN_AT_MOST = 6  # entries of a list that a description names


class Described:
    """Base of the types that people look at. A subclass says in `_facts` what is worth knowing of it.

    A dataclass needs `repr=False`, or its own text would be used.
    """

    @abstractmethod
    def _facts(self) -> Mapping[str, object]:
        """What there is to say, as name -> value, the most important first."""

    def __repr__(self) -> str:
        facts = ", ".join(f"{name}: {value}" for name, value in self._facts().items())
        return f"{type(self).__name__}({facts})"

    def _repr_html_(self) -> str:
        """The same as a table; Jupyter looks for this name."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(str(value))}</td></tr>"
            for name, value in self._facts().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def listed(entries: Sequence[object]) -> str:
    """The first entries, separated by commas, and how many more there are.

    >>> listed(["a", "b"]), listed(range(8)), listed([])
    ('a, b', '0, 1, 2, 3, 4, 5 and 2 more', 'none')
    """
    shown = ", ".join(str(entry) for entry in entries[:SHOWN_AT_MOST])
    more = f" and {len(entries) - SHOWN_AT_MOST} more" if len(entries) > SHOWN_AT_MOST else ""
    return shown + more or "none"
