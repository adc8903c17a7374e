"""What no other section shows: the tables, pages and pictures of the other commands."""

from pathlib import Path

from personax.experiments.html_report.blocks import Block, Document, Picture, Pictures, Section
from personax.experiments.html_report.conclusions import CLAIMS_TABLE, VARIANTS_TABLE
from personax.experiments.html_report.level_one import AGREEMENT, PVALUES
from personax.experiments.html_report.level_two import ASSOCIATIONS
from personax.experiments.html_report.numbers import table_of_frame
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.independence.report import SCORE_COUNTS
from personax.runs.files import read_text
from personax.runs.run_folder import FIGURES

SHOWN_ELSEWHERE = {PVALUES, AGREEMENT, SCORE_COUNTS, ASSOCIATIONS, CLAIMS_TABLE, VARIANTS_TABLE, "edges.csv"}
PAGES_SHOWN_ELSEWHERE = {"table.md", "diagnostics.md", "suggested_names.md", "sensitivity.md"}
MOST_FILTERLESS = 12  # rows of a table that needs no fields to search it


def other_tables(record: RunRecord) -> Section | None:
    """Tables and pages that commands without a section of their own have written."""
    blocks: list[Block] = []
    for path in sorted(record.path.glob("*.md")):
        if path.name not in PAGES_SHOWN_ELSEWHERE:
            blocks.append(Document(words_of(path), read_text(path).strip(), folded=bool(blocks)))
    for path in sorted(record.path.glob("*.csv")):
        table = None if path.name in SHOWN_ELSEWHERE else record.table(path.name)
        if table is not None and not table.empty:
            blocks.append(table_of_frame(table, words_of(path), filtered=len(table) > MOST_FILTERLESS))
    return Section("Results", blocks) if blocks else None


def drawn_pictures(record: RunRecord) -> Section | None:
    """The PNG pictures of the folder."""
    paths = [*sorted(record.path.glob("*.png")), *sorted((record.path / FIGURES).glob("*.png"))]
    found = [Picture(words_of(path), path.read_bytes()) for path in paths]
    return Section("Figures", [Pictures(found)]) if found else None


def words_of(path: Path) -> str:
    """The name of a file in words.

    >>> words_of(Path("marginal_and_given_kci.png"))
    'marginal and given kci'
    """
    return path.stem.replace("_", " ")
