"""The two files of answers: appended to, read back, half lines of killed processes, damaged lines."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from personax.runs.errors import InputError
from personax.tables.schema import TRAITS
from personax.traits.answer_files import AnswerFiles, cut_half_line, keys_in
from personax.traits.answers import Answer, Failure, load_answers, read_answers, read_failures

ANSWER = Answer(
    id="p1",
    model="m",
    format="number-l3-inc",
    repeat=1,
    scores=dict(zip(TRAITS, (0, 1, 2, 3, 1), strict=True)),
    descriptions=dict.fromkeys(TRAITS, "Kühn.\u2028Yes"),
    raw="{}",
    structured="json_schema",
    finish_reason="stop",
    seconds=0.5,
    prompt_tokens=3,
    completion_tokens=4,
    asked_at="2026-01-01T00:00:00+00:00",
    key="k1",
)
FAILURE = Failure("p2", "m", "number-l3-inc", 1, "cut off: x", "raw", 1.5, "2026-01-01T00:00:00+00:00", "k2")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    files = AnswerFiles(tmp_path)
    assert list(tmp_path.iterdir()) == []
    files.add(ANSWER)
    files.add(FAILURE)
    assert load_answers(tmp_path) == [ANSWER]
    frame = read_answers(tmp_path)
    assert frame[list(TRAITS)].to_numpy().tolist() == [[0.0, 1.0, 2.0, 3.0, 1.0]]
    assert read_failures(tmp_path).loc[0, "reason"] == "cut off: x"
    assert keys_in(tmp_path / "responses.jsonl") == {"k1"}


def test_the_last_answer_is_valid_and_an_answer_ends_a_failure(tmp_path: Path) -> None:
    files = AnswerFiles(tmp_path)
    files.add(FAILURE)
    files.add(ANSWER)
    files.add(replace(ANSWER, raw="second"))
    files.add(replace(ANSWER, id="p2", key="k2"))
    assert read_answers(tmp_path)["raw"].tolist() == ["second", "{}"]
    assert len(read_failures(tmp_path)) == 0


def test_a_run_in_which_all_failed_has_no_answers(tmp_path: Path) -> None:
    AnswerFiles(tmp_path).add(FAILURE)
    assert len(read_answers(tmp_path)) == 0
    assert read_answers(tmp_path)["Openness"].dtype == float
    assert len(read_failures(tmp_path)) == 1


@pytest.mark.parametrize("half", [b"", b'{"id": "p3', b"x" * 10_000, '{"id": "ü'.encode()[:-1]])
def test_half_a_line_is_not_read_and_is_cut_off_before_the_next_one(tmp_path: Path, half: bytes) -> None:
    AnswerFiles(tmp_path).add(ANSWER)
    path = tmp_path / "responses.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + half)
    assert load_answers(tmp_path) == [ANSWER]
    AnswerFiles(tmp_path).add(replace(ANSWER, id="p9", key="k9"))
    assert [answer.id for answer in load_answers(tmp_path)] == ["p1", "p9"]
    assert path.read_bytes().startswith(whole)


def test_a_file_of_half_a_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "failed.jsonl"
    path.write_bytes(b"x" * 9000)
    cut_half_line(path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1]", "line 2: not a JSON object"),
        ("{", "line 2: not valid JSON"),
        ('{"id": 1}', "line 2: 'asked_at' is missing or unknown"),
        ("\ud800".encode("utf-8", "surrogatepass"), "line 2: not a text in UTF-8"),
    ],
)
def test_damaged_lines_are_named(tmp_path: Path, line: str | bytes, said: str) -> None:
    AnswerFiles(tmp_path).add(ANSWER)
    with (tmp_path / "responses.jsonl").open("ab") as stream:
        stream.write((line.encode() if isinstance(line, str) else line) + b"\n")
    with pytest.raises(InputError, match=said):
        read_answers(tmp_path)
    assert set(asdict(ANSWER)) >= {"id", "key"}


def test_a_folder_without_answers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"responses\.jsonl: cannot be read"):
        read_answers(tmp_path)
