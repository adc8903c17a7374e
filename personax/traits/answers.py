"""What language models have answered: one record per person, model, format and repeat, and its two files.

responses.jsonl   one line for each answer, only ever appended to; the last line of a request is valid
failed.jsonl      one line for each request that has no answer, with the reason

A process that is killed may leave half a line at the end of a file. Such a line counts as not written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from personax.runs.documents import parse_json
from personax.runs.errors import InputError
from personax.runs.run_folder import RESPONSES
from personax.tables.schema import TRAITS

FAILED = "failed.jsonl"

Structured = Literal["json_schema", "json_object", "parsed"]
REQUEST_COLUMNS = ("id", "model", "format", "repeat")
ANSWER_COLUMNS = (
    *REQUEST_COLUMNS,
    *TRAITS,
    "raw",
    "structured",
    "finish_reason",
    "seconds",
    "prompt_tokens",
    "completion_tokens",
)
FAILURE_COLUMNS = (*REQUEST_COLUMNS, "reason", "seconds")


@dataclass(frozen=True)
class Answer:
    """One language model's judgement of one person, in one format, at one repeat.

    Attributes:
        id: of the person; a name is never stored.
        model: the label of the model.
        format: the prompt's format, a key of `FORMATS`.
        repeat: which of the repeats, from 1 on.
        scores: trait -> 0 (insufficient information) or 1, ..., levels from low to high.
        descriptions: trait -> what the model says of it; "" where it says nothing.
        raw: the answer as it came, with the person's name replaced.
        structured: how the model was made to keep to the form: "json_schema" (constrained to a schema),
            "json_object" (to JSON, with the schema in the prompt) or "parsed" (free text that was parsed).
        finish_reason: why the model stopped; "stop" for a whole answer.
        seconds: from the request to the answer, without the retries before.
        prompt_tokens, completion_tokens: as the endpoint counted them; 0 if it did not.
        asked_at: time of the request (ISO 8601, UTC).
        key: hash of everything that the answer depends on; two requests with equal keys are the same request.
    """

    id: str
    model: str
    format: str
    repeat: int
    scores: Mapping[str, int]
    descriptions: Mapping[str, str]
    raw: str
    structured: Structured
    finish_reason: str
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    asked_at: str
    key: str


@dataclass(frozen=True)
class Failure:
    """A request that has no answer.

    Attributes:
        id, model, format, repeat, key: as for `Answer`.
        reason: what went wrong, in one line.
        raw: what came instead of an answer, with the person's name replaced; "" if nothing came.
        seconds: from the first attempt to the last.
        asked_at: time of the first attempt (ISO 8601, UTC).
    """

    id: str
    model: str
    format: str
    repeat: int
    reason: str
    raw: str
    seconds: float
    asked_at: str
    key: str


def read_answers(folder: Path | str) -> pd.DataFrame:
    """The answers of a run folder, one row per id, model, format and repeat, in the order of the file.

    Returns:
        Columns id, model, format, repeat; the five traits as floats, with 0 for insufficient information;
        raw, structured, finish_reason, seconds, prompt_tokens, completion_tokens.

    Raises:
        InputError: responses.jsonl is missing or a line of it is no answer; the message names the line.
    """
    rows = [asdict(answer) | dict(answer.scores) for answer in load_answers(folder)]
    frame = pd.DataFrame(rows, columns=list(ANSWER_COLUMNS))
    return frame.astype(dict.fromkeys(TRAITS, float) | {"repeat": int})


def read_failures(folder: Path | str) -> pd.DataFrame:
    """The requests of a run folder that have no answer: id, model, format, repeat, reason, seconds."""
    rows = [asdict(failure) for failure in load_failures(folder)]
    return pd.DataFrame(rows, columns=list(FAILURE_COLUMNS)).astype({"repeat": int, "seconds": float})


def load_answers(folder: Path | str) -> list[Answer]:
    """The valid answers of a run folder: of each id, model, format and repeat the last. Raises InputError."""
    latest: dict[tuple[Any, ...], Answer] = {}
    for row, where in whole_lines(Path(folder) / RESPONSES):
        answer = Answer(**_checked_answer(row, where))
        latest[answer.id, answer.model, answer.format, answer.repeat] = answer
    return list(latest.values())


def load_failures(folder: Path | str) -> list[Failure]:
    """The last failures of the requests in failed.jsonl that were not answered later."""
    path = Path(folder) / FAILED
    if not path.exists():
        return []
    answered = _answered(Path(folder)) if (Path(folder) / RESPONSES).exists() else set()
    latest: dict[tuple[Any, ...], Failure] = {}
    for row, where in whole_lines(path):
        failure = Failure(**_checked_fields(row, Failure, where))
        latest[failure.id, failure.model, failure.format, failure.repeat] = failure
    return [failure for place, failure in latest.items() if place not in answered]


def _answered(folder: Path) -> set[tuple[Any, ...]]:
    """Id, model, format and repeat of every answer."""
    return {tuple(row.get(name) for name in REQUEST_COLUMNS) for row, _ in whole_lines(folder / RESPONSES)}


def whole_lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a file with one on each line, each with its place; half a last line is left out."""
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.endswith(b"\n"):
                    yield _object_of(line, f"{path}, line {number}"), f"{path}, line {number}"
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _object_of(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object on a line. Raises InputError."""
    try:
        row = parse_json(line.decode(), where)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not a text in UTF-8") from error
    if not isinstance(row, dict):
        raise InputError(f"{where}: not a JSON object; this is no file of infer_traits")
    return row


def _checked_answer(row: dict[str, Any], where: str) -> dict[str, Any]:
    """The fields of an answer. Raises InputError for other ones."""
    row = _checked_fields(row, Answer, where)
    for name in ("scores", "descriptions"):
        if not isinstance(row[name], dict) or set(row[name]) != set(TRAITS):
            raise InputError(f"{where}: {name} must have the five traits, {', '.join(TRAITS)}")
    return row


def _checked_fields(row: dict[str, Any], kind: type[Answer] | type[Failure], where: str) -> dict[str, Any]:
    """The row, if it has the fields of the class. Raises InputError."""
    wanted = {field.name for field in fields(kind)}
    if set(row) != wanted:
        odd = sorted(set(row) ^ wanted)[0]
        raise InputError(f"{where}: {odd!r} is missing or unknown; this is no file of infer_traits")
    return row
