"""Compare language models by the eight criteria and write the run folder: table, report, figure."""

from pathlib import Path

import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.llm_choice.config import ChoiceConfig
from personax.experiments.llm_choice.figures import draw_choice
from personax.experiments.llm_choice.report import choice_report
from personax.runs.files import atomic_path, sha256_file, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, open_run, typed_path
from personax.runs.seeds import numpy_rng
from personax.traits.selection_criteria import compare_models, count_criteria


def compare_and_write(
    config: ChoiceConfig, source: AnswerSet, facts: pd.DataFrame | None, path: Path
) -> pd.DataFrame:
    """Compare the models and write everything to the run folder `path`; the result of `compare_models`."""
    with open_run(
        path,
        config,
        overwrite=config.overwrite,
        data_source=source.source,
        data_sha256=source.sha256,
        facts_sha256=None if config.facts is None else sha256_file(typed_path(config.facts)),
        simulated=source.simulated,
        answers=len(source.answers),
        failures=len(source.failures),
    ) as folder:
        found = compare(source, facts, config.seed, config.resamples)
        with atomic_path(folder / "criteria.csv") as temporary:
            found.to_csv(temporary, index=False)
        write_text(folder / "report.md", choice_report(found, source))
        draw_choice(found, source, folder / FIGURES / "criteria")
        write_json(folder / METRICS, {"simulated": source.simulated, "criteria": found.to_dict("records")})
    return found


def compare(source: AnswerSet, facts: pd.DataFrame | None, seed: int, resamples: int) -> pd.DataFrame:
    """The eight criteria of every model that has answers or failures."""
    answers, failures = source.answers, source.failures
    models = dict.fromkeys([*answers["model"], *failures["model"]])
    counts = {
        model: count_criteria(
            answers[answers["model"] == model],
            failures[failures["model"] == model],
            facts,
            names_marked=source.names_marked,
        )
        for model in models
    }
    return compare_models(counts, numpy_rng(seed, "choose_llm"), resamples)
