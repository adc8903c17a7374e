"""What objects say of themselves: one line, and a table for notebooks, in which text stays text."""

from personax.runs.described import Described


class Thing(Described):
    def _facts(self) -> dict[str, object]:
        return {"people": 3, "source": "<b>a & b</b>"}


def test_the_text_is_one_line() -> None:
    assert repr(Thing()) == "Thing(people: 3, source: <b>a & b</b>)"


def test_the_table_for_notebooks_is_escaped() -> None:
    page = Thing()._repr_html_()
    assert page.startswith("<table>")
    assert "&lt;b&gt;a &amp; b&lt;/b&gt;" in page
    assert "<b>" not in page
