"""The texts about what will be asked, and about what was answered."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from personax.runs.markdown import markdown_table
from personax.traits.answers import Answer, Failure
from personax.traits.request_plan import TraitRequest, cost_of, estimate


def dry_run_text(requests: Sequence[TraitRequest]) -> str:
    """Requests, tokens and cost of a run that is not done."""
    rows = [
        {
            "model": each.model,
            "requests": each.requests,
            "tokens of questions, about": each.prompt_tokens,
            "tokens of answers, at most": each.completion_tokens,
            "cost, at most": f"{each.cost:.4g}" if each.cost else "no prices",
        }
        for each in estimate(requests)
    ]
    return f"{markdown_table(pd.DataFrame(rows), digits=0)}\n\nNothing was asked (--dry_run)."


def usage_table(requests: Sequence[TraitRequest], answers: Sequence[Answer]) -> pd.DataFrame:
    """For each model: requests, answers, tokens, cost, and the median seconds of an answer."""
    models = {request.model.label: request.model for request in requests}
    rows = []
    for label, model in models.items():
        own = [answer for answer in answers if answer.model == label]
        asked, said = sum(a.prompt_tokens for a in own), sum(a.completion_tokens for a in own)
        rows.append(
            {
                "model": label,
                "requests": sum(request.model.label == label for request in requests),
                "answers": len(own),
                "prompt_tokens": asked,
                "completion_tokens": said,
                "cost": cost_of(model, asked, said),
                "median_seconds": pd.Series([a.seconds for a in own], dtype=float).median(),
                "json_schema": sum(a.structured == "json_schema" for a in own),
                "json_object": sum(a.structured == "json_object" for a in own),
                "parsed": sum(a.structured == "parsed" for a in own),
            }
        )
    return pd.DataFrame(rows)


def failures_table(failures: Sequence[Failure]) -> pd.DataFrame:
    """How many requests of each model and format failed, by the kind of the failure."""
    counted = Counter((f.model, f.format, kind_of(f)) for f in failures)
    rows = [{"model": m, "format": f, "failure": kind, "requests": k} for (m, f, kind), k in counted.items()]
    return pd.DataFrame(rows, columns=["model", "format", "failure", "requests"])


def kind_of(failure: Failure) -> str:
    """The first words of a reason, before the colon."""
    return failure.reason.partition(":")[0]


def failures_line(failures: Sequence[Failure], requests: int, path: Path) -> str:
    """What failed, in one line."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(map(kind_of, failures)).most_common())
    return (
        f"{len(failures)} of {requests} requests have no answer ({kinds}); the tables have the others; "
        f"{path / 'failed.jsonl'} lists them, --resume --retry_failed asks them again"
    )


def inference_report(
    requests: Sequence[TraitRequest],
    answers: Sequence[Answer],
    failures: Sequence[Failure],
    tables: Sequence[str],
) -> str:
    """The text of report.md."""
    zeros = sum(score == 0 for answer in answers for score in answer.scores.values())
    total = sum(len(answer.scores) for answer in answers)
    parts = [
        "# Traits by language models",
        "Scores are answers of language models about descriptions. They measure nobody's personality.",
        markdown_table(usage_table(requests, answers), digits=2),
        f"Insufficient information: {zeros} of {total} scores.",
    ]
    if failures:
        parts += ["## Failed", markdown_table(failures_table(failures), digits=0)]
    parts += [
        "## Tables",
        "\n".join(f"- {name}, with {Path(name).stem}.yaml as its --columns" for name in tables),
    ]
    return "\n\n".join(parts) + "\n"
