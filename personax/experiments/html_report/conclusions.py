"""Which conclusions of a run hold when the choices behind it are changed (the command sensitivity)."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from personax.experiments.html_report.blocks import (
    Block,
    Column,
    DataTable,
    HeatCell,
    HeatMap,
    Note,
    Section,
    TableCell,
    Tone,
)
from personax.experiments.html_report.numbers import number_cell, plain_text, table_of_frame, with_arrows
from personax.experiments.html_report.reading import RunRecord

CLAIMS_TABLE, VARIANTS_TABLE = "sensitivity.csv", "variants.csv"
SAYS = " says"  # end of the column with what a variant says
NOT_ASKED = "not checked"  # state of a claim in a variant that can say nothing about it
NEEDED_OF_CLAIMS = ("level", "first", "second", "test", "base", "verdict", "held", "asked", "fails")
TONE_OF_VERDICT: Mapping[str, Tone] = {"robust": "good", "not robust": "bad"}
CAPTION_OF_LEVEL = {"edge": "Pairs of latents", "cell": "Level I: traits against features"}
CAPTION_OF_VARIANTS = {
    "edge": "What every variant says about the edges of the base run",
    "cell": "What every variant says about the dependences of the base run",
}
MOST_IN_MATRIX = 60  # claims; the tables below have all


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
            blocks += words_of_variants(part, CAPTION_OF_VARIANTS[level])
            blocks.append(claims_of_level(part, caption))
    variants = record.table(VARIANTS_TABLE)
    if variants is not None and not variants.empty:
        blocks.append(table_of_frame(variants, "The variants, and how well their latents match"))
    return Section("Do the conclusions hold when choices change?", blocks)


def words_of_variants(part: pd.DataFrame, caption: str) -> list[HeatMap]:
    """Claims that something is there (rows) against variants: dark where the claim holds; [] if none is."""
    variants = [str(name).removesuffix(SAYS) for name in part if str(name).endswith(SAYS)]
    found = part[part["positive"].astype(bool)] if "positive" in part else part.head(0)
    asked = [name for name in variants if name in found and (found[name] != NOT_ASKED).any()]
    if not asked:
        return []
    several = found["test"].nunique() > 1
    rows = []
    for claim in found.head(MOST_IN_MATRIX).to_dict("records"):
        first, base, second, test = (plain_text(claim[key]) for key in ("first", "base", "second", "test"))
        title = f"{first} {with_arrows(base)} {second}" + (f" ({test})" if several else "")
        rows.append((title, [_word_cell(title, claim, name) for name in asked]))
    left_out = len(found) - len(rows)
    more = f" (the first {len(rows)} of {len(found)})" if left_out else ""
    return [HeatMap(f"{caption}{more}", ("it does not hold", "it holds"), "claim", asked, rows)]


def _word_cell(title: str, claim: Mapping[Hashable, Any], variant: str) -> HeatCell:
    """What a variant says about a claim of the base run; blank if not asked, "–" if a latent is lost."""
    state, said = str(claim[variant]), claim[f"{variant}{SAYS}"]
    text = with_arrows(said) if isinstance(said, str) else "–"
    share = None if state == NOT_ASKED else float(state == "holds")
    return HeatCell(text, share, f"{title}\n{variant}: {state}")


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
