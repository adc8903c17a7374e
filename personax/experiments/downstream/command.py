"""Check the options of the command, run it and print what it found; config.py has the options."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from personax.baselines.methods import METHODS, method_names
from personax.baselines.plug_in import find_plug_in, is_plug_in
from personax.experiments.cells import LoadedOnce
from personax.experiments.downstream.config import DownstreamConfig
from personax.experiments.downstream.figures import draw_downstream
from personax.experiments.downstream.report import downstream_page
from personax.experiments.downstream.representations import COMPONENTS, RAW
from personax.experiments.downstream.run import fold_ratio, run_folds, score_kinds
from personax.experiments.downstream.scores import scores_table
from personax.experiments.past_runs import (
    keep_base_run,
    name_of_run,
    read_people_run,
    refuse_other_base,
)
from personax.experiments.people.preparation import check_people_data, read_people
from personax.experiments.run_options import OURS
from personax.experiments.summary import MARK_OF_SIMULATION
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, RunFolder, open_run, path_or_default, typed_path
from personax.runs.said_once import each_said_once
from personax.runs.workers import check_workers
from personax.tables import PeopleTable

NO_METHODS = "none"


def run_downstream(config: DownstreamConfig) -> Path:
    """Score every method on every fold, write table, page and figure; return the folder."""
    methods = check_downstream(config)
    path = typed_path(config.run[0])
    people = replace(read_people_run(path), seed=config.seed, device=config.device)
    if people.latents != "given":
        raise InputError(f"{path}: latents auto; give the numbers of latents, which all methods share")
    shared = LoadedOnce(partial(read_people, people))
    table = shared.get()
    check_people_data(people.model, table.views())
    home = path_or_default(config.output, f"results/downstream/{config.name or name_of_run(path)}")
    if config.resume and not config.overwrite:
        refuse_other_base(home, people)
    with open_run(
        home, config, resume=config.resume, overwrite=config.overwrite, **table.provenance()
    ) as folder:
        keep_base_run(folder, people)
        with each_said_once():  # the same people are prepared for every fold
            per_fold = run_folds(config, people, shared, methods, home)
        ratio = fold_ratio(config.folds)
        scores = scores_table(per_fold, score_kinds(table), reference=OURS, test_per_train=ratio)
        page = write_downstream(folder, scores, table, config.folds)
    print(page)
    print(f"{MARK_OF_SIMULATION if table.simulated else ''}Written to {home}")
    return home


def check_downstream(config: DownstreamConfig) -> list[str]:
    """The methods, ours first. Raises InputError for options that are unknown or do not fit together."""
    if len(config.run) != 1:
        raise InputError(
            f"{len(config.run)} runs given; name one run folder of people, or one YAML file with its options"
        )
    check_workers(config)
    resolve_device(config.device)
    named = [] if config.methods.strip() == NO_METHODS else method_names(config.methods)
    for name in filter(is_plug_in, named):
        find_plug_in(name)
    for name in named:
        if not is_plug_in(name) and METHODS[name].uses_truth:
            raise InputError(f"methods {name}: is given the true latents, which nobody knows of people")
    return [OURS, RAW, COMPONENTS, *named]


def write_downstream(folder: RunFolder, scores: pd.DataFrame, table: PeopleTable, folds: int) -> str:
    """Write the table, the page, the figure and the metrics; return the page."""
    with atomic_path(folder / "downstream.csv") as temporary:
        scores.to_csv(temporary, index=False)
    page = downstream_page(scores, table.source, folds, simulated=table.simulated)
    write_text(folder / "downstream.md", page)
    mark = MARK_OF_SIMULATION if table.simulated else ""
    draw_downstream(scores, folder / FIGURES / "downstream", title=f"{mark}{table.source}")
    means = {
        column: dict(zip(rows["method"], rows["mean"], strict=True))
        for column, rows in scores.groupby("column")
    }
    write_json(folder / METRICS, {"simulated": table.simulated, "heldout_means": means})
    return page
