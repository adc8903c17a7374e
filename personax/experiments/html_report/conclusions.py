"""Which conclusions of a run hold when the choices behind it are changed (the command sensitivity)."""

from collections.abc import Mapping

import pandas as pd

from personax.experiments.html_report.blocks import (
    Block,
    Column,
    DataTable,
    Note,
    Section,
    TableCell,
    Tone,
)
from personax.experiments.html_report.numbers import number_cell, plain_text, table_of_frame, with_arrows
from personax.experiments.html_report.reading import RunRecord

CLAIMS_TABLE, VARIANTS_TABLE = "sensitivity.csv", "variants.csv"
NEEDED_OF_CLAIMS = ("level", "first", "second", "test", "base", "verdict", "held", "asked", "fails")
TONE_OF_VERDICT: Mapping[str, Tone] = {"robust": "good", "not robust": "bad"}
CAPTION_OF_LEVEL = {"edge": "Pairs of latents", "cell": "Level I: traits against features"}


def sensitivity(record: RunRecord) -> Section | None:
    """The rule, how many claims are robust, and every claim with the variants in which it fails."""
    claims = record.table(CLAIMS_TABLE, NEEDED_OF_CLAIMS)
    if claims is None or claims.empty:
        return None
    blocks: list[Block] = []
    if isinstance(record.metrics.get("rule"), str):
        blocks.append(Note(record.metrics["rule"].replace("**", "")))
    summary = record.metrics.get("summary")
    if isinstance(summary, Mapping) and all(isinstance(row, Mapping) for row in summary.values()):
        frame = pd.DataFrame.from_dict(dict(summary), orient="index").rename_axis("claims of the base run")
        blocks.append(table_of_frame(frame.reset_index(), "How many claims are robust"))
    for level, caption in CAPTION_OF_LEVEL.items():
        part = claims[claims["level"] == level]
        if len(part):
            blocks.append(claims_of_level(part, caption))
    variants = record.table(VARIANTS_TABLE)
    if variants is not None and not variants.empty:
        blocks.append(table_of_frame(variants, "The variants, and how well their latents match"))
    return Section("Do the conclusions hold when choices change?", blocks)


def claims_of_level(part: pd.DataFrame, caption: str) -> DataTable:
    """The claims of a level, each with its verdict."""
    tested = part["test"].notna().any()
    columns = [Column("first"), Column("second"), *([Column("test", choice=True)] if tested else [])]
    columns += [Column("base run", choice=True), Column("verdict", choice=True)]
    columns += [Column("holds in", numeric=True), Column("asked", numeric=True), Column("fails in")]
    rows = []
    for row in part.to_dict("records"):
        verdict = str(row["verdict"])
        rows.append(
            [
                TableCell(plain_text(row["first"])),
                TableCell(plain_text(row["second"])),
                *([TableCell(plain_text(row["test"]))] if tested else []),
                TableCell(with_arrows(plain_text(row["base"]))),
                TableCell(verdict, tone=TONE_OF_VERDICT.get(verdict, "unsure")),
                number_cell(int(row["held"])),
                number_cell(int(row["asked"])),
                TableCell(plain_text(row["fails"])),
            ]
        )
    return DataTable(caption, columns, rows, filtered=True)
