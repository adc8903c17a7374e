"""The text of the choice of a language model: the criteria, their scores and what was measured."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.heat_blocks import SIMULATED_SENTENCE
from personax.runs.markdown import escape_cell, markdown_table
from personax.traits.consistency import WithInterval
from personax.traits.published import PUBLISHED_OVERALL
from personax.traits.selection_criteria import CRITERIA_OF_MODELS, OVERALL

TITLES = {name: criterion.title for name, criterion in CRITERIA_OF_MODELS.items()} | {
    "overall": OVERALL.title
}


def choice_report(found: pd.DataFrame, source: AnswerSet) -> str:
    """The text of report.md."""
    return "\n\n".join(_choice_parts(found, source)) + "\n"


def _choice_parts(found: pd.DataFrame, source: AnswerSet) -> Iterator[str]:
    yield "# Choice of a language model (Tab. 1)"
    if source.simulated:
        yield f"**{SIMULATED_SENTENCE.strip()}**"
    yield f"Source: {escape_cell(source.source)}."
    yield "## Scores, from 0 to 1 (best)"
    yield score_texts(found)
    yield "In brackets: 95 % intervals over people. Blank: cannot be had from these answers and facts."
    yield overall_sentence(found)
    yield "## What was measured"
    yield measure_table(found)
    yield "## Definitions"
    yield "\n".join(
        f"- {criterion.title}: {criterion.definition}."
        for criterion in (*CRITERIA_OF_MODELS.values(), OVERALL)
    )
    known = ", ".join(f"{model} {score:.2f}" for model, score in PUBLISHED_OVERALL.items())
    yield (
        "The criteria's names are the paper's; the definitions are ours, because its own are not known. One "
        f"number of its Tab. 1 is public: the overall score of the best of ten models, {known}."
    )


def criteria_scores(found: pd.DataFrame) -> pd.DataFrame:
    """Scores, models x criteria, with titles as columns; the best overall score first."""
    wide = found.pivot(index="model", columns="criterion", values="score")
    wide = wide.reindex(index=list(dict.fromkeys(found["model"])), columns=list(TITLES))
    ordered = wide.sort_values("overall", ascending=False, kind="stable", na_position="last")
    return ordered.rename(columns=TITLES).rename_axis(index=None, columns=None)


def score_texts(found: pd.DataFrame) -> str:
    """The scores with their intervals."""
    texts = {
        (model, TITLES[criterion]): WithInterval(score, low, high, people).text()
        for model, criterion, score, low, high, people in found[
            ["model", "criterion", "score", "low", "high", "people"]
        ].itertuples(index=False, name=None)
    }
    rows = [
        {"model": model} | {title: texts[model, title] for title in TITLES.values()}
        for model in criteria_scores(found).index
    ]
    return markdown_table(pd.DataFrame(rows))


def measure_table(found: pd.DataFrame) -> str:
    """Times in seconds and shares in per cent."""

    def text(criterion: str, value: float) -> str:
        if np.isnan(value):
            return ""
        return f"{value:.2f} s" if criterion == "time" else f"{value:.1%}"

    measured = found[found["criterion"] != "overall"]
    rows: dict[str, dict[str, str]] = {}
    for model, criterion, value in measured[["model", "criterion", "measure"]].itertuples(
        index=False, name=None
    ):
        rows.setdefault(model, {})[TITLES[criterion]] = text(criterion, value)
    return markdown_table(pd.DataFrame.from_dict(rows, orient="index"), index="model")


def overall_sentence(found: pd.DataFrame) -> str:
    """Which criteria the overall score is made of."""
    scores = found[found["criterion"] != "overall"].pivot(index="model", columns="criterion", values="score")
    common = [TITLES[name] for name in CRITERIA_OF_MODELS if scores[name].notna().all()]
    if not common:
        return "There is no overall score: no criterion is known of all models."
    return f"Overall: the mean of {', '.join(common)} ({len(common)} of {len(CRITERIA_OF_MODELS)})."
