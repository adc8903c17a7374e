"""The eight criteria by which the paper chooses language models (Tab. 1), with definitions of our own.

The paper names the criteria; how it computes them is not known. Here each has a measure (a time or a share)
and a score from 0 to 1, where 1 is best. A criterion that cannot be had is NaN: there is no file of facts, or
no answer says anything that the facts know, or the answers have no text or no time.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from personax.tables.schema import TRAITS
from personax.traits.answers import REQUEST_COLUMNS
from personax.traits.consistency import CONFIDENCE
from personax.traits.facts import SUBJECTS, Fact, facts_by_person
from personax.traits.privacy import NAME_MARK


class Criterion(NamedTuple):
    """One criterion of Tab. 1.

    Attributes:
        title: its name in the paper.
        definition: how it is measured and scored here.
        good: True if a larger measure is better.
    """

    title: str
    definition: str
    good: bool


CRITERIA_OF_MODELS: Mapping[str, Criterion] = {
    "time": Criterion(
        "generation time",
        "median over people of the median seconds of an answer; score: the fastest model's time / this time",
        False,
    ),
    "missing": Criterion(
        "missing rate", "share of the asked scores for which there is no answer; score: 1 − share", False
    ),
    "hesitation": Criterion(
        "hesitation rate",
        "share of the given scores that are 0, insufficient information; score: 1 − share",
        False,
    ),
    "privacy": Criterion(
        "privacy protection",
        "share of the answers that tell neither the name of the person nor a private detail of the facts",
        True,
    ),
    "format": Criterion(
        "output format",
        "share of the requests that are answered by one JSON object with five scores and nothing around it",
        True,
    ),
    "context": Criterion(
        "context consistency",
        "of what answers say of facts in the prompt's context: the share that is right",
        True,
    ),
    "factual": Criterion(
        "factual accuracy", "of what answers say of facts beyond the context: the share that is right", True
    ),
}
OVERALL = Criterion("overall", "mean of the scores that all compared models have", True)
_SHARES = tuple(CRITERIA_OF_MODELS)[1:]  # all but the time are shares: hits among cases


@dataclass(frozen=True, eq=False)
class CriteriaCounts:
    """What is counted for each of a model's people.

    Attributes:
        seconds: (n,) median seconds of the person's answers; NaN if unknown.
        hits, cases: (n, 6) counts, columns as the criteria without the time: of so many cases so many hits.
    """

    seconds: Float[np.ndarray, " n"]
    hits: Float[np.ndarray, "n shares"]
    cases: Float[np.ndarray, "n shares"]

    def measures(self, rows: Int[np.ndarray, " rows"]) -> Float[np.ndarray, " criteria"]:
        """(7,) the measures on these people, in the order of the criteria; NaN where there is no case."""
        known = self.seconds[rows]
        known = known[np.isfinite(known)]
        seconds = float(np.median(known)) if len(known) else np.nan
        hits, cases = self.hits[rows].sum(axis=0), self.cases[rows].sum(axis=0)
        shares = np.divide(hits, cases, out=np.full(len(hits), np.nan), where=cases > 0)
        return np.array([seconds, *shares])


def count_criteria(
    answers: pd.DataFrame,
    failures: pd.DataFrame,
    facts: pd.DataFrame | None,
    *,
    names_marked: bool = False,
) -> CriteriaCounts:
    """Count for each person of one model, over all its formats and repeats.

    Args:
        answers, failures: of one model, as `read_answers` and `read_failures` return them. A failure counts
            only if the request has no answer.
        facts: as `read_facts` returns them, or None.
        names_marked: whether the raw answers have `NAME_MARK` where the model wrote the person's name, as
            those of infer_traits.py do.
    """
    people = list(dict.fromkeys([*answers["id"], *failures["id"]]))
    place = {person: row for row, person in enumerate(people)}
    known = facts_by_person(facts) if facts is not None else {}
    seconds = answers.groupby("id")["seconds"].median().reindex(people).to_numpy(float)
    hits, cases = np.zeros((2, len(people), len(_SHARES)))
    for row in answers.to_dict("records"):
        counted = _count_answer(row, known.get(str(row["id"]), []), names_marked=names_marked)
        for name, (hit, case) in counted.items():
            hits[place[row["id"]], _SHARES.index(name)] += hit
            cases[place[row["id"]], _SHARES.index(name)] += case
    has_texts = answers["raw"].notna().any()
    for person in open_failures(answers, failures)["id"]:
        for name, case in (("missing", len(TRAITS)), ("format", int(has_texts))):
            hits[place[person], _SHARES.index(name)] += case if name == "missing" else 0
            cases[place[person], _SHARES.index(name)] += case
    return CriteriaCounts(seconds, hits, cases)


def open_failures(answers: pd.DataFrame, failures: pd.DataFrame) -> pd.DataFrame:
    """The failures whose request was not answered later."""
    keys = list(REQUEST_COLUMNS)
    answered = set(answers[keys].itertuples(index=False, name=None))
    is_open = [key not in answered for key in failures[keys].itertuples(index=False, name=None)]
    return failures[np.array(is_open, dtype=bool)]


def _count_answer(
    row: Mapping[Any, Any], known: Sequence[Fact], *, names_marked: bool
) -> dict[str, tuple[int, int]]:
    """Criterion -> hits and cases of one answer."""
    scores = np.array([row[trait] for trait in TRAITS], dtype=float)
    given = int(np.isfinite(scores).sum())
    counted = {
        "missing": (len(TRAITS) - given, len(TRAITS)),
        "hesitation": (int((scores == 0).sum()), given),
    }
    text = row["raw"]
    if isinstance(text, str):
        counted["format"] = (int(given == len(TRAITS) and is_json_object(text)), 1)
        for subject in SUBJECTS:
            told = [fact for fact in known if fact.subject == subject and fact.pattern.search(text)]
            counted[subject] = (sum(fact.holds for fact in told), len(told))
        if names_marked or any(fact.subject == "privacy" for fact in known):
            told_name = names_marked and NAME_MARK in text
            counted["privacy"] = (int(counted["privacy"][1] == 0 and not told_name), 1)
    return counted


def is_json_object(text: str) -> bool:
    """Whether the whole text is one JSON object.

    >>> is_json_object('{"Openness": 2}'), is_json_object('Sure! {"Openness": 2}')
    (True, False)
    """
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def scored(measures: Float[np.ndarray, "*n criteria"], fastest: float) -> Float[np.ndarray, "*n criteria"]:
    """Scores from 0 to 1 from measures; `fastest` is the time that has the score 1."""
    good = np.array([criterion.good for criterion in CRITERIA_OF_MODELS.values()])
    scores = np.where(good, measures, 1 - measures)
    scores[..., 0] = np.minimum(1.0, fastest / measures[..., 0])
    return scores


def compare_models(
    counts: Mapping[str, CriteriaCounts], rng: np.random.Generator, resamples: int
) -> pd.DataFrame:
    """Measures and scores of every model, with intervals from a bootstrap over its people.

    Returns:
        A row for each model and criterion, the last one "overall": model, criterion, measure, score, low,
        high (of the score), people. The overall score is the mean over the criteria that every model has.
    """
    every = {model: count.measures(np.arange(len(count.seconds))) for model, count in counts.items()}
    measures = np.stack(list(every.values()))
    times = measures[:, 0]
    fastest = float(np.nanmin(times)) if np.isfinite(times).any() else np.nan
    common = np.isfinite(measures).all(axis=0)
    rows = []
    for model, count in counts.items():
        n = len(count.seconds)
        drawn = np.stack([count.measures(rng.integers(n, size=n)) for _ in range(resamples)])
        scores = _with_overall(scored(every[model][None], fastest), common)[0]
        low, high = _interval_ends(_with_overall(scored(drawn, fastest), common))
        names = [*CRITERIA_OF_MODELS, "overall"]
        values = [*every[model], np.nan]
        for place, name in enumerate(names):
            ends = (low[place], high[place]) if np.isfinite(scores[place]) else (np.nan, np.nan)
            rows.append((model, name, values[place], scores[place], *ends, n))
    return pd.DataFrame(rows, columns=["model", "criterion", "measure", "score", "low", "high", "people"])


def _with_overall(
    scores: Float[np.ndarray, "draws criteria"], common: Bool[np.ndarray, " criteria"]
) -> Float[np.ndarray, "draws more"]:
    overall = scores[:, common].mean(axis=1) if common.any() else np.full(len(scores), np.nan)
    return np.column_stack([scores, overall])


def _interval_ends(
    drawn: Float[np.ndarray, "draws more"],
) -> tuple[Float[np.ndarray, " more"], Float[np.ndarray, " more"]]:
    """Ends of the intervals; a column without any number has none."""
    low, high = np.full((2, drawn.shape[1]), np.nan)
    for place, column in enumerate(drawn.T):
        known = column[np.isfinite(column)]
        if len(known):
            low[place], high[place] = np.quantile(known, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return low, high
