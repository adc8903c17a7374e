"""The texts about the decisions over a grid: the paper's x/y cells, checks, Markdown."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.facts import DataFacts
from personax.independence import CONDITIONAL_TESTS, Correction
from personax.independence.reference import procedures_of
from personax.runs.markdown import escape_cell, markdown_table
from personax.streaming.grid_errors import TOO_WIDE
from personax.streaming.streamed_table import EXACT_ROUTE
from personax.tables.column_map import TARGETS

# A trait should not depend on the day of the year on which somebody was born: a rejection is a false alarm.
NEGATIVE_CONTROLS = ("Birthmonth", "Birthday", "Day_of_year", "Day_sin", "Day_cos")

SCORE_COUNTS = "score_counts.csv"
BOUND_SENTENCE = (
    "≤: p is at most this, and may be far smaller. No random order was as extreme as the data (more "
    "`--resamples` tell), or so few rows support no smaller p-value."
)
PVALUE_COLUMNS = (
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
    "bound",
    "effect_low",
    "effect_high",
)
# Of a table that was counted: how a result was reached.
ROUTE_COLUMNS = ("route", "route_error")
MOST_NAMED = 5  # columns in a sentence


def square(cells: pd.DataFrame, value: str) -> pd.DataFrame:
    """A column of the grid as features x traits, both in order of appearance."""
    wide = cells.pivot(index="feature", columns="trait", values=value)
    return wide.loc[list(dict.fromkeys(cells["feature"])), list(dict.fromkeys(cells["trait"]))]


def votes(decided: pd.DataFrame) -> pd.DataFrame:
    """For each source of scores, feature and trait: the numbers `rejections` (x) and `tests` (y) of Fig. 3.

    y is the number of tests with a p-value. The column `text` is x/y, or "–" where no test has a p-value.
    """
    counted = (
        decided.assign(tests=decided["pvalue"].notna().astype(int), rejections=decided["rejected"])
        .groupby(["scores", "feature", "trait"], sort=False)[["rejections", "tests"]]
        .sum()
        .astype(int)
        .reset_index()
    )
    text = counted["rejections"].astype(str) + "/" + counted["tests"].astype(str)
    return counted.assign(text=text.where(counted["tests"] > 0, "–"))


def negative_controls(decided: pd.DataFrame, alpha: float, correction: Correction) -> str:
    """One line: how often the tests rejected for negative controls, where there is no dependence to find."""
    controls = decided[decided["feature"].isin(NEGATIVE_CONTROLS) & decided["pvalue"].notna()]
    if controls.empty:
        return "Negative controls: none (no birth month or birthday in the table)."
    names = ", ".join(dict.fromkeys(controls["feature"]))
    uncorrected = int((controls["pvalue"] <= alpha * (1.0 + 1e-9)).sum())
    line = (
        f"Negative controls ({names}): {uncorrected} of {len(controls)} p-values are below {alpha:g} "
        f"({alpha * len(controls):.1f} expected of independent columns)"
    )
    if correction != "none":
        line += f"; {int(controls['rejected'].sum())} rejected after {correction}"
    return line + "."


def against_truth(decided: pd.DataFrame, dependent: pd.DataFrame) -> pd.DataFrame:
    """Score decisions against the known dependences (traits x features, bool) of a simulated table.

    Returns a row for each source of scores and test: how many pairs are dependent and how many of them were
    found, how many pairs are independent and how many of them were rejected falsely.
    """
    truly = [
        bool(dependent.loc[trait, feature])
        for trait, feature in zip(decided["trait"], decided["feature"], strict=True)
    ]
    known = decided.assign(truly=truly)[decided["pvalue"].notna()]
    rows = []
    for (scores, test), cells in known.groupby(["scores", "test"], sort=False):
        real, unreal = cells[cells["truly"]], cells[~cells["truly"]]
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


def votes_table(decided: pd.DataFrame, scores: str) -> str:
    """The paper's heatmap for one source of scores as Markdown: features x traits, cells x/y."""
    counted = votes(decided)
    return markdown_table(square(counted[counted["scores"] == scores], "text"), index="feature")


def heading_of(source: str) -> str:
    """What is tested against the features, in words.

    >>> heading_of("gemini"), heading_of("targets")
    ('gemini scores', 'targets')
    """
    return source if source == TARGETS else f"{source} scores"


def pvalue_text(log10_p: float, *, bound: bool = False) -> str:
    """A p-value as 0.123, or as 10^-12.3 where it is below 0.001; with ≤ if it is only a bound.

    >>> pvalue_text(-0.3), pvalue_text(-12.3), pvalue_text(-4.3, bound=True)
    ('0.501', '10^-12.3', '≤ 10^-4.3')
    """
    if np.isnan(log10_p):
        return "–"
    return ("≤ " if bound else "") + (f"{10**log10_p:.3f}" if log10_p > -3 else f"10^{log10_p:.1f}")


def title_of_test(test: str, implementation: str) -> str:
    """The name of a test in figures and headings.

    >>> title_of_test("kci", "exact"), title_of_test("gcm", "exact")
    ('KCI', 'GCM')
    """
    named = procedures_of(implementation).get(test)
    return named.title if named else CONDITIONAL_TESTS[test].title


def interval_texts(cells: pd.DataFrame) -> list[str]:
    """Effect and 95 % interval of every cell, such as 0.21 [0.15, 0.27]; a dash where there is none."""
    return [
        "–" if np.isnan(effect) else f"{effect:.2f} [{low:.2f}, {high:.2f}]"
        for effect, low, high in zip(cells["effect"], cells["effect_low"], cells["effect_high"], strict=True)
    ]


