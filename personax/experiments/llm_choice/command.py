"""Check the options of the command, run it and print what it found; config.py has the options."""

import logging

import pandas as pd

from personax.experiments.answer_source import AnswerSet, answers_folder, check_sources, load_answer_set
from personax.experiments.llm_choice.config import ChoiceConfig
from personax.experiments.llm_choice.report import score_texts
from personax.experiments.llm_choice.run import compare_and_write
from personax.runs.errors import InputError
from personax.runs.run_folder import FIGURES, typed_path
from personax.traits.facts import read_facts

log = logging.getLogger(__name__)


def run_choice(config: ChoiceConfig) -> None:
    """Compare the models and print their scores. Raises InputError."""
    check_sources(config, config.table)
    path = answers_folder(config, "choose_llm", config.table)
    source = load_answer_set(config, config.table)
    if source.answers.empty and source.failures.empty:
        raise InputError(f"{source.source}: no answers; infer_traits.py asks for them")
    found = compare_and_write(config, source, known_facts(config, source), path)
    print(f"{'SIMULATED DATA. ' if source.simulated else ''}Source: {source.source}")
    print(score_texts(found))
    print(f"report:\n  {path / 'report.md'}\npictures:\n  {path / FIGURES}")


def known_facts(config: ChoiceConfig, source: AnswerSet) -> pd.DataFrame | None:
    """The file of facts, or what a simulation knows. Raises InputError if it knows nobody of the answers."""
    if config.facts is None:
        return source.facts
    facts = read_facts(typed_path(config.facts))
    people = set(source.answers["id"]) | set(source.failures["id"])
    strangers = set(facts["id"]) - people
    if len(strangers) == facts["id"].nunique():
        raise InputError(f"{config.facts}: knows nobody of these answers; its id must be that of the answers")
    if strangers:
        log.info("%s: %d people are not among those of the answers", config.facts, len(strangers))
    return facts
