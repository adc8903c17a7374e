"""Level I: the heatmap, the p-values, the scores of the language models, and the known dependences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from personax.experiments.html_report.blocks import (
    BarShare,
    Block,
    Column,
    DataTable,
    HeatCell,
    HeatMap,
    Note,
    Section,
    ShareBars,
    TableCell,
)
from personax.experiments.html_report.numbers import MOST_CHOICES, raised, table_of_frame
from personax.experiments.html_report.reading import RunRecord
from personax.experiments.independence.report import (
    BOUND_SENTENCE,
    SCORE_COUNTS,
    heading_of,
    pvalue_text,
    square,
    title_of_test,
    votes,
)

PVALUES, AGREEMENT = "pvalues.csv", "agreement.csv"
NEEDED_PVALUES = (
    "trait",
    "scores",
    "feature",
    "test",
    "n",
    "pvalue",
    "log10_pvalue",
    "q_value",
    "effect",
    "rejected",
)
LATER = {"bound": False, "effect_low": np.nan, "effect_high": np.nan}  # what older versions did not write
VOTES_NOTE = (
    "x/y: x of the y tests that apply reject independence. Point at a cell, or move to it with the arrow "
    "keys, to see p, effect and 95 % interval of every test."
)


def tested_cells(record: RunRecord) -> pd.DataFrame | None:
    """The grid of tests of a Level I run, with the texts of test and p-value; None if it is no such run."""
    table = record.table(PVALUES, NEEDED_PVALUES)
    if table is None or table.empty:
        return None
    cells = table.assign(**{name: value for name, value in LATER.items() if name not in table})
    implementation = str(record.options.get("implementation", "exact"))
    titles = {test: _title(test, implementation) for test in cells["test"].unique()}
    p_texts = [
        raised(pvalue_text(p, bound=bool(b)))
        for p, b in zip(cells["log10_pvalue"], cells["bound"], strict=True)
    ]
    return cells.assign(
        title=cells["test"].map(titles),
        p_text=p_texts,
        verdict=[_verdict(*each) for each in zip(cells["pvalue"], cells["rejected"], strict=True)],
    )


def _title(test: str, implementation: str) -> str:
    try:
        return title_of_test(test, implementation)
    except KeyError:  # a test of a later version, or of somebody's own
        return test


def _verdict(pvalue: float, rejected: bool) -> str:
    if np.isnan(pvalue):
        return "does not apply"
    return "rejected" if rejected else "not rejected"


def level_one(record: RunRecord) -> Section | None:
    """The heatmaps and the table of p-values."""
    cells = tested_cells(record)
    if cells is None:
        return None
    alpha, correction = record.options.get("alpha", 0.05), record.options.get("correction", "none")
    rule = "no correction" if correction == "none" else f"{correction} within each test and source of scores"
    blocks: list[Block] = [Note(f"Level {alpha}, {rule}. {VOTES_NOTE}")]
    if controls := record.metrics.get("negative_controls"):
        blocks.append(Note(str(controls)))
    blocks += [
        votes_map(cells[cells["scores"] == scores], str(scores)) for scores in cells["scores"].unique()
    ]
    blocks.append(pvalue_table(cells))
    if cells["bound"].any():
        blocks.append(Note(BOUND_SENTENCE.replace("`", "")))
    return Section("Level I: which traits depend on which features", blocks)


def votes_map(cells: pd.DataFrame, scores: str) -> HeatMap:
    """The x/y cells of one source of scores, features by traits; the tip has every test."""
    lines = cells.assign(line=[_line_of_test(row) for row in cells.to_dict("records")])
    tips = lines.groupby(["feature", "trait"], sort=False)["line"].agg("\n".join)
    counted = votes(cells)
    share = counted["rejections"] / counted["tests"].where(counted["tests"] > 0)
    texts, shares = square(counted, "text"), square(counted.assign(share=share), "share")
    rows = [
        (
            str(feature),
            [
                HeatCell(
                    texts.loc[feature, trait],
                    None if np.isnan(shares.loc[feature, trait]) else float(shares.loc[feature, trait]),
                    f"{trait} and {feature}\n{tips[(feature, trait)]}",
                )
                for trait in texts.columns
            ],
        )
        for feature in texts.index
    ]
    caption = f"Rejections of independence, {heading_of(scores)}"
    return HeatMap(caption, ("no test rejects", "all reject"), "feature", list(map(str, texts.columns)), rows)


def _line_of_test(row: Mapping[Any, Any]) -> str:
    """One line about a test, such as KCI: p = 0.012, effect 0.21 [0.15, 0.27], n = 295, rejected."""
    if np.isnan(row["pvalue"]):
        return f"{row['title']}: does not apply"
    p = row["p_text"] if row["p_text"].startswith("≤") else f"= {row['p_text']}"
    return f"{row['title']}: p {p}, effect {effect_text(row)}, n = {int(row['n']):,}, {row['verdict']}"


def effect_text(row: Mapping[Any, Any]) -> str:
    """An effect with its 95 % interval, such as 0.21 [0.15, 0.27]; a dash where there is none."""
    if np.isnan(row["effect"]):
        return "–"
    interval = "" if np.isnan(row["effect_low"]) else f" [{row['effect_low']:.2f}, {row['effect_high']:.2f}]"
    return f"{row['effect']:.2f}{interval}".replace("-", "−")


def pvalue_table(cells: pd.DataFrame) -> DataTable:
    """One row a test, smallest p first."""
    ordered = cells.sort_values("log10_pvalue", kind="stable")
    columns = [
        *(
            Column(name, choice=1 < cells[name].nunique() <= MOST_CHOICES)
            for name in ("scores", "trait", "feature")
        ),
        Column("test", choice=cells["test"].nunique() > 1),
        Column("p", numeric=True),
        Column("q", numeric=True),
        Column("effect [95 % interval]", numeric=True),
        Column("n", numeric=True),
        Column("verdict", choice=True),
    ]
    rows = [list(_pvalue_row(row)) for row in ordered.to_dict("records")]
    return DataTable("p-values; q is p after the correction for multiplicity", columns, rows, filtered=True)


def _pvalue_row(row: Mapping[Any, Any]) -> Iterator[TableCell]:
    yield from (TableCell(str(row[name])) for name in ("scores", "trait", "feature", "title"))
    yield TableCell(row["p_text"], _known(row["log10_pvalue"]))
    log10_q = row.get("log10_q_value", np.nan)
    log10_q = np.log10(row["q_value"]) if np.isnan(log10_q) and row["q_value"] > 0 else log10_q
    yield TableCell(raised(pvalue_text(float(log10_q))), _known(float(log10_q)))
    yield TableCell(effect_text(row), _known(row["effect"]))
    yield TableCell(f"{int(row['n']):,}", float(row["n"]))
    tones: Mapping[str, Any] = {"rejected": "strong", "does not apply": "quiet"}
    yield TableCell(row["verdict"], tone=tones.get(row["verdict"], ""))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def scores_of_models(record: RunRecord) -> Section | None:
    """How the scores of each language model are distributed, and how well the models agree."""
    counts, agreement = (
        record.table(SCORE_COUNTS, ("trait", "rater", "score", "people")),
        record.table(AGREEMENT),
    )
    blocks: list[Block] = []
    if counts is not None and not counts.empty:
        blocks.append(score_bars(counts))
    if agreement is not None:
        blocks += [
            Note(
                "Agreement per trait: quadratic weighted kappa of each pair of models, and the intraclass "
                "correlation ICC(2,1) of all; 1 is perfect, 0 is chance. n is the number of people whom all "
                "have scored."
            ),
            table_of_frame(agreement, "Agreement of the language models"),
        ]
    return Section("Scores of the language models", blocks) if blocks else None


def score_bars(counts: pd.DataFrame) -> ShareBars:
    """A bar for every trait and rater, divided by score; people without a score come last."""
    levels = sorted(counts["score"].dropna().unique())
    colours = dict(zip(levels, np.linspace(0.08, 1.0, max(len(levels), 2)), strict=False))
    groups = []
    for trait in counts["trait"].unique():
        own = counts[counts["trait"] == trait]
        bars = [(str(rater), _shares(part, colours)) for rater, part in own.groupby("rater", sort=False)]
        groups.append((str(trait), bars))
    legend = [(f"{level:g}", float(colour)) for level, colour in colours.items()]
    missing = [("missing", None)] if counts["score"].isna().any() else []
    return ShareBars("Shares of the scores of each rater", [*legend, *missing], groups)


def _shares(counts: pd.DataFrame, colours: Mapping[float, float]) -> list[BarShare]:
    total = max(int(counts["people"].sum()), 1)
    shares = []
    for row in counts.sort_values("score", na_position="last").to_dict("records"):
        missing = np.isnan(row["score"])
        name = "missing" if missing else f"{row['score']:g}"
        part = row["people"] / total
        tip = f"{name}: {100 * part:.0f} % ({int(row['people']):,} of {total:,})"
        shares.append(BarShare(name, float(part), None if missing else float(colours[row["score"]]), tip))
    return shares


def against_known_dependences(record: RunRecord) -> Section | None:
    """How many of the known dependences of simulated people each test has found."""
    rows: Sequence[Mapping[str, Any]] = record.metrics.get("against_truth") or []
    if not rows:
        return None
    cells = [
        [
            TableCell(str(row["scores"])),
            TableCell(str(row["test"])),
            _share_cell(row["found"], row["dependent"]),
            _share_cell(row["false_rejections"], row["independent"]),
        ]
        for row in rows
    ]
    columns = [
        Column("scores", choice=len({row["scores"] for row in rows}) > 1),
        Column("test"),
        Column("dependences found", numeric=True),
        Column("false rejections", numeric=True),
    ]
    return Section(
        "Level I against the truth",
        [DataTable("Decisions against the known dependences", columns, cells, filtered=len(rows) > 10)],
    )


def _share_cell(part: int, whole: int) -> TableCell:
    return TableCell(f"{part} of {whole}", part / whole if whole else None)
