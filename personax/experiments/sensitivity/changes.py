"""The changes of an analysis: each makes another table of people or another configuration of the run.

Level I are the tests of traits against features, Level II are latents and their graph. A change says which of
the two it can change; the other one is not done again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from personax.crl import CRLConfig
from personax.experiments.obfuscated_releases import Release, obfuscated_table
from personax.experiments.people.config import PeopleConfig
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable
from personax.tables.schema import TRAITS
from personax.tables.trait_scores import aggregate_scores
from personax.traits.answer_cubes import AnswerCube, answer_cubes
from personax.traits.answers import read_answers
from personax.traits.repeated_tables import read_repeated_table
from personax.traits.trait_table import AGGREGATED

TEXT = "text"


@dataclass(frozen=True)
class AnalysisChange:
    """No change: the base run, with which all others are compared."""

    @property
    def tests(self) -> bool:
        """Whether the tests of Level I are done again."""
        return True

    @property
    def learns(self) -> bool:
        """Whether the latents of Level II are learned again."""
        return True

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:  # noqa: ARG002
        """The table of the variant; `seed` is that of everything that is drawn."""
        return table

    def of_run(self, config: PeopleConfig) -> PeopleConfig:
        """The configuration of the variant."""
        return config


@dataclass(frozen=True)
class WithoutRater(AnalysisChange):
    """Without the scores of a language model, and without the measurement of the text that it wrote.

    Attributes:
        rater: the language model.
        text: which measurement of the text is its own, from 0; None if none is.
    """

    rater: str
    text: int | None

    @property
    def learns(self) -> bool:
        """Latents change only where a text goes with the scores."""
        return self.text is not None

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:  # noqa: ARG002
        """The table without the model; the aggregated score is the median of the others."""
        scores = {
            rater: frame for rater, frame in table.scores.items() if rater not in (AGGREGATED, self.rater)
        }
        both = {AGGREGATED: aggregate_scores(scores), **scores} if AGGREGATED in table.scores else scores
        left = replace(table, scores=both)
        return left if self.text is None else without_measurement(left, TEXT, self.text)


@dataclass(frozen=True)
class WithoutModality(AnalysisChange):
    """Without the embeddings of a modality."""

    modality: str

    @property
    def tests(self) -> bool:
        """Level I uses no embeddings."""
        return False

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:  # noqa: ARG002
        """The table with the other modalities."""
        embeddings = {m: arrays for m, arrays in table.embeddings.items() if m != self.modality}
        return replace(table, embeddings=embeddings, observed={m: table.observed[m] for m in embeddings})

    def of_run(self, config: PeopleConfig) -> PeopleConfig:
        """The configuration of the other modalities."""
        return replace(config, model=without_latents_of(config.model, self.modality))


@dataclass(frozen=True)
class WithoutMeasurement(AnalysisChange):
    """Without one measurement of a modality, from 0."""

    modality: str
    number: int

    @property
    def tests(self) -> bool:
        """Level I uses no embeddings."""
        return False

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:  # noqa: ARG002
        """The table with the other measurements."""
        return without_measurement(table, self.modality, self.number)


@dataclass(frozen=True)
class OtherSeed(AnalysisChange):
    """Another seed of the split, the model and the random numbers of tests, for the same people."""

    seed: int

    def of_run(self, config: PeopleConfig) -> PeopleConfig:
        """The configuration with this seed."""
        return replace(config, seed=self.seed, data_seed=self.seed)


@dataclass(frozen=True)
class Half(AnalysisChange):
    """Half of the people: numbers 1 and 2 are the parts of the first random cut, 3 and 4 of the next."""

    number: int

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:
        """The table with these people."""
        order = numpy_rng(seed, f"halves/{(self.number - 1) // 2}").permutation(len(table))
        middle = len(order) // 2
        return table.rows(np.sort(order[middle:] if self.number % 2 else order[:middle]))


@dataclass(frozen=True)
class CoordinateNumber(AnalysisChange):
    """So many times the coordinates that the compression would keep."""

    times: float

    @property
    def tests(self) -> bool:
        """Level I uses no embeddings."""
        return False

    def of_run(self, config: PeopleConfig) -> PeopleConfig:
        """The configuration with another compression."""
        return replace(config, coordinates=self.times * (config.coordinates or 1.0))


@dataclass(frozen=True)
class ObfuscatedEmbeddings(AnalysisChange):
    """Embeddings that are obfuscated."""

    release: Release

    @property
    def tests(self) -> bool:
        """Level I uses no embeddings."""
        return False

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:
        """The table with obfuscated embeddings."""
        return obfuscated_table(table, self.release, seed)


@dataclass(frozen=True)
class OtherAnswers(AnalysisChange):
    """The scores of another prompt or repeat.

    Attributes:
        source: folder of infer_traits, or table with several rows for each person.
        format: of the prompt.
        repeat: which one, from 0.
    """

    source: Path
    format: str
    repeat: int

    @property
    def learns(self) -> bool:
        """Scores are no embeddings."""
        return False

    def of_table(self, table: PeopleTable, seed: int) -> PeopleTable:  # noqa: ARG002
        """The table with these scores."""
        scores = {
            cube.model: scores_of(cube, self.repeat, table)
            for cube in cubes_in(self.source)
            if cube.format == self.format and self.repeat < cube.repeats
        }
        return replace(table, scores={AGGREGATED: aggregate_scores(scores), **scores})


def without_measurement(table: PeopleTable, modality: str, number: int) -> PeopleTable:
    """The table without one measurement (from 0) of a modality."""
    kept = [k for k in range(len(table.embeddings[modality])) if k != number]
    return replace(
        table,
        embeddings={**table.embeddings, modality: [table.embeddings[modality][k] for k in kept]},
        observed={**table.observed, modality: table.observed[modality][:, kept]},
    )


def without_latents_of(model: CRLConfig, modality: str) -> CRLConfig:
    """The model of the other modalities.

    Where only one is left, nothing tells its own latents from the shared ones. So it gets both as its own.
    """
    latents = {m: k for m, k in model.latents.items() if m != modality}
    nuisance = {m: k for m, k in model.nuisance.items() if m != modality}
    if len(latents) > 1:
        return replace(model, latents=latents, nuisance=nuisance)
    return replace(
        model, latents={m: k + model.shared for m, k in latents.items()}, shared=0, nuisance=nuisance
    )


def cubes_in(source: Path) -> list[AnswerCube]:
    """The answers in a folder of infer_traits or in a table with repeats. Raises InputError."""
    return answer_cubes(read_answers(source) if source.is_dir() else read_repeated_table(source))


def scores_of(cube: AnswerCube, repeat: int, table: PeopleTable) -> pd.DataFrame:
    """(n, 5) the scores of a repeat for the people of the table; NaN where there is none."""
    frame = pd.DataFrame(cube.scores[:, repeat], index=cube.ids.astype(str), columns=list(TRAITS))
    return frame.reindex([str(person) for person in table.ids]).reset_index(drop=True)


def formats_of(cubes: list[AnswerCube]) -> Mapping[str, int]:
    """Format -> the largest number of repeats of a model in it."""
    return {
        name: max(cube.repeats for cube in cubes if cube.format == name)
        for name in dict.fromkeys(cube.format for cube in cubes)
    }
