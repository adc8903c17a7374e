"""The variants of an analysis: which changes a table of people and the options allow."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from personax.experiments.obfuscated_releases import releases
from personax.experiments.sensitivity.changes import (
    TEXT,
    AnalysisChange,
    CoordinateNumber,
    Half,
    ObfuscatedEmbeddings,
    OtherAnswers,
    OtherSeed,
    WithoutMeasurement,
    WithoutModality,
    WithoutRater,
    cubes_in,
    formats_of,
)
from personax.experiments.sensitivity.config import SensitivityConfig
from personax.runs.command_line import parse_seeds
from personax.runs.errors import InputError
from personax.runs.run_folder import typed_path
from personax.tables import PeopleTable
from personax.tables.schema import LLMS
from personax.traits.trait_table import AGGREGATED

BASE = "base"
NO_VARIANTS = "none"


@dataclass(frozen=True)
class Variant:
    """One way to make the analysis.

    Attributes:
        group: what it varies, such as "seed".
        name: in words, such as "seed 1"; different for all variants.
        change: what is changed.
    """

    group: str
    name: str
    change: AnalysisChange

    @property
    def folder(self) -> str:
        """The name as that of a folder."""
        return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in self.name)


BASE_RUN = Variant(BASE, BASE, AnalysisChange())


@dataclass(frozen=True)
class Numbers:
    """The options of the command that are lists, parsed."""

    seeds: list[int]
    compressions: list[float]


def parsed_numbers(config: SensitivityConfig) -> Numbers:
    """The seeds and the sizes of the compression. Raises InputError for texts that are no numbers."""
    seeds = [] if config.seeds.strip() == NO_VARIANTS else parse_seeds(config.seeds)
    if config.compressions.strip() == NO_VARIANTS:
        return Numbers(seeds, [])
    try:
        factors = [float(part) for part in config.compressions.split(",")]
    except ValueError as error:
        raise InputError(
            f"compressions {config.compressions[:40]!r}: write numbers, as 0.5,1.5, or none"
        ) from error
    if not all(0 < factor <= 100 and factor != 1 for factor in factors) or len(set(factors)) < len(factors):
        raise InputError(
            f"compressions {config.compressions[:40]!r}: different numbers above 0 up to 100, and not 1"
        )
    return Numbers(seeds, factors)


def planned_variants(config: SensitivityConfig, table: PeopleTable, base_seed: int) -> list[Variant]:
    """The base run first, then all variants. Raises InputError for options that cannot be read."""
    numbers = parsed_numbers(config)
    found = [BASE_RUN, *without_raters(table), *without_modalities(table), *without_measurements(table)]
    found += [Variant("seed", f"seed {k}", OtherSeed(k)) for k in numbers.seeds if k != base_seed]
    found += [Variant("people", f"half {k}", Half(k)) for k in range(1, config.halves + 1)]
    found += [
        Variant("compression", f"{times:g} x coordinates", CoordinateNumber(times))
        for times in numbers.compressions
    ]
    if config.obfuscated:
        ways = releases(config.conditions, NO_VARIANTS)
        found += [Variant("obfuscation", f"{way.name} map", ObfuscatedEmbeddings(way)) for way in ways]
    if config.answers is not None:
        found += other_answers(typed_path(config.answers))
    if not table.embeddings:
        found = [each for each in found if each.change.tests]
    refuse_equal_folders(found)
    return found


def raters_of(table: PeopleTable) -> list[str]:
    """The raters whose scores are combined in the aggregated score, or all raters."""
    return [rater for rater in table.scores if rater != AGGREGATED]


def has_texts_of_models(table: PeopleTable) -> bool:
    """Whether measurement k of the text is of language model k, as in the published tables."""
    return len(table.embeddings.get(TEXT, [])) == len(LLMS) and set(LLMS) == set(raters_of(table))


def without_raters(table: PeopleTable) -> Iterator[Variant]:
    """Without each language model, if there are several."""
    raters = raters_of(table)
    for rater in raters if len(raters) > 1 else ():
        text = LLMS.index(rater) if has_texts_of_models(table) else None
        yield Variant("language model", f"without {rater}", WithoutRater(rater, text))


def without_modalities(table: PeopleTable) -> Iterable[Variant]:
    """Without each modality, if there are several."""
    several = list(table.embeddings) if len(table.embeddings) > 1 else []
    return [Variant("modality", f"without {name}s", WithoutModality(name)) for name in several]


def without_measurements(table: PeopleTable) -> Iterator[Variant]:
    """Without each measurement of a modality that has several; a text of a language model goes with it."""
    for modality, arrays in table.embeddings.items():
        if len(arrays) == 1 or (modality == TEXT and has_texts_of_models(table)):
            continue
        for number in range(len(arrays)):
            name = f"without {modality} {number + 1}"
            yield Variant("measurement", name, WithoutMeasurement(modality, number))


def other_answers(source: Path) -> Iterator[Variant]:
    """The first repeat of each format, and the other repeats of the first format. Raises InputError."""
    formats = formats_of(cubes_in(source))
    for name in formats:
        yield Variant("prompt", f"prompt {name}", OtherAnswers(source, name, 0))
    first = next(iter(formats))
    for repeat in range(1, formats[first]):
        yield Variant("repeat", f"prompt {first}, repeat {repeat + 1}", OtherAnswers(source, first, repeat))


def refuse_equal_folders(variants: list[Variant]) -> None:
    """Raise InputError if two variants would share a folder, as with two formats of nearly the same name."""
    folders = [variant.folder.lower() for variant in variants]
    for variant, folder in zip(variants, folders, strict=True):
        if folders.count(folder) > 1:
            raise InputError(f"{variant.name!r}: another variant has the same name; rename the format")
