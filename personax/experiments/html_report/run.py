"""Runs as a page: a section for every kind of result that a folder holds, within the limit of its size."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from personax.experiments.html_report.blocks import (
    Block,
    DataTable,
    Page,
    PagePart,
    Picture,
    Pictures,
    Section,
)
from personax.experiments.html_report.checks import diagnosis
from personax.experiments.html_report.compare import comparisons
from personax.experiments.html_report.conclusions import sensitivity
from personax.experiments.html_report.config import ReportConfig
from personax.experiments.html_report.level_one import (
    against_known_dependences,
    level_one,
    scores_of_models,
)
from personax.experiments.html_report.level_two import (
    causal_graph,
    latent_associations,
    predictions,
    truth_scores,
)
from personax.experiments.html_report.other_results import drawn_pictures, other_tables
from personax.experiments.html_report.provenance import how_to_make_it_again, what_was_run
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.html_report.report import html_of
from personax.runs.errors import InputError

MOST_BYTES_OF_PAGE = 4_900_000  # 5 MB can be sent by mail and opened on a phone
BASE64 = 4 / 3  # bytes of text for a byte of a picture
BYTES_BESIDE = 600  # of the text around a picture
FEWEST_TABLE_ROWS = 50

# In the order of the page. Each makes a section of what a folder holds, or None if there is nothing of it.
SECTION_MAKERS: tuple[Callable[[RunRecord], Section | None], ...] = (
    what_was_run,
    level_one,
    scores_of_models,
    against_known_dependences,
    causal_graph,
    latent_associations,
    truth_scores,
    predictions,
    diagnosis,
    sensitivity,
    other_tables,
    drawn_pictures,
    how_to_make_it_again,
)


def page_of(records: Sequence[RunRecord], config: ReportConfig) -> Page:
    """The page of these runs: comparisons of those of the same command first, then each run."""
    makers = [make for make in SECTION_MAKERS if config.figures or make is not drawn_pictures]
    runs = [
        PagePart(record.name, [section for make in makers if (section := make(record))], record.simulated)
        for record in records
    ]
    title = config.title or ", ".join(dict.fromkeys(record.name for record in records))
    return Page(title, [*comparisons(records), *runs])


def page_within_limit(page: Page, most_rows: int) -> str:
    """The HTML of the page, below 5 MB: long tables are cut, and pictures without room are left out.

    Raises InputError if even short tables are too much.
    """
    cut = with_blocks(page, lambda block: _cut(block, most_rows))
    used = len(html_of(with_blocks(cut, _without_pictures)).encode())
    if used <= MOST_BYTES_OF_PAGE:
        return html_of(with_blocks(cut, RoomForPictures(MOST_BYTES_OF_PAGE - used).filled))
    if most_rows <= FEWEST_TABLE_ROWS:
        raise InputError(f"{len(page.parts)} runs make a page of more than 5 MB; give fewer folders")
    return page_within_limit(page, max(most_rows // 2, FEWEST_TABLE_ROWS))


def with_blocks(page: Page, change: Callable[[Block], Block]) -> Page:
    """The same page with every block changed."""
    parts = [
        replace(
            part,
            sections=[
                replace(section, blocks=[change(block) for block in section.blocks])
                for section in part.sections
            ],
        )
        for part in page.parts
    ]
    return replace(page, parts=parts)


def _cut(block: Block, most: int) -> Block:
    """A table with at most so many rows; other blocks stay."""
    if not isinstance(block, DataTable) or len(block.rows) <= most:
        return block
    return replace(block, rows=block.rows[:most], left_out=len(block.rows) - most)


def _without_pictures(block: Block) -> Block:
    if not isinstance(block, Pictures):
        return block
    return Pictures([], [picture.name for picture in block.pictures])


class RoomForPictures:
    """Gives the pictures of a page room in their order, until none is left."""

    def __init__(self, room: float) -> None:
        self.room = room

    def filled(self, block: Block) -> Block:
        """The block with those of its pictures for which there is room; other blocks stay."""
        if not isinstance(block, Pictures):
            return block
        kept: list[Picture] = []
        for picture in block.pictures:
            needed = BASE64 * len(picture.png) + BYTES_BESIDE
            if needed <= self.room:
                self.room -= needed
                kept.append(picture)
        names = {picture.name for picture in kept}
        return Pictures(kept, [each.name for each in block.pictures if each.name not in names])
