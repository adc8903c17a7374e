"""The form of an answer: the JSON schema that is asked for, and the reading of what came instead.

    {"Openness": {"description": "Curious about ...", "score": 3}, ...}

An answer that keeps to the schema is read as it is. Anything else goes through a tolerant reader: JSON within
prose, traits in other spellings, or a number (or a word such as "high") after the name of a trait.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from personax.runs.documents import parse_json
from personax.runs.errors import PersonaxError
from personax.tables.schema import TRAITS
from personax.tables.trait_scores import trait_of
from personax.traits.formats import INSUFFICIENT, WORDS, PromptFormat

NO_JUDGEMENT = (INSUFFICIENT, "insufficient", "n/a", "not enough information", "unknown", "none", "null")
_REFUSAL = re.compile(
    r"\b(I|we)(\s+(can|could|will|would|must|do|am|are)\s*(not|n['’]t)?|['’]m|['’]ll|['’]d|['’]re)?\s*"
    r"(cannot|can['’]t|won['’]t|unable|sorry|decline|refuse|not able|not comfortable|apologi[sz]e)\b",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\(?\b\d+\s*(?:-|–|to)\s*\d+\b\)?")
_FENCE = re.compile(r"```(?:json)?")
_BRACES = re.compile(r"\{.*\}", re.DOTALL)
_NUMBER = r"[+-]?\d+(?:\.\d+)?"


class NoScoresError(PersonaxError):
    """An answer that gives no valid scores; the message begins with the kind of the failure.

    The message may quote the whole answer, with the name of a person in it.
    """


@dataclass(frozen=True)
class AnswerReading:
    """What was read of an answer.

    Attributes:
        scores: trait -> 0 or 1, ..., levels.
        descriptions: trait -> text, "" if there is none.
        strict: whether the answer kept to the schema.
    """

    scores: Mapping[str, int]
    descriptions: Mapping[str, str]
    strict: bool


def answer_schema(form: PromptFormat, description_length: int | None = None) -> dict[str, Any]:
    """The JSON schema of an answer.

    Args:
        form: the levels, which the schema lists in the order of the prompt, with "no judgement" at the end.
        description_length: largest number of characters of a description; None sets no limit, because some
            endpoints refuse a schema with one.
    """
    levels: list[Any] = list(WORDS[form.levels] if form.output == "text" else range(1, form.levels + 1))
    listed = [
        *(levels if form.order == "inc" else reversed(levels)),
        0 if form.output == "number" else INSUFFICIENT,
    ]
    text: dict[str, Any] = {"type": "string"}
    if description_length is not None:
        text["maxLength"] = description_length
    kind = "integer" if form.output == "number" else "string"
    trait = {
        "type": "object",
        "properties": {"description": text, "score": {"type": kind, "enum": listed}},
        "required": ["description", "score"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": dict.fromkeys(TRAITS, trait),
        "required": list(TRAITS),
        "additionalProperties": False,
    }


def read_answer(text: str, form: PromptFormat) -> AnswerReading:
    """The scores and descriptions in an answer.

    Raises:
        NoScoresError: it is a refusal or prose, lacks a trait, has two scores for one, or a score that is no
            level.
    """
    whole = _json_object(text)
    strict = whole is not None and _keeps_to_schema(whole, form)
    found = whole or next(filter(None, map(_json_object, _BRACES.findall(_FENCE.sub("", text)))), None)
    entries = _entries_of(found) if found is not None else {}
    if not entries:
        entries, strict = _entries_in_lines(text, form), False
    if not entries:
        kind = "refusal" if _REFUSAL.search(text) else "prose"
        raise NoScoresError(f"{kind}: {_quoted(text)}")
    missing = [trait for trait in TRAITS if trait not in entries]
    if missing:
        raise NoScoresError(f"incomplete: no score for {', '.join(missing)}")
    scores = {trait: score_of(entries[trait][0], form, trait) for trait in TRAITS}
    return AnswerReading(scores, {trait: entries[trait][1] for trait in TRAITS}, strict)


def score_of(value: Any, form: PromptFormat, trait: str) -> int:
    """The level that 2, "2", "high" or "2 (medium)" stands for. Raises NoScoresError."""
    words = {word: level for level, word in enumerate(WORDS[form.levels], start=1)}
    said = " ".join(str(value).lower().split()).strip(" .\"'")
    if value is None or said in NO_JUDGEMENT:
        return 0
    if said in words:
        return words[said]
    number = re.match(rf"({_NUMBER})(?!\w)", said)
    if number is None or isinstance(value, bool):
        raise NoScoresError(f"wrong range: {trait} {_quoted(said)}; levels are {', '.join(words)}")
    level = float(number[1])
    if level not in range(form.levels + 1):
        raise NoScoresError(f"wrong range: {trait} {level:g}; scores are 0 to {form.levels}")
    return int(level)


def _json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the text is; None if it is none."""
    try:
        value = parse_json(text, "answer")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _keeps_to_schema(found: Mapping[str, Any], form: PromptFormat) -> bool:
    """Whether an object is what the schema asks for."""
    levels = answer_schema(form)["properties"][TRAITS[0]]["properties"]["score"]["enum"]
    return set(found) == set(TRAITS) and all(
        isinstance(entry, dict)
        and set(entry) == {"description", "score"}
        and isinstance(entry["description"], str)
        and not isinstance(entry["score"], bool)
        and entry["score"] in levels
        for entry in found.values()
    )


def _entries_of(found: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Trait -> score and description, of an object in any spelling, with or without descriptions."""
    entries: dict[str, tuple[Any, str]] = {}
    inner = next(iter(found.values())) if len(found) == 1 else None
    for key, value in (
        inner if isinstance(inner, dict) and trait_of(next(iter(found))) is None else found
    ).items():
        trait = trait_of(str(key))
        if trait is None:
            continue
        if isinstance(value, dict):
            lowered = {str(name).lower(): part for name, part in value.items()}
            score = next(
                (lowered[name] for name in ("score", "level", "rating", "value") if name in lowered), None
            )
            if score is not None:
                entries[trait] = score, str(lowered.get("description") or "")
        elif isinstance(value, str | int | float):
            entries[trait] = value, ""
    return entries


def _entries_in_lines(text: str, form: PromptFormat) -> dict[str, tuple[Any, str]]:
    """Trait -> the first number or level after its name on a line, and the rest of the line."""
    words = sorted((*WORDS[form.levels], INSUFFICIENT), key=len, reverse=True)
    level = "|".join([*map(re.escape, words), _NUMBER])
    entries: dict[str, tuple[Any, str]] = {}
    for trait in TRAITS:
        pattern = rf"\b{trait}\b[^\d\n]{{0,40}}?(?<![\w.])({level})(?![\w.]*\w)(.*)"
        for found in re.finditer(pattern, _RANGE.sub("", text), re.IGNORECASE):
            rest = re.sub(r"^[\s*_)\]/:–—\-.,]+", "", found[2]).strip(" *_")
            before = entries.setdefault(trait, (found[1], rest))
            if score_of(before[0], form, trait) != score_of(found[1], form, trait):
                raise NoScoresError(f"ambiguous: {trait} has the scores {before[0]} and {found[1]}")
    return entries


def _quoted(text: str) -> str:
    """A text in one line and in quotes. It is not cut here: the name of a person may be in it."""
    return repr(" ".join(text.split()))