def bounds_above_alpha(decided: pd.DataFrame, alpha: float) -> str:
    """A warning if p-values that are only bounds were not rejected: more random orders might; else empty."""
    undecided = decided[decided["bound"] & ~decided["rejected"] & decided["pvalue"].notna()]
    if undecided.empty:
        return ""
    factor = float(10.0 ** (undecided["log10_q_value"].max() - np.log10(alpha)))
    return (
        f"Warning: {len(undecided)} p-values are only bounds, and too large to be rejected after the "
        f"correction for multiplicity; {np.ceil(factor - 1e-9):,.0f} times as many --resamples would decide."
    )


def independence_report(config: IndependenceConfig, facts: DataFacts, decided: pd.DataFrame) -> str:
    """The text of table.md: x/y cells, p-values of each test, negative controls, scores against the truth."""
    parts = [*_introduction(config, facts, decided)]
    if facts.dependent is not None:
        parts += ["## Against the truth", _truth_table(against_truth(decided, facts.dependent))]
    for scores in dict.fromkeys(decided["scores"]):
        parts += [f"## {scores}", votes_table(decided, scores)]
        for test in dict.fromkeys(decided["test"]):
            cells = decided[(decided["scores"] == scores) & (decided["test"] == test)]
            texts = [
                pvalue_text(p, bound=b) for p, b in zip(cells["log10_pvalue"], cells["bound"], strict=True)
            ]
            parts += [
                f"### {title_of_test(test, config.implementation)}: p-values",
                markdown_table(square(cells.assign(text=texts), "text"), index="feature"),
            ]
            if cells["bound"].any():
                parts.append(BOUND_SENTENCE)
            if cells["effect_low"].notna().any():
                parts += [
                    f"### {procedures_of(config.implementation)[test].title}: effects [95 % intervals]",
                    markdown_table(square(cells.assign(text=interval_texts(cells)), "text"), index="feature"),
                ]
    parts += ["## What was read", markdown_table(facts.columns, digits=0)]
    return "\n\n".join(parts) + "\n"


def table_of_score_counts(facts: DataFacts) -> pd.DataFrame:
    """How many people have each score: a row for each rater, trait and score (NaN: no score)."""
    rows = []
    for rater, counts in facts.scores.items():
        for trait, people in counts.items():
            given = people[people > 0]
            every = [*given.items(), (np.nan, facts.n - int(given.sum()))]
            rows += [(rater, trait, score, number) for score, number in every if number]
    return pd.DataFrame(rows, columns=["rater", "trait", "score", "people"])


def _introduction(config: IndependenceConfig, facts: DataFacts, decided: pd.DataFrame) -> Iterator[str]:
    """The paragraphs before the tables."""
    yield f"# Independence tests: {escape_cell(facts.name)}"
    if facts.simulated:
        yield "**SIMULATED DATA: these people do not exist; nothing here is a finding.**"
    corrected = f"{config.correction} within each test and source of scores"
    rule = "no correction" if config.correction == "none" else corrected
    yield f"Rejections at {config.alpha:g}, {rule}. x/y: x of the y tests that apply reject independence."
    yield f"n = {facts.n:,}; {config.implementation} implementation; source: {facts.source}."
    if "route" in decided:
        yield route_sentence(decided)
    if facts.agreement is not None:
        yield from agreement_lines(facts.agreement)
    yield negative_controls(decided, config.alpha, config.correction)
    if warning := bounds_above_alpha(decided, config.alpha):
        yield warning


def route_sentence(decided: pd.DataFrame) -> str:
    """How results were reached: from counts of all values, or from fine grids, with their largest error."""
    on_grid = decided[decided["route"] != EXACT_ROUTE]
    exact = len(decided) - len(on_grid)
    if on_grid.empty:
        return f"All {exact} results are from tables of counts of all values."
    columns = sorted({*on_grid["feature"]})
    shown = ", ".join(columns[:MOST_NAMED]) + (" and others" if len(columns) > MOST_NAMED else "")
    too_wide = on_grid["null"] == TOO_WIDE
    largest = on_grid.loc[~too_wide, "route_error"].max()
    refused = f" {too_wide.sum()} would change by more, and are {TOO_WIDE}." if too_wide.any() else ""
    return (
        f"{exact} results are from tables of counts of all values; {len(on_grid)} are from columns in fine "
        f"cells ({shown}), which change a statistic by at most {0.0 if pd.isna(largest) else largest:.1e} of "
        f"itself (in 99 of 100 results less than its route_error in pvalues.csv).{refused}"
    )


def _truth_table(scored: pd.DataFrame) -> str:
    def of(part: str, whole: str) -> list[str]:
        return [f"{a} of {b}" for a, b in zip(scored[part], scored[whole], strict=True)]

    shown = {
        "scores": scored["scores"],
        "test": scored["test"],
        "dependences found": of("found", "dependent"),
        "false rejections": of("false_rejections", "independent"),
    }
    return markdown_table(pd.DataFrame(shown))


def agreement_lines(agreement: pd.DataFrame) -> list[str]:
    """How well the language models agree, one line per trait (quadratic weighted kappa, ICC)."""
    return [
        f"Agreement of the language models on {trait}: "
        + ", ".join(
            f"{name} {value:,.0f}" if name == "n" else f"{name} {value:.2f}" for name, value in row.items()
        )
        + "."
        for trait, row in agreement.iterrows()
        if row.drop("n", errors="ignore").notna().any()
    ]
