"""Every method on every fold; folds that are finished are read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import KFold

from personax.baselines.plug_in import folder_of_method
from personax.experiments.cells import LoadedOnce, Metrics, run_cells
from personax.experiments.downstream.config import DownstreamConfig
from personax.experiments.downstream.representations import RAW, Budget, fold_data, represent
from personax.experiments.people.associations import observed_columns
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.predictions import predict
from personax.runs.files import read_json, write_json
from personax.runs.run_folder import METRICS
from personax.tables import PeopleTable
from personax.views import Split

VALIDATION_SHARE = 0.1  # of the people outside the fold


def fold_ratio(folds: int) -> float:
    """Test people per training person of a fold."""
    return 1 / ((folds - 1) * (1 - VALIDATION_SHARE))


@dataclass(frozen=True)
class FoldOfMethod:
    """One method on one fold.

    Attributes:
        method: its name.
        fold: number of the fold, from 0.
        folds: how many there are.
        people: the run whose data and model are taken.
        epochs: of a baseline.
        seed: of folds and models.
    """

    method: str
    fold: int
    folds: int
    people: PeopleConfig
    epochs: int
    seed: int


def split_of_fold(n: int, folds: int, fold: int, seed: int) -> Split:
    """The people of a fold as test rows, a tenth of the others for validation, the rest for training.

    >>> split = split_of_fold(20, folds=4, fold=0, seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (13, 2, 5)
    """
    others, test = list(KFold(folds, shuffle=True, random_state=seed).split(np.arange(n)))[fold]
    order = np.random.default_rng([seed, fold]).permutation(others)
    cut = max(1, round(VALIDATION_SHARE * len(order)))
    return Split(train=np.sort(order[cut:]), validation=np.sort(order[:cut]), test=np.sort(test))


def run_folds(
    config: DownstreamConfig,
    people: PeopleConfig,
    shared: LoadedOnce[PeopleTable],
    methods: Sequence[str],
    home: Path,
) -> dict[str, list[dict[str, float]]]:
    """Method -> for each fold: column -> held-out score. Raises InputError if a fold fails."""
    cells = {
        home / "runs" / folder_of_method(method) / f"fold-{fold}": FoldOfMethod(
            method, fold, config.folds, people, config.epochs, config.seed
        )
        for fold in range(config.folds)
        for method in methods
    }
    found = run_cells(cells, config, partial(score_fold, shared))
    per_fold: dict[str, list[dict[str, float]]] = {method: [] for method in methods}
    for path, cell in cells.items():
        scores = found[path]["scores"]
        per_fold[cell.method].append({column: as_score(value) for column, value in scores.items()})
    return per_fold


def as_score(value: Any) -> float:
    """A number of metrics.json; null is NaN."""
    return float("nan") if value is None else float(value)


def score_fold(shared: LoadedOnce[PeopleTable], cell: FoldOfMethod, path: Path) -> Metrics:
    """Learn from the people outside the fold, score on those in it; or read that it is done."""
    if (path / METRICS).exists():
        found: Metrics = read_json(path / METRICS)
        return found
    table = shared.get()
    split = split_of_fold(len(table), cell.folds, cell.fold, cell.seed)
    model = cell.people.model
    fold = fold_data(table.views(), split, model, cell.seed)
    budget = Budget(model, cell.epochs, cell.seed, cell.people.device)
    representation = represent(cell.method, fold, budget)
    observed = observed_columns(table)
    scores = {
        str(name): predict(
            representation,
            values,
            observed.kinds[str(name)],
            period,
            split,
            one_scale=cell.method == RAW,
        )
        for name, values in observed.frame.items()
        for period in [table.periods.get(str(name))]
    }
    write_json(path / METRICS, {"scores": scores, "rows": len(split.test), "size": representation.shape[1]})
    return {"scores": scores}


def score_kinds(table: PeopleTable) -> Mapping[str, str]:
    """Column to predict -> what is scored: AUC for labels, R2 for numbers."""
    kinds = observed_columns(table).kinds
    return {str(name): "auc" if kind == "nominal" else "r2" for name, kind in kinds.items()}
