"""Check the options of the command, run it and print what it found; config.py has the options."""

import logging

from personax.experiments.answer_source import (
    AnswerSet,
    answers_folder,
    check_sources,
    load_answer_set,
    simulated_answer_set,
    simulated_people,
)
from personax.experiments.independence.command import chosen_tests
from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.effect_grids import match_people
from personax.experiments.prompt_effect.report import changes_table
from personax.experiments.prompt_effect.run import examine_effect
from personax.runs.errors import InputError
from personax.runs.run_folder import FIGURES, typed_path
from personax.tables import HubSource, PeopleTable, load_table

log = logging.getLogger(__name__)


def run_effect(config: EffectConfig) -> None:
    """Test every grid and print how many verdicts change. Raises InputError."""
    check_effect(config)
    tests = chosen_tests(config.tests)
    path = answers_folder(config, "prompt_effect", None, resume=config.resume)
    source, people = load_both(config)
    matched = match_people(source, people)
    log.info("%d of %d people of the answers are in the table", len(matched.people), matched.asked)
    found = examine_effect(config, matched, tests, path)
    print(f"{'SIMULATED DATA. ' if source.simulated else ''}Source: {source.source}")
    print(changes_table(found.changes))
    print(f"report:\n  {path / 'report.md'}\npictures:\n  {path / FIGURES}")


def check_effect(config: EffectConfig) -> None:
    """Raise InputError for options that contradict each other."""
    check_sources(config, None, tables=False)
    if config.source != "simulated" and config.table is None and config.dataset is None:
        raise InputError("give the --table with the features of the people, or --dataset athlete or celeb")
    if config.source == "simulated" and (config.table or config.dataset):
        raise InputError("--source simulated makes its own people; leave out --table and --dataset")


def load_both(config: EffectConfig) -> tuple[AnswerSet, PeopleTable]:
    """The answers, and the table with the features of the people."""
    if config.source == "simulated":
        people = simulated_people(config)
        return simulated_answer_set(people, config), people
    people = load_table(
        config.dataset,
        source=HubSource(None, None),
        table=None if config.table is None else typed_path(config.table),
        columns=None if config.columns is None else typed_path(config.columns),
        embeddings=False,
    )
    return load_answer_set(config, None), people
