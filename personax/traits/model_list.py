"""The language models that are asked, and where: of the command line, or several of a YAML file.

    models:
      - label: gpt-4o                      # of the scores' columns; the model's name if left out
        model: gpt-4o-2024-11-20
        base_url: https://api.openai.com/v1
        key_env: OPENAI_API_KEY            # the environment variable that holds the key; none if left out
        at_once: 20                        # most requests under way at the same time
        requests_per_minute: 500
        tokens_per_minute: 200000
        context_tokens: 128000             # longest question and answer together
        price_in: 2.5                      # for a million tokens of questions, in any currency
        price_out: 10
        extra: {reasoning_effort: low}     # fields of the request that only this endpoint knows

A key is read from the environment when it is needed. It is in no file, log or manifest.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from personax.runs.bounds import FAR, Between, Positive, check_bounds
from personax.runs.errors import InputError
from personax.runs.files import read_yaml

AtOnce = Annotated[int, Between(1, 1000)]
Price = Annotated[float, Between(0, FAR)]
NO_KEY = "none"  # what is sent to an endpoint that needs no key


@dataclass(frozen=True)
class ModelSpec:
    """One language model at one endpoint.

    Attributes:
        label: name of the model in files and columns.
        model: name by which the endpoint knows it.
        base_url: the OpenAI-compatible endpoint, up to and with /v1.
        key_env: the environment variable that holds the key; "" if the endpoint needs none.
        at_once: most requests under way at the same time.
        requests_per_minute, tokens_per_minute: limits that are kept; None for none.
        context_tokens: longest question and answer together; None if it is not known.
        price_in, price_out: for a million tokens of questions and of answers.
        extra: fields of the request that only this endpoint knows.
    """

    label: str
    model: str
    base_url: str
    key_env: str = ""
    at_once: AtOnce = 20
    requests_per_minute: Positive | None = None
    tokens_per_minute: Positive | None = None
    context_tokens: Positive | None = None
    price_in: Price = 0.0
    price_out: Price = 0.0
    extra: dict[str, Any] = field(default_factory=dict)

    def key(self) -> str:
        """The key of the endpoint, from the environment. Raises InputError if there is none."""
        if not self.key_env:
            return NO_KEY
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise InputError(f"{self.base_url}: no key; put it into the environment variable {self.key_env}")
        if not re.fullmatch(r"[!-~]+", key):  # it would be quoted by the library that cannot send it
            raise InputError(
                f"{self.base_url}: what is in {self.key_env} is no key; a key has letters, digits and signs, "
                "no blanks"
            )
        return key


def read_models(path: Path) -> tuple[ModelSpec, ...]:
    """The models of a YAML file. Raises InputError, which names the entry."""
    document = read_yaml(path)
    entries = document.get("models") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries or set(document) != {"models"}:
        raise InputError(f"{path}: must have a list under `models:`, each with model and base_url")
    models = tuple(_read_model(entry, f"{path}: model {k}") for k, entry in enumerate(entries, start=1))
    labels = [model.label for model in models]
    for label in labels:
        if labels.count(label) > 1:
            raise InputError(f"{path}: two models are called {label!r}; give each a label of its own")
    return models


def _read_model(entry: Any, where: str) -> ModelSpec:
    """One entry of the list. Raises InputError."""
    known = [each.name for each in fields(ModelSpec)]
    if not isinstance(entry, Mapping) or not {"model", "base_url"} <= set(entry):
        raise InputError(f"{where}: must have model and base_url")
    for name in entry:
        if name not in known:
            raise InputError(f"{where}: unknown {str(name)[:40]!r}; known are {', '.join(known)}")
    model = ModelSpec(**{"label": entry["model"], **entry})
    return checked_model(model, where)


def checked_model(model: ModelSpec, where: str) -> ModelSpec:
    """The model. Raises InputError for values that cannot be right, and for an address that holds a key."""
    try:
        check_bounds(model)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    if not re.fullmatch(r"\w[\w.\-]{0,99}", model.label):
        raise InputError(f"{where}: label {model.label[:40]!r}; a label has letters, digits, dots and dashes")
    address = urlsplit(model.base_url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise InputError(
            f"{where}: base_url {model.base_url[:60]!r} is no address such as http://localhost:8080/v1"
        )
    if address.username or address.password or address.query or address.fragment:
        raise InputError(
            f"{where}: base_url has more than an address; a key belongs into an environment variable"
        )
    return model
