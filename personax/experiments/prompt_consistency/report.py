"""The text of the consistency of answers: tables of models and formats, the published numbers beside them."""

from collections.abc import Iterator

import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.heat_blocks import SIMULATED_SENTENCE
from personax.experiments.prompt_consistency.consistency_tables import Consistency
from personax.runs.markdown import escape_cell, markdown_table
from personax.tables.schema import TRAITS, plain
from personax.traits.consistency import WithInterval
from personax.traits.published import (
    AVERAGE,
    FORMAT_PAIRS,
    FORMAT_TITLES,
    PUBLISHED_DISTANCES,
    PUBLISHED_MEDIANS,
    PUBLISHED_SOURCE,
    format_title,
)

DEFINITIONS = """std: standard deviation over the repeats of a person's score (of a population), mean over
people. TARr@N, TARa@N: share of people whose N raw answers, or parsed answers, are all equal. alpha:
Krippendorff's alpha of the repeats, for ordered scores; 0: repeats agree as by chance, 1: wholly. Brackets:
95 % intervals over people. A score of 0 (insufficient information) is an answer that TARa@N compares, and a
missing score elsewhere."""
PER_TRAIT = {
    "std": "Standard deviation over the repeats (Fig. 2, top)",
    "TARa": "TARa@N of each trait",
    "alpha": "Krippendorff's alpha of each trait",
}


def consistency_report(found: Consistency, source: AnswerSet) -> str:
    """The text of report.md."""
    return "\n\n".join(_consistency_parts(found, source)) + "\n"


def _consistency_parts(found: Consistency, source: AnswerSet) -> Iterator[str]:
    yield "# Consistency of answers (Fig. 2)"
    if source.simulated:
        yield f"**{SIMULATED_SENTENCE.strip()}**"
    yield f"Source: {escape_cell(source.source)}."
    yield DEFINITIONS
    yield "## Models and formats"
    yield summary_table(found)
    for table in PUBLISHED_MEDIANS:
        yield f"Published medians of a person's mean std, {table} (by eye, {PUBLISHED_SOURCE}, middle):"
        yield markdown_table(published_median_table(table), index="", digits=2)
    for name, title in PER_TRAIT.items() if len(found.measures) else ():
        yield f"## {title}"
        yield trait_table(found, name)
    yield "## Manhattan distances of prompts (Fig. 2, bottom)"
    yield pairs_text()
    yield from _distance_parts(found.distances)
    for table in PUBLISHED_DISTANCES:
        yield f"Published, {table} ({PUBLISHED_SOURCE}):"
        yield markdown_table(published_distance_layout(table), index="", digits=2)


def _distance_parts(distances: pd.DataFrame) -> Iterator[str]:
    """The distances of these answers, if a model was asked in both formats of a pair."""
    if distances.empty:
        yield "No model was asked in both formats of a pair."
        return
    yield markdown_table(distance_layout(distances), index="", digits=2)
    yield (
        "The distance that repeats alone make, if both prompts had the same effect (from halves of the "
        "repeats of each prompt):"
    )
    yield markdown_table(distance_layout(distances, "by_repeats"), index="", digits=2)


def estimates(measures: pd.DataFrame, name: str) -> pd.Series:
    """Texts of a measure with its interval: index (model, format, trait)."""
    rows = measures[measures["measure"] == name]
    texts = [
        WithInterval(*row).text()
        for row in rows[list(WithInterval._fields)].itertuples(index=False, name=None)
    ]
    keys = list(rows[["model", "format", "trait"]].itertuples(index=False, name=None))
    return pd.Series(dict(zip(keys, texts, strict=True)), dtype=object)


def summary_table(found: Consistency) -> str:
    """A line for each model and format: the measures of all traits together."""
    medians = found.spreads.groupby(["model", "format"], sort=False)["spread"].median()
    repeats = found.measures.groupby(["model", "format"], sort=False)["repeats"].first()
    texts = {name: estimates(found.measures, name) for name in ("std", "TARr", "TARa")}
    rows = []
    for model, name in repeats.index:
        row = {"model": model, "format": format_title(name), "repeats": str(repeats[model, name])}
        row["mean std"] = texts["std"].get((model, name, "all"), "")
        row["median std"] = f"{medians[model, name]:.2f}"
        row["TARr@N"] = texts["TARr"].get((model, name, "all"), "")
        row["TARa@N"] = texts["TARa"].get((model, name, "all"), "")
        rows.append(row)
    if not rows:
        return "No format was asked more than once; give --repeats 5 to infer_traits.py."
    return markdown_table(pd.DataFrame(rows))


def published_median_table(table: str) -> pd.DataFrame:
    """The published medians over people of the mean standard deviation: models x formats."""
    medians = PUBLISHED_MEDIANS[table]
    columns = list(FORMAT_TITLES.values())
    return pd.DataFrame(list(medians.values()), index=list(medians), columns=columns, dtype=float)


def published_median(table: str, model: str, name: str) -> float | None:
    """The median that the paper's box plot shows for this model and format; None if it has none."""
    of_models = {plain(known): medians for known, medians in PUBLISHED_MEDIANS[table].items()}
    medians = of_models.get(plain(model))
    return None if medians is None or name not in FORMAT_TITLES else medians[list(FORMAT_TITLES).index(name)]


def trait_table(found: Consistency, name: str) -> str:
    """A measure with its interval: a row for each model and format, a column for each trait."""
    texts = estimates(found.measures, name)
    settings = list(dict.fromkeys((model, prompt) for model, prompt, trait in texts.index if trait in TRAITS))
    rows = [
        {"model": model, "format": format_title(prompt)}
        | {trait: texts.get((model, prompt, trait), "") for trait in TRAITS}
        for model, prompt in settings
    ]
    return markdown_table(pd.DataFrame(rows, columns=["model", "format", *TRAITS]))


def pairs_text() -> str:
    """What the letters of the pairs mean, in one line."""
    named = [
        f"{letter}: {format_title(first)} and {format_title(second)}"
        for letter, (first, second) in FORMAT_PAIRS.items()
    ]
    return "; ".join(named) + "."


def distance_layout(distances: pd.DataFrame, column: str = "value") -> pd.DataFrame:
    """Models x pairs in the paper's layout, with a mean of each row and column; NaN where a pair is missing.

    The mean of a model is that of its six pairs, and NaN if one is missing.
    """
    models = list(dict.fromkeys(distances["model"]))
    wide = distances.pivot(index="model", columns="pair", values=column)
    table = wide.reindex(index=models, columns=list(FORMAT_PAIRS)).astype(float)
    table[AVERAGE] = table.mean(axis=1, skipna=False)
    if len(models) > 1:
        table.loc[AVERAGE] = table.mean(axis=0, skipna=False)
    return table.rename_axis(index=None, columns=None)


def published_distance_layout(table: str) -> pd.DataFrame:
    """The published distances, in the same layout."""
    distances = PUBLISHED_DISTANCES[table]
    return pd.DataFrame(
        list(distances.values()), index=list(distances), columns=[*FORMAT_PAIRS, AVERAGE], dtype=float
    )
