"""From a grid of p-values to what people read: decisions, the paper's x/y cells, checks, Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from personax.independence.multiple import Correction
from personax.independence.procedure import Procedure
from personax.independence.registry import TESTS

# When in the year somebody was born should tell nothing of them: what rejects here is a false alarm.
NEGATIVE_CONTROLS = ("Birthmonth", "Birthday", "Day_of_year", "Day_sin", "Day_cos")

COLUMNS = (
    "trait",
    "scores",
    "feature",
    "test",
    "n",
    "statistic",
    "pvalue",
    "log10_pvalue",
    "q_value",
    "effect",
    "applicable",
    "seconds",
    "null",
    "log10_q_value",
    "rejected",
    "data",
)


def votes(decided: pd.DataFrame) -> pd.DataFrame:
    """Per scores, feature and trait: `rejections` out of `tests` with a p-value (Fig. 3's x/y)."""
    counted = decided.assign(tests=decided["pvalue"].notna().astype(int), rejections=decided["rejected"])
    return (
        counted.groupby(["scores", "feature", "trait"], sort=False)[["rejections", "tests"]]
        .sum()
        .astype(int)
        .reset_index()
    )


def negative_controls(decided: pd.DataFrame, alpha: float, correction: Correction) -> str:
    """One line: how often the tests rejected where nothing is to be found."""
    controls = decided[decided["feature"].isin(NEGATIVE_CONTROLS) & decided["pvalue"].notna()]
    if controls.empty:
        return "Negative controls: none (no birth month or birthday in the table)."
    names = ", ".join(dict.fromkeys(controls["feature"]))
    uncorrected = int((controls["pvalue"] <= alpha).sum())
    line = (
        f"Negative controls ({names}): {uncorrected} of {len(controls)} p-values are below {alpha:g} "
        f"({alpha * len(controls):.1f} expected of independent columns)"
    )
    if correction != "none":
        line += f"; {int(controls['rejected'].sum())} rejected after {correction}"
    return line + "."


def against_truth(decided: pd.DataFrame, dependent: pd.DataFrame) -> pd.DataFrame:
    """Score decisions against the known dependences (traits x features, bool) of a simulated table.

    A row for each score source and test: dependent pairs and how many were found, independent pairs and how
    many were rejected falsely.
    """
    truth = [
        bool(dependent.loc[trait, feature])
        for trait, feature in zip(decided["trait"], decided["feature"], strict=True)
    ]
    known = decided.assign(truth=truth)[decided["pvalue"].notna()]
    rows = []
    for (scores, test), cells in known.groupby(["scores", "test"], sort=False):
        real, unreal = cells[cells["truth"]], cells[~cells["truth"]]
        rows.append(
            {
                "scores": scores,
                "test": test,
                "dependent": len(real),
                "found": int(real["rejected"].sum()),
                "independent": len(unreal),
                "false_rejections": int(unreal["rejected"].sum()),
            }
        )
    return pd.DataFrame(rows)


def _markdown_rows(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def votes_table(decided: pd.DataFrame, scores: str) -> str:
    """The paper's heatmap as Markdown: features x traits, cells x/y."""
    counted = votes(decided)
    counted = counted[counted["scores"] == scores]
    fields = (counted[name] for name in ("feature", "trait", "rejections", "tests"))
    cells = {(feature, trait): f"{x}/{y}" if y else "–" for feature, trait, x, y in zip(*fields, strict=True)}
    traits = [str(trait) for trait in dict.fromkeys(counted["trait"])]
    features = [str(feature) for feature in dict.fromkeys(counted["feature"])]
    return _markdown_rows(
        ["feature", *traits], [[f, *(cells[f, trait] for trait in traits)] for f in features]
    )


def pvalue_text(log10_p: float) -> str:
    """A p-value as 0.123, or 10^-12.3 where that is short of room."""
    if np.isnan(log10_p):
        return "–"
    return f"{10**log10_p:.3f}" if log10_p > -3 else f"10^{log10_p:.1f}"


def markdown(
    decided: pd.DataFrame,
    *,
    title: str,
    simulated: bool,
    alpha: float,
    correction: Correction,
    dependent: pd.DataFrame | None,
    notes: Sequence[str] = (),
    procedures: Mapping[str, Procedure] = TESTS,
) -> str:
    """table.md: x/y cells, p-values of each test, negative controls and, if known, the truth."""
    parts = [f"# {title}"]
    if simulated:
        parts.append("**SIMULATED DATA: these people do not exist; nothing here is a finding.**")
    rule = "no correction" if correction == "none" else f"{correction} within each test and score source"
    parts.append(f"Rejections at {alpha:g}, {rule}. x/y: x of the y tests that apply reject independence.")
    parts.extend(notes)
    parts.append(negative_controls(decided, alpha, correction))
    if dependent is not None:
        scored = against_truth(decided, dependent)
        rows = [
            [
                str(row.scores),
                str(row.test),
                f"{row.found} of {row.dependent}",
                f"{row.false_rejections} of {row.independent}",
            ]
            for row in scored.itertuples()
        ]
        parts.append("## Against the truth")
        parts.append(_markdown_rows(["scores", "test", "dependences found", "false rejections"], rows))
    for scores in dict.fromkeys(decided["scores"]):
        parts.append(f"## {scores}")
        parts.append(votes_table(decided, scores))
        for test in dict.fromkeys(decided["test"]):
            cells = decided[(decided["scores"] == scores) & (decided["test"] == test)]
            p = {(r.feature, r.trait): pvalue_text(r.log10_pvalue) for r in cells.itertuples()}
            traits = [str(trait) for trait in dict.fromkeys(cells["trait"])]
            features = [str(feature) for feature in dict.fromkeys(cells["feature"])]
            parts.append(f"### {procedures[test].title}: p-values")
            parts.append(
                _markdown_rows(["feature", *traits], [[f, *(p[f, t] for t in traits)] for f in features])
            )
    return "\n\n".join(parts) + "\n"


def agreement_lines(agreement: pd.DataFrame) -> list[str]:
    """How far the language models agree on each trait, a line each (quadratic weighted kappa, ICC)."""
    return [
        f"Agreement of the language models on {trait}: "
        + ", ".join(
            f"{name} {value:,.0f}" if name == "n" else f"{name} {value:.2f}" for name, value in row.items()
        )
        + "."
        for trait, row in agreement.iterrows()
        if row.drop("n", errors="ignore").notna().any()
    ]
