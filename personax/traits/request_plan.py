"""All requests of a run, one per person, model, format and repeat, each with a key.

Two requests with equal keys are the same request: endpoint and model, messages, repeat, parameters of the
generation and schema are equal. So a changed person, prompt or parameter is asked anew, and nothing else is.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from personax.runs.errors import InputError
from personax.runs.files import sha256_text
from personax.traits.answer_form import answer_schema
from personax.traits.formats import FORMATS
from personax.traits.model_list import ModelSpec
from personax.traits.people_list import Person
from personax.traits.prompting import Message, Prompts, question

CHARACTERS_PER_TOKEN = 4  # of English, about; only for estimates


@dataclass(frozen=True)
class Generation:
    """How an answer is generated.

    Attributes:
        temperature: 0 for the most likely answer; None for the endpoint's own default.
        max_tokens: most tokens of an answer; a longer one is cut off, which is a failure.
        seed: of the first repeat; the next ones have the next numbers. None: the endpoint draws one.
        description_length: most characters of a description, in the schema; None sets no limit.
    """

    temperature: float | None = None
    max_tokens: int = 1000
    seed: int | None = None
    description_length: int | None = None


@dataclass(frozen=True)
class TraitRequest:
    """One question to one model.

    Attributes:
        person, model: who is asked about, and which model is asked.
        format: a key of `FORMATS`.
        repeat: from 1 on.
        messages: of the chat.
        schema: JSON schema of the answer.
        parameters: temperature, max_tokens, seed and the endpoint's own fields, those that are sent.
        key: hash of everything that the answer depends on.
    """

    person: Person
    model: ModelSpec
    format: str
    repeat: int
    messages: tuple[Message, ...]
    schema: Mapping[str, Any]
    parameters: Mapping[str, Any]
    key: str

    def prompt_tokens(self) -> int:
        """About how many tokens the question has."""
        return ceil(sum(len(message["content"]) for message in self.messages) / CHARACTERS_PER_TOKEN)

    def most_tokens(self) -> int:
        """About how many tokens question and answer have together, at most."""
        return self.prompt_tokens() + int(self.parameters["max_tokens"])


def plan_requests(
    people: Sequence[Person],
    models: Sequence[ModelSpec],
    formats: Sequence[str],
    repeats: int,
    prompts: Prompts,
    generation: Generation,
) -> list[TraitRequest]:
    """All requests: of each model in turn, the first repeat of everybody before the second."""
    schemas = {name: answer_schema(FORMATS[name], generation.description_length) for name in formats}
    messages = {(person.id, name): question(prompts, person, name) for name in formats for person in people}
    return [
        _request(person, model, name, repeat, messages[person.id, name], schemas[name], generation)
        for model in models
        for repeat in range(1, repeats + 1)
        for name in formats
        for person in people
    ]


def _request(
    person: Person,
    model: ModelSpec,
    name: str,
    repeat: int,
    messages: tuple[Message, ...],
    schema: Mapping[str, Any],
    generation: Generation,
) -> TraitRequest:
    """One request with its key."""
    parameters: dict[str, Any] = {"max_tokens": generation.max_tokens, **model.extra}
    if generation.temperature is not None:
        parameters["temperature"] = generation.temperature
    if generation.seed is not None:
        parameters["seed"] = generation.seed + repeat - 1
    identity = {
        "endpoint": model.base_url.rstrip("/"),
        "model": model.model,
        "messages": messages,
        "format": name,
        "repeat": repeat,
        "parameters": parameters,
        "schema": schema,
    }
    key = sha256_text(f"{person.id}\n{json.dumps(identity, sort_keys=True)}")
    return TraitRequest(person, model, name, repeat, messages, schema, parameters, key)


def still_to_ask(requests: Sequence[TraitRequest], done: Collection[str]) -> list[TraitRequest]:
    """The requests whose key is not among those that are done."""
    return [request for request in requests if request.key not in done]


def refuse_too_long(requests: Sequence[TraitRequest]) -> None:
    """Raise InputError if a question does not fit into a model's context or its tokens a minute."""
    for request in requests:
        for name in ("context_tokens", "tokens_per_minute"):
            most = getattr(request.model, name)
            if most is not None and request.most_tokens() > most:
                raise InputError(
                    f"id {request.person.id!r}, {request.model.label}: about {request.prompt_tokens():,} "
                    f"tokens and an answer of up to {request.parameters['max_tokens']:,} are more than "
                    f"{name} {most:,}; shorten the person's context, or lower --max_tokens"
                )


@dataclass(frozen=True)
class Estimate:
    """What requests to one model will take, about.

    Attributes:
        model: label.
        requests: their number.
        prompt_tokens: of all questions, about.
        completion_tokens: of all answers, at most.
        cost: at most, with the prices of the model; 0 if it has none.
    """

    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float


def estimate(requests: Sequence[TraitRequest]) -> Iterator[Estimate]:
    """For each model what its requests will take."""
    for model in {request.model.label: request.model for request in requests}.values():
        own = [request for request in requests if request.model.label == model.label]
        asked = sum(request.prompt_tokens() for request in own)
        answered = sum(int(request.parameters["max_tokens"]) for request in own)
        yield Estimate(model.label, len(own), asked, answered, cost_of(model, asked, answered))


def cost_of(model: ModelSpec, prompt_tokens: int, completion_tokens: int) -> float:
    """The price of so many tokens, in the currency of the model's prices."""
    return (prompt_tokens * model.price_in + completion_tokens * model.price_out) / 1e6
