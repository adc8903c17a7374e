"""Ask language models for the Big Five traits of the people of a list; write a table that all commands read.

Examples:
  infer_traits.py data/example_people.csv --model NAME --base_url http://localhost:8080/v1 --dry_run
  infer_traits.py people.csv --model gpt-4o --base_url https://api.openai.com/v1 --key_env OPENAI_API_KEY
  infer_traits.py people.csv --models models.yaml --format number-l3-inc,text-l3-inc --repeats 5
  infer_traits.py people.csv --models models.yaml --resume --retry_failed

The list has the columns id, name, and what is said of a person: Description, Occupation, League or others.
USAGE_GUIDELINES.md says what people may be on it. Outputs have ids, no names.
Writes responses.jsonl, failed.jsonl and a table for each format to results/infer_traits/LIST.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Positive, Seed
from personax.runs.command_line import run_command
from personax.runs.options import may_change, where_or_how


@dataclass(frozen=True)
class InferTraitsConfig:
    """Who is asked about whom, how, and how fast."""

    people: list[FilePath] = field(default_factory=list)
    """The list of people: a table with the columns id, name, and what is said of a person."""
    context: str = ""
    """Columns that are sent beside the name, with commas between. Default: League, Occupation, Description
    and Context, those that the list has."""
    n: Positive | None = may_change(None)
    """Only the first n people of the list."""
    model: str | None = may_change(None)
    """Name of the language model at the endpoint."""
    base_url: str | None = may_change(None)
    """OpenAI-compatible endpoint, up to and with /v1."""
    key_env: str = may_change("")
    """Environment variable that holds the endpoint's key. Empty: the endpoint needs none."""
    models: FilePath | None = may_change(None)
    """YAML file of several models, each with endpoint, limits and prices, instead of --model."""
    format: str = may_change("number-l3-inc")
    """Forms of the question, with commas between, or all: number-l3-inc, number-l3-dec, number-l5-inc,
    number-l5-dec, text-l3-inc, text-l5-inc (Fig. 2 of the paper)."""
    repeats: Annotated[int, Between(1, 1000)] = may_change(5)
    """How often each question is asked."""
    temperature: Annotated[float, Between(0, 10)] | None = None
    """Of the answers: 0 for the most likely one. Default: what the endpoint does by itself."""
    max_tokens: Annotated[int, Between(1, FAR)] = 1000
    """Most tokens of an answer; a longer one is cut off and counts as failed."""
    description_length: Positive | None = None
    """Most characters of a description, as part of the schema; some endpoints refuse schemas with a limit."""
    seed: Seed | None = None
    """Seed of the first repeat, sent to the endpoint; the next repeats have the next numbers. Default: the
    endpoint draws one."""
    prompts: FilePath | None = may_change(None)
    """Folder of your own prompts, with the files of personax/traits/prompts."""
    at_once: Annotated[int, Between(1, 1000)] = where_or_how(20)
    """Most requests under way at the same time (--model; a file of models says it for each)."""
    requests_per_minute: Positive | None = where_or_how(None)
    """Limit of the endpoint (--model; a file of models says it for each)."""
    tokens_per_minute: Positive | None = where_or_how(None)
    """Limit of the endpoint (--model; a file of models says it for each)."""
    context_tokens: Positive | None = where_or_how(None)
    """Longest question and answer together (--model; a file of models says it for each)."""
    attempts: Annotated[int, Between(1, 100)] = where_or_how(6)
    """Attempts of one request while the endpoint is busy (429, 5xx, no connection), with longer and longer
    waits between them."""
    timeout: Annotated[float, Between(0, 1e6, above=True)] = where_or_how(120.0)
    """Seconds until an answer must be complete."""
    dry_run: bool = where_or_how(False)
    """Print the number of requests, tokens and the cost, and ask nothing."""
    resume: bool = where_or_how(False)
    """Go on in an existing folder; what was answered is not asked again."""
    retry_failed: bool = where_or_how(False)
    """With --resume: also ask again what has failed."""
    overwrite: bool = where_or_how(False)
    """Replace an existing folder."""
    output: FilePath | None = where_or_how(None)
    """Folder of the run. Default: results/infer_traits/LIST."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        InferTraitsConfig,
        "personax.experiments.trait_inference.command:run_inference",
        argv,
        description=__doc__ or "",
        positional=("people", "the list of people"),
        usual="model base_url key_env models format repeats dry_run resume retry_failed output",
    )
