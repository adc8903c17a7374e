"""The work of the command: requests, answers, and the tables that are made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from personax.experiments.trait_inference.config import InferTraitsConfig
from personax.experiments.trait_inference.report import failures_line, inference_report, usage_table
from personax.runs.errors import InputError
from personax.runs.files import write_json, write_text
from personax.runs.progress import Progress, progress
from personax.runs.run_folder import METRICS, RESPONSES, RunFolder, open_run, typed_path
from personax.runs.run_records import read_manifest
from personax.traits.answer_files import AnswerFiles, keys_in
from personax.traits.answers import FAILED, Answer, load_answers, load_failures
from personax.traits.asking import AskedOutcome, ask_all
from personax.traits.endpoint import Patience
from personax.traits.model_list import ModelSpec
from personax.traits.people_list import PeopleList, read_people_list
from personax.traits.prompting import SHIPPED_PROMPTS, Prompts, read_prompts
from personax.traits.request_plan import (
    Generation,
    TraitRequest,
    plan_requests,
    refuse_too_long,
    still_to_ask,
)
from personax.traits.trait_table import rater_of_repeat, write_trait_table


class PreparedInference(NamedTuple):
    """What is to be asked.

    Attributes:
        listed: the people.
        prompts: the templates.
        requests: all of the run, answered or not.
    """

    listed: PeopleList
    prompts: Prompts
    requests: list[TraitRequest]


def prepare_inference(
    config: InferTraitsConfig, models: Sequence[ModelSpec], formats: Sequence[str]
) -> PreparedInference:
    """Read the list and the prompts, and plan all requests. Raises InputError."""
    context = [column.strip() for column in config.context.split(",") if column.strip()]
    listed = read_people_list(typed_path(config.people[0]), context, config.n)
    prompts = read_prompts(SHIPPED_PROMPTS if config.prompts is None else typed_path(config.prompts))
    generation = Generation(config.temperature, config.max_tokens, config.seed, config.description_length)
    requests = plan_requests(listed.people, models, formats, config.repeats, prompts, generation)
    refuse_too_long(requests)
    return PreparedInference(listed, prompts, requests)


def infer_traits(config: InferTraitsConfig, prepared: PreparedInference, path: Path) -> str:
    """Ask what is not yet answered, write the tables, and return the report.

    Raises:
        InputError: the folder was made with other prompts; an endpoint ends the run; or requests have failed.
            What was answered is in the folder.
    """
    if config.resume:
        refuse_other_prompts(path, prepared.prompts)
    with open_run(
        path, config, resume=config.resume, overwrite=config.overwrite, **facts_of(prepared)
    ) as folder:
        ask_the_rest(config, prepared, folder.path)
        asked = {request.key for request in prepared.requests}
        answers = [answer for answer in load_answers(path) if answer.key in asked]
        tables = write_tables_of_answers(folder, prepared, answers)
        failures = [failure for failure in load_failures(path) if failure.key in asked]
        report = inference_report(prepared.requests, answers, failures, tables)
        write_text(folder / "report.md", report)
        write_json(
            folder / METRICS,
            {
                "simulated": any(prepared.listed.invented),
                "requests": len(prepared.requests),
                "answers": len(answers),
                "failures": len(failures),
                "usage": usage_table(prepared.requests, answers).to_dict("records"),
            },
        )
    if failures:
        raise InputError(failures_line(failures, len(prepared.requests), path))
    return report


def refuse_other_prompts(path: Path, prompts: Prompts) -> None:
    """Raise InputError if the answers of a folder were given to other prompts."""
    if not (path / RESPONSES).exists():
        return
    before = read_manifest(path).get("prompts_sha256")
    if before != prompts.sha256:
        raise InputError(
            f"{path}: its answers were given to other prompts (SHA-256 {str(before)[:12]}, now "
            f"{prompts.sha256[:12]}); use those prompts, or choose another --output"
        )


def facts_of(prepared: PreparedInference) -> dict[str, Any]:
    """What the manifest says of the run: no names, no keys."""
    models = {request.model.label: request.model for request in prepared.requests}
    return {
        "simulated": any(prepared.listed.invented),
        "people": len(prepared.listed.people),
        "people_sha256": prepared.listed.sha256,
        "context": list(prepared.listed.context),
        "prompts_sha256": prepared.prompts.sha256,
        "models": [
            {
                "label": model.label,
                "model": model.model,
                "base_url": model.base_url,
                "extra": dict(model.extra),
            }
            for model in models.values()
        ],
    }


def ask_the_rest(config: InferTraitsConfig, prepared: PreparedInference, folder: Path) -> None:
    """Ask what has no answer yet and, without --retry_failed, has not failed; keep what comes."""
    done = keys_in(folder / RESPONSES)
    if not config.retry_failed:
        done |= keys_in(folder / FAILED)
    rest = still_to_ask(prepared.requests, done)
    known = len(prepared.requests) - len(rest)
    patience = Patience(config.attempts, config.timeout)
    files, failed = AnswerFiles(folder), 0
    with progress(len(prepared.requests), "Asking", "request", initial=known) as bar:

        def keep(outcome: AskedOutcome) -> None:
            nonlocal failed
            files.add(outcome)
            failed += not isinstance(outcome, Answer)
            show(bar, failed)

        ask_all(rest, prepared.prompts, patience, keep)


def show(bar: Progress, failed: int) -> None:
    """One request more is done."""
    if failed:
        bar.set_postfix_str(f"{failed} failed")
    bar.update(1)


def write_tables_of_answers(
    folder: RunFolder, prepared: PreparedInference, answers: Sequence[Answer]
) -> list[str]:
    """A table for each format, and one with every repeat as a rater if there are several; their names."""
    names = []
    for name in dict.fromkeys(request.format for request in prepared.requests):
        own = [answer for answer in answers if answer.format == name]
        names.append(f"table-{name}.parquet")
        write_trait_table(folder / names[-1], prepared.listed, own, name)
        if len({request.repeat for request in prepared.requests}) > 1:
            names.append(f"repeats-{name}.parquet")
            write_trait_table(folder / names[-1], prepared.listed, own, name, rater_of_repeat)
    return names
