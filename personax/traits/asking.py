"""Ask all requests, several at once, and hand every answer and failure on as it comes."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import monotonic

from personax.runs.errors import InputError
from personax.traits.answer_form import NoScoresError, read_answer
from personax.traits.answers import Answer, Failure
from personax.traits.endpoint import (
    LONGEST_REASON,
    Endpoint,
    Patience,
    Reply,
    RequestFailedError,
    private,
)
from personax.traits.formats import FORMATS
from personax.traits.privacy import in_one_line
from personax.traits.prompting import Prompts
from personax.traits.request_plan import TraitRequest

AskedOutcome = Answer | Failure
MOST_IN_A_ROW = 10  # requests that fail at the endpoint one after another, before the rest is left


class _Row:
    """Counts the failures at an endpoint that have no answer between them."""

    def __init__(self) -> None:
        self._failures = 0

    def note(self, outcome: AskedOutcome, base_url: str) -> None:
        """Raise InputError if too many requests in a row got no answer at all."""
        reason = outcome.reason if isinstance(outcome, Failure) else ""
        self._failures = self._failures + 1 if reason.startswith(("timeout", "endpoint")) else 0
        if self._failures >= MOST_IN_A_ROW:
            raise InputError(
                f"{base_url}: {MOST_IN_A_ROW} requests in a row without an answer (last: {reason}); what was "
                "answered is kept: go on with --resume --retry_failed when it works again"
            )


def ask_all(
    requests: Sequence[TraitRequest],
    prompts: Prompts,
    patience: Patience,
    keep: Callable[[AskedOutcome], object],
) -> None:
    """Ask all requests, those of different models at the same time.

    Args:
        requests: not yet answered ones.
        prompts: the templates, for endpoints that need the form of the answer in words.
        patience: attempts and time-outs.
        keep: called with each answer and failure as soon as it is there.

    Raises:
        InputError: a key, a model or an endpoint is wrong, or an endpoint refuses for too long. What was
            answered before has been given to `keep`.
    """
    try:
        asyncio.run(_ask_models(requests, prompts, patience, keep))
    except* InputError as group:
        raise first_of(group) from None


def first_of(group: BaseExceptionGroup[InputError]) -> InputError:
    """The first error in a group of groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, InputError)
    return error


async def _ask_models(
    requests: Sequence[TraitRequest],
    prompts: Prompts,
    patience: Patience,
    keep: Callable[[AskedOutcome], object],
) -> None:
    """As many workers for each model as may be under way; each takes the next request when it is free."""
    models = {request.model.label: request.model for request in requests}
    async with AsyncExitStack() as stack:
        endpoints = {
            label: await stack.enter_async_context(Endpoint(model, prompts, patience))
            for label, model in models.items()
        }
        async with asyncio.TaskGroup() as group:
            for label, model in models.items():
                own = [request for request in requests if request.model.label == label]
                pending, row = iter(own), _Row()
                for _ in range(min(model.at_once, len(own))):
                    group.create_task(_work(pending, endpoints[label], row, keep))


async def _work(
    pending: Iterator[TraitRequest], endpoint: Endpoint, row: _Row, keep: Callable[[AskedOutcome], object]
) -> None:
    """Ask one request after another until none is left."""
    for request in pending:
        outcome = await ask_one(request, endpoint)
        keep(outcome)
        row.note(outcome, request.model.base_url)


async def ask_one(request: TraitRequest, endpoint: Endpoint) -> AskedOutcome:
    """The answer to a request, or why there is none. Names and keys are taken out of both."""
    asked_at, started = datetime.now(UTC).isoformat(timespec="milliseconds"), monotonic()

    def failure(reason: str, raw: str = "") -> Failure:
        seconds = round(monotonic() - started, 3)
        return Failure(
            *_place_of(request),
            in_one_line(private(reason, request), LONGEST_REASON),
            private(raw, request),
            seconds,
            asked_at,
            request.key,
        )

    try:
        reply = await endpoint.ask(request)
    except RequestFailedError as error:
        return failure(str(error))
    try:
        return _answer(request, reply, asked_at)
    except NoScoresError as error:
        return failure(str(error), reply.text or reply.refusal)


def _answer(request: TraitRequest, reply: Reply, asked_at: str) -> Answer:
    """The scores in a reply. Raises NoScoresError if it was cut off or withheld, or gives no valid scores."""
    if reply.finish_reason == "length":
        raise NoScoresError(
            f"cut off: after {reply.completion_tokens or 'max_tokens'} tokens; raise max_tokens"
        )
    if reply.finish_reason == "content_filter":
        raise NoScoresError("content filter: the endpoint withheld the answer")
    if reply.refusal:
        raise NoScoresError(f"refusal: {reply.refusal}")
    reading = read_answer(reply.text, FORMATS[request.format])
    return Answer(
        *_place_of(request),
        scores=reading.scores,
        descriptions={trait: private(text, request) for trait, text in reading.descriptions.items()},
        raw=private(reply.text, request),
        structured=reply.structured if reading.strict else "parsed",
        finish_reason=reply.finish_reason,
        seconds=reply.seconds,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        asked_at=asked_at,
        key=request.key,
    )


def _place_of(request: TraitRequest) -> tuple[str, str, str, int]:
    return request.person.id, request.model.label, request.format, request.repeat
