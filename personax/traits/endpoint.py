"""One question to an OpenAI-compatible endpoint: the form of the answer, patience, and what its errors mean.

Three kinds of errors. Those that every request would have (a wrong key, an unknown model, no server) end the
run. Those that pass (too many requests, a server that is busy) are tried again, after the time that the
endpoint names. All others are a failure of the one request.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import Any

import openai
from openai.types.chat import ChatCompletion
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from personax.runs.errors import InputError, PersonaxError
from personax.traits.answers import Structured
from personax.traits.model_list import ModelSpec
from personax.traits.pacing import MinuteBudget, Throng
from personax.traits.privacy import in_one_line, without_keys, without_name
from personax.traits.prompting import Prompts, with_form
from personax.traits.request_plan import TraitRequest

FORMS: tuple[Structured, ...] = ("json_schema", "json_object", "parsed")
LONGEST_WAIT = 600.0  # seconds before the next attempt, whatever the endpoint names
LONGEST_REASON = 200  # characters of an error that are kept
LIMITS = ("max_tokens", "max_completion_tokens")  # two names of the same field; newer models refuse the first
_TOO_LONG = re.compile(r"context.?(length|size|window)|maximum context|too (long|many tokens)", re.IGNORECASE)
_NO_MODEL = re.compile(r"model.{0,80}(not.found|does not exist|unknown|no such)", re.IGNORECASE)
_FORM = re.compile(r"response_format|json|schema|grammar|structured", re.IGNORECASE)


class RequestFailedError(PersonaxError):
    """One request has no answer; the message begins with the kind of the failure, and has no name in it."""


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is waited for.

    Attributes:
        attempts: of one request, while the endpoint is busy.
        timeout: seconds for one answer.
        first_wait: seconds before the second attempt, about; each wait is about twice the one before.
    """

    attempts: int = 6
    timeout: float = 120.0
    first_wait: float = 1.0


@dataclass(frozen=True)
class Reply:
    """What an endpoint has sent.

    Attributes:
        text: the answer, "" if there is none.
        refusal: the text of a refusal, "" if it is none.
        finish_reason: why the model stopped.
        structured: the form in which the answer was asked for.
        seconds: from request to answer, of the last attempt.
        prompt_tokens, completion_tokens: as the endpoint counted them; 0 if it did not.
    """

    text: str
    refusal: str
    finish_reason: str
    structured: Structured
    seconds: float
    prompt_tokens: int
    completion_tokens: int


class Endpoint:
    """A model at its endpoint. It must be closed at the end; `async with` does so.

    Attributes:
        throng: how many requests may be under way.
    """

    def __init__(self, model: ModelSpec, prompts: Prompts, patience: Patience) -> None:
        self._model, self._prompts, self._patience = model, prompts, patience
        self._key = model.key()
        for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            logging.getLogger(name).setLevel(
                logging.WARNING
            )  # their details have the messages, and names in them
        self._client = openai.AsyncOpenAI(
            base_url=model.base_url, api_key=self._key, max_retries=0, timeout=patience.timeout
        )
        self._budget = MinuteBudget(model.requests_per_minute, model.tokens_per_minute)
        self._forms = FORMS  # those that the endpoint is not known to refuse
        self._limit = LIMITS[0]
        self.throng = Throng(model.at_once)

    async def __aenter__(self) -> "Endpoint":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()

    async def ask(self, request: TraitRequest) -> Reply:
        """Ask once there is a place for it, again while the endpoint is busy.

        Raises:
            InputError: every request would fail in this way.
            RequestFailedError: this one has failed.
        """
        async with self.throng.place() as cuts:
            try:
                return await self._patiently(request, cuts)
            except openai.OpenAIError as error:
                raise self._meaning(error, request) from error

    async def _patiently(self, request: TraitRequest, cuts: int) -> Reply:
        """Try again while the endpoint is busy."""

        def note(state: RetryCallState) -> None:
            if isinstance(error_of(state), openai.RateLimitError):
                self.throng.too_many(cuts)

        wait = wait_random_exponential(multiplier=self._patience.first_wait, max=60)
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._patience.attempts),
            wait=lambda state: named_wait(error_of(state), wait(state)),
            retry=retry_if_exception(may_pass),
            before_sleep=note,
            reraise=True,
        )
        reply: Reply = await retrying(self._in_best_form, request)
        self.throng.went_well()
        return reply

    async def _in_best_form(self, request: TraitRequest) -> Reply:
        """Ask in the first form that the endpoint does not refuse."""
        refused: openai.APIStatusError | None = None
        for form in self._forms:
            try:
                reply = await self._complete_with_limit(request, form)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if refused is None and not _FORM.search(error_text(error)):
                    raise
                refused = refused or error
                continue
            self._forms = FORMS[FORMS.index(form) :]
            return reply
        assert refused is not None
        raise refused

    async def _complete_with_limit(self, request: TraitRequest, form: Structured) -> Reply:
        """One request; once more with the other name of the limit, if the endpoint asks for that."""
        limit = self._limit  # others that are under way may change it meanwhile
        try:
            return await self._complete(request, form, limit)
        except openai.BadRequestError as error:
            if limit == LIMITS[1] or LIMITS[1] not in error_text(error):
                raise
        self._limit = LIMITS[1]
        return await self._complete(request, form, LIMITS[1])

    async def _complete(self, request: TraitRequest, form: Structured, limit: str) -> Reply:
        """One request in one form; `limit` is the name of the field with the most tokens of an answer."""
        await self._budget.spend(request.most_tokens())
        started = monotonic()
        sent = {limit if name == LIMITS[0] else name: value for name, value in request.parameters.items()}
        known = {name: value for name, value in sent.items() if name in ("temperature", *LIMITS, "seed")}
        extra = {name: value for name, value in sent.items() if name not in known}
        completion = await self._client.chat.completions.create(
            model=self._model.model,
            messages=with_form(request.messages, self._prompts, form, request.schema),  # type: ignore[arg-type]
            extra_body={**extra, **response_format(form, request.schema)},
            **known,
        )
        return reply_of(completion, form, monotonic() - started)

    def _meaning(self, error: openai.OpenAIError, request: TraitRequest) -> PersonaxError:
        """What the last error of a request means for the run. An endpoint may repeat the question in it."""
        model, said = self._model, in_one_line(private(error_text(error), request), LONGEST_REASON)
        where = f"{model.base_url}, {model.model}"
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            advice = (
                f"put the right one into {model.key_env}"
                if model.key_env
                else "name its variable with key_env"
            )
            return InputError(f"{where}: the key is refused; {advice} ({said})")
        if isinstance(error, openai.RateLimitError):
            return InputError(
                f"{where}: too many requests, still after {self._patience.attempts} attempts; what was "
                f"answered is kept: go on later with --resume, or with fewer requests_per_minute ({said})"
            )
        if isinstance(error, openai.NotFoundError) or _NO_MODEL.search(said):
            return InputError(
                f"{where}: no such model there, or base_url is not that of an endpoint ({said})"
            )
        if isinstance(error, openai.APITimeoutError):
            return RequestFailedError(f"timeout: no answer within {self._patience.timeout:g} s")
        if isinstance(error, openai.APIConnectionError):
            return InputError(f"{where}: cannot be reached ({said}); start the server, or correct base_url")
        kind = "too long" if _TOO_LONG.search(said) else "endpoint"
        return RequestFailedError(f"{kind}: {said}")


