"""An endpoint that knows no schemas, is busy, or answers with errors: what is tried, and what it means."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from time import time
from types import SimpleNamespace
from typing import Any

import openai
import pytest
from pytest_httpserver import HTTPServer
from traits.chat_server import NAMES, ChatServer, completion, error, right_answer
from werkzeug import Response
from werkzeug.datastructures import Headers

from personax.runs.errors import InputError
from personax.traits.answers import Answer, Failure
from personax.traits.asking import MOST_IN_A_ROW, ask_all, ask_one
from personax.traits.endpoint import LONGEST_REASON, Endpoint, Patience, named_wait
from personax.traits.model_list import ModelSpec
from personax.traits.people_list import Person
from personax.traits.prompting import read_prompts
from personax.traits.request_plan import Generation, plan_requests

SOON = Patience(attempts=3, timeout=5.0, first_wait=0.001)


def ask(server: ChatServer, people: int = 1) -> list[Answer | Failure]:
    """The outcomes of one question about each person, one after another."""
    spec = ModelSpec("m", "m", server.base_url)
    listed = [Person(str(k), f"{NAMES[k % 4]}", {"d": f"{k}"}) for k in range(people)]
    requests = plan_requests(listed, [spec], ["number-l3-inc"], 1, read_prompts(), Generation())

    async def run() -> list[Answer | Failure]:
        async with Endpoint(spec, read_prompts(), SOON) as endpoint:
            return [await ask_one(request, endpoint) for request in requests]

    return asyncio.run(run())


def knows_only(*known: str) -> Callable[[dict[str, Any]], str | Response]:
    """An endpoint that refuses every form of answer but these."""

    def handle(body: dict[str, Any]) -> str | Response:
        form = body.get("response_format", {}).get("type", "none")
        if form in known:
            return right_answer(2)
        return error(400, f"response_format {form} is not supported")

    return handle


@pytest.mark.parametrize(
    ("known", "used", "requests"),
    [(["json_schema"], "json_schema", 2), (["json_object"], "json_object", 3), (["none"], "parsed", 4)],
)
def test_the_first_form_that_is_not_refused_is_used_and_remembered(
    httpserver: HTTPServer, known: list[str], used: str, requests: int
) -> None:
    server = ChatServer(httpserver, knows_only(*known))
    outcomes = ask(server, people=2)
    assert [outcome.structured for outcome in outcomes if isinstance(outcome, Answer)] == [used, used]
    assert len(server.bodies) == requests
    described = "JSON schema:" in server.bodies[-1]["messages"][-1]["content"]
    assert described == (used == "json_object")


def test_an_endpoint_that_ignores_the_schema_is_read_by_the_tolerant_parser(httpserver: HTTPServer) -> None:
    (outcome,) = ask(ChatServer(httpserver, lambda _: f"Sure: {right_answer(3)}"))
    assert isinstance(outcome, Answer)
    assert outcome.structured == "parsed"
    assert set(outcome.scores.values()) == {3}


@pytest.mark.parametrize("status", [429, 500, 503, 408])
def test_a_busy_endpoint_is_asked_again(httpserver: HTTPServer, status: int) -> None:
    server = ChatServer(httpserver)
    server.handle = lambda _: error(status, "busy") if len(server.bodies) < 3 else right_answer()
    assert isinstance(ask(server)[0], Answer)
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(500, "out of order"), "endpoint: HTTP 500: out of order"),
        (error(400, "maximum context length is 10 tokens"), "too long: HTTP 400: maximum context"),
        (error(400, f"no word on {NAMES[0]}"), "endpoint: HTTP 400: no word on [name]"),
        ({"id": "1", "object": "x", "choices": []}, "endpoint: an answer without a message"),
        (Response("<html>", content_type="text/html"), "endpoint: an answer without a message"),
    ],
)
def test_what_concerns_one_request_is_its_failure(httpserver: HTTPServer, answer: Any, reason: str) -> None:
    (outcome,) = ask(ChatServer(httpserver, lambda _: answer))
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith(reason)


# The name begins before a reason ends and ends behind it.
ACROSS_THE_END = "x" * (LONGEST_REASON - len("endpoint: HTTP 400: ") - 8) + f" {NAMES[0]}"
BEGINNINGS = [part[:3].lower() for part in NAMES[0].split()]


@pytest.mark.parametrize(
    "answer",
    [
        error(400, ACROSS_THE_END),
        completion("", refusal=f"I'm sorry, {ACROSS_THE_END}"),
        f"I'm sorry, I can't judge {NAMES[0]}. {ACROSS_THE_END}",
        right_answer(f"{NAMES[0]} " * 30),
    ],
)
def test_a_reason_that_is_cut_has_not_even_the_beginning_of_a_name(
    httpserver: HTTPServer, answer: Any
) -> None:
    (outcome,) = ask(ChatServer(httpserver, lambda _: answer))
    assert isinstance(outcome, Failure)
    assert [part for part in BEGINNINGS if part in (outcome.reason + outcome.raw).lower()] == []
    assert len(outcome.reason) <= LONGEST_REASON


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_an_error_that_ends_the_run_repeats_no_name(httpserver: HTTPServer, status: int) -> None:
    said = f"no word on {NAMES[0]} {ACROSS_THE_END}"
    with pytest.raises(InputError) as refusal:
        ask(ChatServer(httpserver, lambda _: error(status, said, {"Retry-After": "0"})))
    assert "no word on [name]" in str(refusal.value)
    line = str(refusal.value).lower().replace("localhost", "")
    assert [part for part in BEGINNINGS if part in line] == []


def test_an_endpoint_that_wants_the_other_name_of_the_limit_gets_it(httpserver: HTTPServer) -> None:
    def handle(body: dict[str, Any]) -> str | Response:
        if "max_tokens" in body:
            return error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return right_answer(2)

    server = ChatServer(httpserver, handle)
    spec = ModelSpec("m", "m", server.base_url)
    people = [Person(str(k), NAMES[k], {"d": str(k)}) for k in range(4)]
    requests = plan_requests(people, [spec], ["number-l3-inc"], 2, read_prompts(), Generation())
    kept: list[Answer | Failure] = []
    ask_all(requests, read_prompts(), SOON, kept.append)  # several at once
    assert [outcome.structured for outcome in kept if isinstance(outcome, Answer)] == ["json_schema"] * 8
    assert {body.get("max_completion_tokens") for body in server.bodies} == {None, 1000}


def test_a_context_that_is_too_long_is_not_asked_in_other_forms(httpserver: HTTPServer) -> None:
    server = ChatServer(httpserver, lambda _: error(400, "maximum context length is 10 tokens"))
    ask(server)
    assert len(server.bodies) == 1


def test_no_quota_ends_the_run_at_once(httpserver: HTTPServer) -> None:
    server = ChatServer(httpserver, lambda _: error(429, "insufficient_quota"))
    with pytest.raises(InputError, match="too many requests"):
        ask(server)
    assert len(server.bodies) == 1


def test_an_endpoint_that_never_answers_is_left_alone(httpserver: HTTPServer) -> None:
    server = ChatServer(httpserver, lambda _: error(500, "out of order"))
    spec = ModelSpec("m", "m", server.base_url, at_once=1)
    people = [Person(str(k), NAMES[0], {"d": str(k)}) for k in range(30)]
    requests = plan_requests(people, [spec], ["number-l3-inc"], 1, read_prompts(), Generation())
    kept: list[Answer | Failure] = []
    with pytest.raises(InputError, match="requests in a row without an answer"):
        ask_all(requests, read_prompts(), Patience(1, 5.0, 0.001), kept.append)
    assert len(kept) == MOST_IN_A_ROW == len(server.bodies)


def test_several_models_are_asked_each_at_its_own_endpoint(httpserver: HTTPServer) -> None:
    server = ChatServer(httpserver, lambda body: right_answer(3 if body["model"] == "b" else 1))
    specs = [ModelSpec(name, name, server.base_url, extra={"top_k": 4}) for name in "ab"]
    people = [Person(str(k), NAMES[k], {"d": "x"}) for k in range(3)]
    generation = Generation(temperature=0.5, seed=3)
    requests = plan_requests(people, specs, ["number-l3-inc"], 2, read_prompts(), generation)
    kept: list[Answer | Failure] = []
    ask_all(requests, read_prompts(), SOON, kept.append)
    assert len(kept) == 12
    assert {(a.model, a.scores["Openness"]) for a in kept if isinstance(a, Answer)} == {("a", 1), ("b", 3)}
    sent = server.bodies[0]
    assert (sent["top_k"], sent["temperature"], sent["max_tokens"]) == (4, 0.5, 1000)
    assert {body["seed"] for body in server.bodies} == {3, 4}


def limited(header: str) -> openai.RateLimitError:
    # The library's own type of a response is that of httpx or httpx2, by its version.
    response: Any = SimpleNamespace(status_code=429, headers=Headers({"Retry-After": header}), request=None)
    return openai.RateLimitError("busy", response=response, body=None)


def test_the_wait_is_what_the_endpoint_names() -> None:
    assert named_wait(limited("7"), 1.0) == 7.0
    assert named_wait(limited(formatdate(time() + 30, usegmt=True)), 1.0) == pytest.approx(30, abs=5)
    assert named_wait(limited(formatdate(time() - 30, usegmt=True)), 1.0) == 0.0
    assert named_wait(limited("99999"), 1.0) == 600.0
    assert named_wait(limited("soon"), 1.0) == 1.0
    assert named_wait(None, 1.0) == 1.0
