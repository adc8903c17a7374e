"""The command and an endpoint that counts: nothing is asked twice, nothing is lost, no name is written."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import run_script
from pytest_httpserver import HTTPServer
from traits.chat_server import NAMES, ChatServer, completion, error, right_answer, write_people

from personax.runs.run_folder import ROOT
from personax.tables import TRAITS, load_table
from personax.traits.answers import read_answers, read_failures

SCRIPT = "trait_inference/infer_traits.py"
NOBODY = ("--model", "m", "--base_url", "http://127.0.0.1:9/v1")


def words_for(server: ChatServer, people: Path, output: Path, *more: object) -> list[object]:
    words = [people, "--model", "m", "--base_url", server.base_url, "--output", output, "--attempts", 2]
    return [*words, "--repeats", 2, *more]


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "people.csv")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
    assert len(lines) == 1
    return lines[0]


def test_every_person_is_asked_once_per_format_and_repeat(
    httpserver: HTTPServer, people: Path, tmp_path: Path
) -> None:
    server = ChatServer(httpserver)
    formats = ("--format", "number-l3-inc,text-l5-inc")
    server.handle = lambda body: right_answer(2 if "numbers" in body["messages"][-1]["content"] else "high")
    assert run_script(SCRIPT, *words_for(server, people, tmp_path / "run", *formats)) == 0
    assert server.asked == dict.fromkeys(NAMES, 4)
    answers = read_answers(tmp_path / "run")
    assert len(answers) == 16
    assert not answers.duplicated(["id", "model", "format", "repeat"]).any()
    assert (answers[answers["format"] == "text-l5-inc"][list(TRAITS)] == 4).all(axis=None)
    assert set(answers["structured"]) == {"json_schema"}


def test_a_finished_run_that_is_resumed_asks_nothing(
    httpserver: HTTPServer, people: Path, tmp_path: Path
) -> None:
    server = ChatServer(httpserver)
    words = words_for(server, people, tmp_path / "run")
    assert run_script(SCRIPT, *words) == 0
    assert run_script(SCRIPT, *words, "--resume") == 0
    assert server.asked == dict.fromkeys(NAMES, 2)
    assert run_script(SCRIPT, *words, "--resume", "--repeats", 3) == 0
    assert server.asked == dict.fromkeys(NAMES, 3)


@pytest.mark.slow
def test_after_kill_9_only_the_request_under_way_is_asked_again(
    httpserver: HTTPServer, people: Path, tmp_path: Path
) -> None:
    server = ChatServer(httpserver)
    running: list[subprocess.Popen[bytes]] = []

    def kill_at_the_fourth(_: dict[str, Any]) -> str:
        if len(server.bodies) == 4:
            running[0].send_signal(signal.SIGKILL)
            running[0].wait()
        return right_answer()

    server.handle = kill_at_the_fourth
    words = [str(word) for word in words_for(server, people, tmp_path / "run", "--at_once", 1)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    running.append(subprocess.Popen([sys.executable, SCRIPT, *words], cwd=ROOT, env=environment))
    assert running[0].wait() == -signal.SIGKILL
    with (tmp_path / "run" / "responses.jsonl").open("a") as stream:
        stream.write('{"id": "p3", "mod')  # what a process that is killed may leave
    assert run_script(SCRIPT, *words, "--resume") == 0
    assert sorted(server.asked.values()) == [2, 2, 2, 3]
    assert len(read_answers(tmp_path / "run")) == 8


def test_no_name_and_no_key_is_in_any_file_or_message(
    httpserver: HTTPServer,
    people: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "sk-very-secret")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    server = ChatServer(httpserver)

    def echo(body: dict[str, Any]) -> Any:
        name = next(name for name in NAMES if name in body["messages"][-1]["content"])
        if name == NAMES[1]:
            return error(400, f"I will not judge {name} for sk-very-secret")
        return right_answer(2, f"{name} is bold; {name.split()[0].upper()} and {name.split()[-1]} are one.")

    server.handle = echo
    words = words_for(server, people, tmp_path / "run", "--key_env", "SECRET_OF_TEST")
    assert run_script(SCRIPT, *words) == 2
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    printed = capfd.readouterr()
    texts = {"screen": printed.out + printed.err}
    texts |= {
        path.name: path.read_bytes().decode("utf-8", "replace")
        for path in (tmp_path / "run").rglob("*")
        if path.is_file()
    }
    assert {"responses.jsonl", "failed.jsonl", "manifest.json", "run.log", "config.yaml"} <= set(texts)
    parts = {part for name in NAMES for part in name.split() if len(part) > 2}
    for where, text in texts.items():
        assert [part for part in parts if part.lower() in text.lower().replace("\\u00f6", "ö")] == [], where
        assert "very-secret" not in text, where
    said = pd.read_parquet(tmp_path / "run" / "table-number-l3-inc.parquet")["m_description"]
    assert said[0].startswith("Openness: [name] is bold; [name] and [name] are one.")


def test_failures_are_listed_and_asked_again_only_on_request(
    httpserver: HTTPServer, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, output = ChatServer(httpserver), tmp_path / "run"
    bad: dict[str, Any] = {
        NAMES[0]: completion('{"Openness": {"descr', "length"),
        NAMES[1]: completion(None, "content_filter"),
        NAMES[2]: completion("I'm sorry, I can't judge people."),
        NAMES[3]: right_answer(7),
    }
    server.handle = lambda body: next(bad[n] for n in NAMES if n in body["messages"][-1]["content"])
    words = words_for(server, people, output)
    assert run_script(SCRIPT, *words) == 2
    line = one_line(capsys)
    for kind in ("8 of 8", "2 cut off", "2 content filter", "2 refusal", "2 wrong range", "--retry_failed"):
        assert kind in line
    assert len(read_failures(output)) == 8
    server.handle = lambda _: right_answer()
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert server.asked == dict.fromkeys(NAMES, 2)
    assert run_script(SCRIPT, *words, "--resume", "--retry_failed") == 0
    assert server.asked == dict.fromkeys(NAMES, 4)
    assert len(read_failures(output)) == 0
    assert len(read_answers(output)) == 8


def test_429_for_ever_ends_the_run_and_keeps_what_was_answered(
    httpserver: HTTPServer, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, output = ChatServer(httpserver), tmp_path / "run"
    busy = error(429, "slow down", {"Retry-After": "0"})
    server.handle = lambda _: right_answer() if len(server.bodies) < 4 else busy
    words = words_for(server, people, output, "--at_once", 1)
    assert run_script(SCRIPT, *words) == 2
    assert "too many requests, still after 2 attempts" in one_line(capsys)
    assert len(read_answers(output)) == 3
    server.handle = lambda _: right_answer()
    assert run_script(SCRIPT, *words, "--resume") == 0
    assert len(server.bodies) == 3 + 2 + 5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (error(401, "Incorrect API key provided: sk-very-secret"), "the key is refused"),
        (error(404, "The model `m` does not exist"), "no such model"),
    ],
)
def test_what_all_requests_would_meet_is_one_line_and_leaves_no_folder(
    httpserver: HTTPServer,
    people: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    said: str,
) -> None:
    monkeypatch.setenv("SECRET_OF_TEST", "sk-very-secret")
    server = ChatServer(httpserver, lambda _: answer)
    words = words_for(server, people, tmp_path / "run", "--key_env", "SECRET_OF_TEST")
    assert run_script(SCRIPT, *words) == 2
    line = one_line(capsys)
    assert said in line
    assert "very-secret" not in line
    assert not (tmp_path / "run").exists()


def test_other_prompts_are_not_mixed_with_the_answers_of_a_folder(
    httpserver: HTTPServer, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ChatServer(httpserver)
    words = words_for(server, people, tmp_path / "run")
    assert run_script(SCRIPT, *words) == 0
    shipped = ROOT / "personax" / "traits" / "prompts"
    for path in shipped.iterdir():
        (tmp_path / "own").mkdir(exist_ok=True)
        (tmp_path / "own" / path.name).write_text(path.read_text() + "Be brief.")
    assert run_script(SCRIPT, *words, "--resume", "--prompts", tmp_path / "own") == 2
    assert "other prompts" in one_line(capsys)
    assert len(read_answers(tmp_path / "run")) == 8


def test_a_dry_run_asks_nothing_and_writes_nothing(
    httpserver: HTTPServer, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = ChatServer(httpserver)
    models = tmp_path / "models.yaml"
    entry = f"model: m, base_url: '{server.base_url}', key_env: NOT_SET, price_in: 2, price_out: 10"
    models.write_text(f"models:\n- {{label: a, {entry}}}\n- {{label: b, {entry}}}\n")
    words = [people, "--models", models, "--output", tmp_path / "run", "--repeats", 3]
    assert run_script(SCRIPT, *words, "--dry_run") == 0
    printed = capsys.readouterr().out
    assert printed.count(" 12 ") == 2
    assert "12000" in printed
    assert [part for name in NAMES for part in name.split() if len(part) > 2 and part in printed] == []
    assert server.bodies == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no endpoint"),
        (["--model", "m"], "no endpoint"),
        (["--model", "m", "--base_url", "localhost:80"], "no address"),
        (["--model", "m", "--base_url", "http://user:key@localhost/v1"], "more than an address"),
        ([*NOBODY, "--attempts", 1], "cannot be reached"),
        ([*NOBODY, "--key_env", "NOT_SET"], "NOT_SET"),
        ([*NOBODY, "--format", "number-l4"], "number-l4"),
        (
            [*NOBODY, "--context_tokens", 500],
            "context_tokens 500",
        ),
        ([*NOBODY, "--retry_failed"], "--resume"),
    ],
)
def test_wrong_options_are_one_line_and_no_folder(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[object], said: str
) -> None:
    assert run_script(SCRIPT, people, "--output", tmp_path / "run", *words) == 2
    assert said in one_line(capsys)
    assert not (tmp_path / "run").exists()


def test_the_table_is_read_by_the_loader_and_marked_as_simulated(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    server, output = ChatServer(httpserver), tmp_path / "run"
    example = ROOT / "data" / "example_people.csv"
    server.handle = lambda body: right_answer(5 if "League: NBA" in json.dumps(body) else 1)
    words = words_for(server, example, output, "--format", "number-l5-dec", "--n", 12)
    assert run_script(SCRIPT, *words) == 0
    table = load_table(
        None, table=output / "table-number-l5-dec.parquet", columns=output / "table-number-l5-dec.yaml"
    )
    assert table.simulated
    assert {"League", "Birthyear", "Height", "Weight", "Latitude"} <= set(table.features)
    nba = (table.features["League"] == "NBA").to_numpy()
    assert (table.scores["aggregated"][nba] == 5).all(axis=None)
    assert (table.scores["m"][~nba] == 1).all(axis=None)