def private(text: str, request: TraitRequest) -> str:
    """The text without the person's name and without the endpoint's key."""
    secret = [request.model.key()] if request.model.key_env else []
    return without_name(without_keys(text, secret), request.person.name)


def response_format(form: Structured, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field of a request that asks for a form; nothing for free text."""
    if form == "json_schema":
        described = {"name": "traits", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    return {"response_format": {"type": "json_object"}} if form == "json_object" else {}


def reply_of(completion: ChatCompletion, form: Structured, seconds: float) -> Reply:
    """The parts of an endpoint's answer that are used. Raises RequestFailedError if there is none."""
    choices = getattr(completion, "choices", None)
    if not choices or getattr(choices[0], "message", None) is None:
        raise RequestFailedError(
            "endpoint: an answer without a message; is base_url that of a chat endpoint?"
        )
    message, usage = choices[0].message, completion.usage
    return Reply(
        text=message.content or "",
        refusal=message.refusal or "",
        finish_reason=choices[0].finish_reason or "",
        structured=form,
        seconds=round(seconds, 3),
        prompt_tokens=(usage.prompt_tokens or 0) if usage else 0,
        completion_tokens=(usage.completion_tokens or 0) if usage else 0,
    )


def may_pass(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    if isinstance(error, openai.RateLimitError):
        return "insufficient_quota" not in error_text(error)
    if isinstance(error, openai.APIStatusError):
        return error.status_code in (408, 409, 425) or error.status_code >= 500
    return isinstance(error, openai.APIConnectionError)


def error_of(state: RetryCallState) -> BaseException | None:
    """The error of the last attempt."""
    return state.outcome.exception() if state.outcome else None


def named_wait(error: BaseException | None, otherwise: float) -> float:
    """Seconds to wait: those that the endpoint names (Retry-After, a number or a date), else `otherwise`."""
    named = error.response.headers.get("retry-after") if isinstance(error, openai.APIStatusError) else None
    if not named:
        return otherwise
    try:
        seconds = float(named)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(named).timestamp() - time()
        except ValueError:
            return otherwise
    return min(max(seconds, 0.0), LONGEST_WAIT)


def error_text(error: openai.OpenAIError) -> str:
    """An endpoint's error in one line, with the names and keys that it repeats."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, Mapping) else None
    line = " ".join(str(said or error.__cause__ or error).split())
    status = f"HTTP {error.status_code}: " if isinstance(error, openai.APIStatusError) else ""
    code = f" [{body['code']}]" if isinstance(body, Mapping) and body.get("code") else ""
    return f"{status}{line}{code}"
