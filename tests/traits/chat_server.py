"""A loopback endpoint that counts what it is asked, and a list of people to ask about."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from personax.tables.schema import TRAITS

PATH = "/v1/chat/completions"
NAMES = ("Mira Ostelquist", "Tarvo Nettlewick", "Björn de Vries", "Ana Li")


def right_answer(score: Any = 2, said: str = "Curious.") -> str:
    """An answer that keeps to the schema."""
    return json.dumps({trait: {"description": said, "score": score} for trait in TRAITS})


def completion(content: str | None, finish: str = "stop", refusal: str | None = None) -> dict[str, Any]:
    """What an endpoint sends."""
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """What an endpoint sends instead of an answer."""
    body = json.dumps({"error": {"message": message, "type": "error"}})
    return Response(body, status=status, headers=dict(headers or {}), content_type="application/json")


Handler = Callable[[dict[str, Any]], str | dict[str, Any] | Response]


class ChatServer:
    """An endpoint that answers with what `handle` makes of the body of a request.

    Attributes:
        asked: how often each person was asked about, by name.
        bodies: of all requests.
    """

    def __init__(self, server: HTTPServer, handle: Handler = lambda _: right_answer()) -> None:
        self.handle, self.bodies, self.headers = handle, [], []  # type: ignore[var-annotated]
        self.asked: Counter[str] = Counter()
        self.base_url = server.url_for("/v1")
        server.expect_request(PATH).respond_with_handler(self._respond)

    def _respond(self, request: Request) -> Response:
        body = json.loads(request.get_data())
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        text = body["messages"][-1]["content"]
        self.asked.update(name for name in NAMES if name in text)
        answer = self.handle(body)
        if isinstance(answer, Response):
            return answer
        sent = completion(answer) if isinstance(answer, str) else answer
        return Response(json.dumps(sent), content_type="application/json")


def write_people(path: Path, n: int = len(NAMES)) -> Path:
    """A list of the first n invented people."""
    lines = [f'p{k},"{name}",yes,Sailor {k}.,{1980 + k},{170 + k}' for k, name in enumerate(NAMES[:n])]
    path.write_text(
        "\n".join(["id,name,invented,description,Birthyear,Height", *lines]) + "\n", encoding="utf-8"
    )
    return path
