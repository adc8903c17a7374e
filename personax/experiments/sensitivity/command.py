"""Check the options of the command, run it and print what it found; config.py has the options."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from personax.experiments.cells import LoadedOnce
from personax.experiments.independence.choices import chosen_tests
from personax.experiments.past_runs import (
    keep_base_run,
    name_of_run,
    read_people_run,
    refuse_other_base,
)
from personax.experiments.people.preparation import check_people_data, read_people
from personax.experiments.sensitivity.changes import cubes_in
from personax.experiments.sensitivity.claims import claims_table, variants_table
from personax.experiments.sensitivity.config import SensitivityConfig
from personax.experiments.sensitivity.figures import draw_sensitivity
from personax.experiments.sensitivity.plan import BASE, parsed_numbers, planned_variants
from personax.experiments.sensitivity.report import sensitivity_page, summary_lines, summary_of
from personax.experiments.sensitivity.run import known_truth, run_variants
from personax.experiments.sensitivity.verdicts import RULE
from personax.experiments.summary import MARK_OF_SIMULATION
from personax.independence import TESTS
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, sha256_text, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, RunFolder, open_run, path_or_default, typed_path
from personax.runs.said_once import each_said_once
from personax.runs.workers import check_workers
from personax.tables import PeopleTable
from personax.traits.answer_cubes import checksum_of_cubes

CLAIMS, VARIANTS, SENSITIVITY_PAGE = "sensitivity.csv", "variants.csv", "sensitivity.md"


def run_sensitivity(config: SensitivityConfig) -> Path:
    """Make all variants, write table, page and figure; print the summary; return the folder."""
    check_sensitivity(config)
    path = typed_path(config.run[0])
    people = replace(read_people_run(path), device=config.device)
    shared = LoadedOnce(partial(read_people, people))
    table = shared.get()
    if table.embeddings:
        if people.latents != "given":
            raise InputError(f"{path}: latents auto; give the numbers of latents, which all variants share")
        check_people_data(people.model, table.views())
    variants = planned_variants(config, table, people.seed)
    home = path_or_default(config.output, f"results/sensitivity/{config.name or name_of_run(path)}")
    if config.resume and not config.overwrite:
        refuse_other_base(home, people)
    facts = table.provenance() | {"data_sha256": checksum_of(config, table)}
    with open_run(home, config, resume=config.resume, overwrite=config.overwrite, **facts) as folder:
        keep_base_run(folder, people)
        with each_said_once():  # the same people are prepared for every variant
            found = run_variants(config, people, shared, variants, home)
        base = found.pop(BASE)
        claims = claims_table(base, list(found.values()), known_truth(table, home))
        others = variants_table(base, list(found.values()), claims)
        write_sensitivity(folder, table.source, claims, others, simulated=table.simulated)
    print("\n".join(summary_lines(claims)))
    print(f"{MARK_OF_SIMULATION if table.simulated else ''}Written to {home}")
    return home


def check_sensitivity(config: SensitivityConfig) -> None:
    """Raise InputError for options that are wrong for every table."""
    if len(config.run) != 1:
        raise InputError(
            f"{len(config.run)} runs given; name one run folder of people, or one YAML file with its options"
        )
    check_workers(config)
    resolve_device(config.device)
    parsed_numbers(config)
    if missing := [test for test in chosen_tests(config.tests) if test not in TESTS]:
        raise InputError(f"--tests {missing[0]}: it needs a condition; choose from {', '.join(TESTS)}")


def checksum_of(config: SensitivityConfig, table: PeopleTable) -> str:
    """SHA-256 of the people, and of the answers if there are any. Raises InputError."""
    if config.answers is None:
        return table.sha256
    return sha256_text(f"{table.sha256} {checksum_of_cubes(cubes_in(typed_path(config.answers)))}")


def write_sensitivity(
    folder: RunFolder, source: str, claims: pd.DataFrame, others: pd.DataFrame, *, simulated: bool
) -> None:
    """Write the tables, the page and the figure."""
    for name, table in ((CLAIMS, claims), (VARIANTS, others)):
        with atomic_path(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    summary = summary_of(claims)
    write_json(folder / METRICS, {"simulated": simulated, "rule": RULE, "summary": summary.to_dict("index")})
    write_text(folder / SENSITIVITY_PAGE, sensitivity_page(claims, others, source, simulated=simulated))
    mark = MARK_OF_SIMULATION if simulated else ""
    draw_sensitivity(
        claims, list(others["variant"]), folder / FIGURES / "sensitivity", title=f"{mark}{source}"
    )
