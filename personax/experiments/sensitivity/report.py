"""The page of a sensitivity analysis: the rule, the summary, the variants, and the claims."""

import pandas as pd

from personax.experiments.sensitivity.claims import CELL_LEVEL, EDGE
from personax.experiments.sensitivity.verdicts import (
    DEPENDS,
    NOT_ROBUST,
    ROBUST,
    RULE,
    UNCHECKED,
    kind_of_verdict,
)
from personax.runs.markdown import escape_cell, markdown_table

KINDS_OF_CLAIM = (
    (EDGE, True, "edges"),
    (EDGE, False, "pairs without an edge"),
    (CELL_LEVEL, True, "dependences (Level I)"),
    (CELL_LEVEL, False, "no dependence shown (Level I)"),
)
VERDICTS = (ROBUST, DEPENDS, NOT_ROBUST, UNCHECKED)


def summary_of(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of claim: how many there are, how many have each verdict, how many of these are true.

    The columns with the true ones are left out where the truth is unknown.
    """
    rows = {}
    for level, positive, title in KINDS_OF_CLAIM:
        part = claims[(claims["level"] == level) & (claims["positive"].astype(bool) == positive)]
        kinds = part["verdict"].map(kind_of_verdict)
        row: dict[str, object] = {"claims": len(part)}
        for verdict in VERDICTS:
            chosen = part[kinds == verdict]
            known = chosen["true"].dropna()
            row[verdict] = f"{len(chosen)} ({int(known.sum())} true)" if len(known) else str(len(chosen))
        if len(part):
            rows[title] = row
    return pd.DataFrame(rows).T


def summary_lines(claims: pd.DataFrame) -> list[str]:
    """The summary as text, with the edges that are robust and those that are not."""
    edges = claims[(claims["level"] == EDGE) & claims["positive"].astype(bool)]
    lines = [markdown_table(summary_of(claims), index="claims of the base run"), ""]
    for row in edges.to_dict("records"):
        lines.append(f"{row['first']} {row['base']} {row['second']}: {row['verdict']}")
    return lines


def sensitivity_page(claims: pd.DataFrame, variants: pd.DataFrame, source: str, *, simulated: bool) -> str:
    """The page in Markdown."""
    mark = "SIMULATED DATA. " if simulated else ""
    lines = ["# Which conclusions hold when choices change", "", f"{mark}{escape_cell(source)}.", ""]
    lines += ["## The rule", "", RULE, "", "## Summary", ""]
    lines += [markdown_table(summary_of(claims), index="claims of the base run"), ""]
    lines += ["## Variants", ""]
    lines += [
        "Match: |correlation| of the latents with those of the base run that they are paired with. Edges, "
        "dependences: how many of those of the base run hold.",
        "",
        markdown_table(_without_empty(variants)),
        "",
    ]
    for level, positive, title in KINDS_OF_CLAIM:
        lines += section_of(claims, level, positive, title)
    return "\n".join(lines)


def section_of(claims: pd.DataFrame, level: str, positive: bool, title: str) -> list[str]:
    """The claims of a kind; of claims that there is nothing, only those that do not hold everywhere."""
    part = claims[(claims["level"] == level) & (claims["positive"].astype(bool) == positive)]
    if not positive:
        part = part[part["verdict"].map(kind_of_verdict).isin((DEPENDS, NOT_ROBUST))]
        title = f"{title[0].upper()}{title[1:]}, but something in a variant"
    if part.empty:
        return []
    return [f"## {title[0].upper()}{title[1:]}", "", markdown_table(readable(part)), ""]


def readable(part: pd.DataFrame) -> pd.DataFrame:
    """Claims as a table to read: what is claimed, the verdict, and the variants in which it fails."""
    held = zip(part["held"], part["asked"], strict=True)
    frame = pd.DataFrame(
        {
            "first": part["first"],
            "second": part["second"],
            "test": part["test"],
            "base run": part["base"],
            "verdict": part["verdict"],
            "adjacent": part["adjacent"],
            "holds in": [f"{number} of {asked}" for number, asked in held],
            "fails in": part["fails"],
            "true": part["true"].map({1.0: "yes", 0.0: "no"}).fillna(""),
        }
    )
    return _without_empty(frame)


def _without_empty(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that say nothing."""
    said = frame.notna() & (frame.astype(object) != "")
    return frame.loc[:, said.any(axis=0)]
