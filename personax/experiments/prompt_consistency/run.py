"""Measure the consistency of answers and write the run folder: tables, report, figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.prompt_consistency.config import ConsistencyConfig
from personax.experiments.prompt_consistency.consistency_tables import Consistency
from personax.experiments.prompt_consistency.figures import draw_consistency
from personax.experiments.prompt_consistency.report import consistency_report
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.progress import progress
from personax.runs.run_folder import FIGURES, METRICS, open_run
from personax.runs.seeds import numpy_rng
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import AnswerCube, on_common_people
from personax.traits.consistency import (
    WithInterval,
    all_traits_equal,
    alpha_over_people,
    always_equal,
    distance_by_repeats,
    format_distances,
    mean_over_people,
    person_spread,
    raw_always_equal,
    repeat_spread,
    share_of_people,
)
from personax.traits.published import FORMAT_PAIRS

MEASURE_COLUMNS = ["model", "format", "repeats", "measure", "trait", *WithInterval._fields]
ALL_TRAITS = "all"  # in the column trait, of a measure of all five together


def examine(
    config: ConsistencyConfig, source: AnswerSet, cubes: Sequence[AnswerCube], path: Path
) -> Consistency:
    """Measure everything and write it to the run folder `path`."""
    with open_run(
        path,
        config,
        overwrite=config.overwrite,
        data_source=source.source,
        data_sha256=source.sha256,
        simulated=source.simulated,
        people=int(source.answers["id"].nunique()),
        answers=len(source.answers),
    ) as folder:
        found = measure_consistency(cubes, config.seed, config.resamples)
        tables = {
            "consistency": found.measures,
            "spreads": found.spreads,
            "distances": found.distances,
        }
        for name, table in tables.items():
            with atomic_path(folder / f"{name}.csv") as temporary:
                table.to_csv(temporary, index=False)
        write_text(folder / "report.md", consistency_report(found, source))
        draw_consistency(found, source, folder / FIGURES)
        overall = found.measures[found.measures["trait"] == ALL_TRAITS]
        write_json(
            folder / METRICS,
            {"simulated": source.simulated, "consistency": overall.to_dict("records")},
        )
    return found


def measure_consistency(cubes: Sequence[AnswerCube], seed: int, resamples: int) -> Consistency:
    """All measures of all models and formats; each has its own stream of random numbers."""
    rows: list[Mapping[str, object]] = []
    spreads = []
    with progress(len(cubes), "consistency", "format") as bar:
        for cube in cubes:
            rng = numpy_rng(seed, f"consistency/{cube.model}/{cube.format}")
            rows += measures_of(cube, rng, resamples)
            spread = pd.DataFrame({"id": cube.ids, "spread": person_spread(cube.scores)})
            spreads.append(spread.assign(model=cube.model, format=cube.format))
            bar.update()
    order = ["model", "format", "id", "spread"]
    return Consistency(
        pd.DataFrame(rows, columns=MEASURE_COLUMNS),
        pd.concat(spreads, ignore_index=True)[order],
        distances_of(cubes, seed, resamples),
    )


def measures_of(cube: AnswerCube, rng: np.random.Generator, resamples: int) -> list[Mapping[str, object]]:
    """The rows of one model and format; without repeats, nothing varies and nothing is measured."""
    if cube.repeats < 2:
        return []
    spread, equal = repeat_spread(cube.scores), always_equal(cube.parsed)
    found: dict[tuple[str, str], WithInterval] = {
        ("std", ALL_TRAITS): mean_over_people(person_spread(cube.scores), rng, resamples),
        ("TARr", ALL_TRAITS): share_of_people(raw_always_equal(cube.raw)),
        ("TARa", ALL_TRAITS): share_of_people(all_traits_equal(cube.parsed)),
    }
    for number, trait in enumerate(TRAITS):
        found["std", trait] = mean_over_people(spread[:, number], rng, resamples)
        found["TARa", trait] = share_of_people(equal[:, number])
        found["alpha", trait] = alpha_over_people(cube.scores[:, :, number], rng, resamples)
    whose = {"model": cube.model, "format": cube.format, "repeats": cube.repeats}
    return [
        whose | {"measure": name, "trait": trait} | estimate._asdict()
        for (name, trait), estimate in found.items()
    ]


def distances_of(cubes: Sequence[AnswerCube], seed: int, resamples: int) -> pd.DataFrame:
    """The distances of the paper's pairs, of every model that has answered both prompts of a pair."""
    known = {(cube.model, cube.format): cube for cube in cubes}
    rows = []
    for model in dict.fromkeys(cube.model for cube in cubes):
        for pair, (first, second) in FORMAT_PAIRS.items():
            if (model, first) not in known or (model, second) not in known:
                continue
            rng = numpy_rng(seed, f"consistency/{model}/{pair}")
            one, other = on_common_people(known[model, first], known[model, second])
            estimate = mean_over_people(format_distances(one.scores, other.scores), rng, resamples)
            alone = distance_by_repeats(one.scores, other.scores, rng)
            row = {"model": model, "pair": pair, "first": first, "second": second}
            rows.append(row | estimate._asdict() | {"by_repeats": alone})
    columns = ["model", "pair", "first", "second", *WithInterval._fields, "by_repeats"]
    return pd.DataFrame(rows, columns=columns)
