"""The answers that a command examines: from folders, from a table with repeats, or simulated."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from personax.experiments.answer_options import AnswersConfig
from personax.runs.errors import InputError
from personax.runs.files import sha256_file, sha256_text
from personax.runs.folder_lock import contents
from personax.runs.run_folder import MANIFEST, RESPONSES, path_or_default, typed_path
from personax.runs.run_records import read_manifest
from personax.tables.people_table import PeopleTable
from personax.tables.simulation import simulate_table, true_traits
from personax.traits.answers import FAILURE_COLUMNS, read_answers, read_failures
from personax.traits.repeated_tables import read_repeated_table, table_is_simulated
from personax.traits.simulated_answers import simulate_answers

SIMULATED_SOURCE = "simulated annotators on simulated athletes, {n} people, data seed {seed}"


@dataclass(frozen=True, eq=False)
class AnswerSet:
    """Answers and where they came from.

    Attributes:
        answers, failures: as `read_answers` and `read_failures` return them.
        source: where they came from, in words.
        sha256: checksum of the file or files, or of the simulated answers.
        simulated: True if the people or the annotators are made up.
        facts: about made-up people; None for others.
        names_marked: whether the raw answers have a mark where a model wrote the person's name.
    """

    answers: pd.DataFrame
    failures: pd.DataFrame
    source: str
    sha256: str
    simulated: bool
    facts: pd.DataFrame | None = None
    names_marked: bool = False


def check_sources(config: AnswersConfig, table: str | None, *, tables: bool = True) -> None:
    """InputError unless exactly one of folders, table and simulation is given.

    tables: whether the command has an option for a table of answers.
    """
    given = [bool(config.answers), table is not None, config.source == "simulated"]
    if sum(given) != 1:
        ways = ["the folders that infer_traits.py has written", "--source simulated"]
        ways += ["a --table with repeats"] if tables else []
        raise InputError(f"{sum(given)} sources of answers; give one of: {', '.join(ways)}")


def load_answer_set(config: AnswersConfig, table: str | None) -> AnswerSet:
    """The answers that the options name, of which one has been given (`check_sources`). Raises InputError."""
    if config.source == "simulated":
        return simulated_answer_set(simulated_people(config), config)
    if table is not None:
        return _from_table(typed_path(table))
    return _from_folders([typed_path(folder) for folder in config.answers])


def _from_table(path: Path) -> AnswerSet:
    answers = read_repeated_table(path)
    failures = pd.DataFrame(columns=list(FAILURE_COLUMNS))
    return AnswerSet(answers, failures, str(path), sha256_file(path), table_is_simulated(path))


def _from_folders(folders: Sequence[Path]) -> AnswerSet:
    answers = pd.concat([read_answers(folder) for folder in folders], ignore_index=True)
    failures = pd.concat([read_failures(folder) for folder in folders], ignore_index=True)
    sums = [sha256_file(folder / RESPONSES) for folder in folders]
    made_up = [
        bool(read_manifest(folder).get("simulated")) for folder in folders if (folder / MANIFEST).exists()
    ]
    source = ", ".join(map(str, folders))
    sha256 = sums[0] if len(sums) == 1 else sha256_text("".join(sums))
    return AnswerSet(answers, failures, source, sha256, any(made_up), names_marked=True)


def simulated_people(config: AnswersConfig) -> PeopleTable:
    """The made-up athletes on whom made-up annotators answer."""
    return simulate_table("athlete", data_seed=config.data_seed, n=config.n, embeddings=False)


def simulated_answer_set(people: PeopleTable, config: AnswersConfig) -> AnswerSet:
    """The answers of made-up annotators on simulated people."""
    drawn = simulate_answers(
        true_traits(people),
        [str(person) for person in people.ids],
        repeats=config.repeats,
        seed=config.data_seed,
    )
    source = SIMULATED_SOURCE.format(n=config.n, seed=config.data_seed)
    checksum = sha256_text(drawn.answers.to_csv(index=False))
    return AnswerSet(drawn.answers, drawn.failures, source, checksum, True, drawn.facts)


def answers_folder(
    config: AnswersConfig, experiment: str, table: str | None, *, resume: bool | None = None
) -> Path:
    """The folder of the results. Raises InputError if it exists and may be neither continued nor replaced.

    resume: continue what is in it; None for a command that cannot.
    """
    name = config.source if config.source == "simulated" else Path(table or config.answers[0]).stem
    path = path_or_default(config.output, Path("results") / experiment / name)
    if contents(path) and not (config.overwrite or resume):
        ways = ["continue it with --resume"] if resume is not None else []
        ways += ["replace it with --overwrite", "choose another --output"]
        raise InputError(f"{path}: exists; {', or '.join(ways)}")
    return path
