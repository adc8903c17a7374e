"""load_table loads a table from the hub or from a file, or simulates one."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from personax.runs.errors import InputError
from personax.runs.run_folder import project_path
from personax.tables.column_map import UNKNOWN, ColumnPlan, read_columns
from personax.tables.declarations import UNSAID_UNIT
from personax.tables.embeddings import CheckedVectors, PeopleEmbeddings, Slot, check_embeddings, gather
from personax.tables.file_form import read_form
from personax.tables.form_guess import guess_form
from personax.tables.hub import REPOSITORIES, fetch
from personax.tables.parsing import doubts, read_declared, read_ids, read_numbers, read_scores
from personax.tables.people_table import LoadReport, PeopleTable
from personax.tables.proposal import propose_columns, propose_lines
from personax.tables.reading import RawTable, read_files, shown
from personax.tables.recognition import complete_plan
from personax.tables.schema import (
    LLM_NAMES,
    LLMS,
    SIMULATED_NAME,
    TRAITS,
    TRUTH_PREFIX,
    ColumnDeclaration,
    DatasetName,
    schema_of,
)
from personax.tables.simulation import SIMULATED_WARNING, simulate_table
from personax.tables.trait_scores import AGGREGATES, Aggregate, aggregate_scores
from personax.views import Truth

FEWEST_COMPLETE_ROWS = 5
MOST_LINES = 12  # so many ignored columns are read to say what they may be


@dataclass(frozen=True)
class HubSource:
    """The dataset's repository on the Hugging Face hub.

    Attributes:
        revision: commit, branch or tag; None for the newest commit.
        data_dir: folder for the downloads; None for `data/hub` of this project.
    """

    revision: str | None = None
    data_dir: Path | None = None


@dataclass(frozen=True)
class SimulatedSource:
    """Made-up people with known latents and a known graph (see `simulate_table`).

    Attributes:
        data_seed: seed of the simulation.
        image_dim, text_dim: lengths of the embeddings.
    """

    data_seed: int = 0
    image_dim: int = 1024
    text_dim: int = 3584


def load_table(
    dataset: DatasetName | None,
    *,
    source: HubSource | SimulatedSource = HubSource(),
    table: Path | None = None,
    columns: Path | None = None,
    aggregate: Aggregate = "median",
    embeddings: bool = True,
    n: int | None = None,
) -> PeopleTable:
    """Load a table of people from the hub or from a file, or simulate one.

    Args:
        dataset: "athlete" or "celeb", or None for any other `table`, whose columns are then recognised by the
            names of both datasets.
        source: where the dataset comes from. It has no effect if `table` is given.
        table: a .parquet, .arrow, .feather, .jsonl, .csv or .tsv file.
        columns: a YAML file that says what the columns are (see column_map.py).
        aggregate: how the scores of the language models become one score: "median" (as in the paper; if the
            file has an aggregated column, that column is used), "majority" or "mean".
        embeddings: False leaves the embeddings out.
        n: number of simulated people. From a file or from the hub's table, only the first n rows are used.

    Returns:
        The table. Its `report` says which columns were recognised, ignored and missing.

    Raises:
        InputError: the input is wrong. The message is one line that names file, column, row and value (rows
            are counted from 1, without the header).

    Examples:
        >>> table = load_table("athlete", source=SimulatedSource(data_seed=1), embeddings=False, n=100)
        >>> len(table), table.simulated
        (100, True)
        >>> list(table.scores)
        ['aggregated', 'chatgpt', 'gemini', 'llama']
    """
    check_request(dataset, source, table, aggregate, n)
    if table is not None:
        raw = read_files([Path(table)], form=read_form(columns))
        loaded = _build_table(raw, dataset, columns, aggregate, embeddings, n)
        return replace(loaded, name=dataset or Path(table).stem)
    assert dataset is not None
    if isinstance(source, SimulatedSource):
        return simulate_table(dataset, n=n, embeddings=embeddings, aggregate=aggregate, **asdict(source))
    data_dir = project_path("data/hub") if source.data_dir is None else Path(source.data_dir)
    fetched = fetch(dataset, source.revision, data_dir)
    raw = read_files(fetched.paths, label=REPOSITORIES[dataset])
    loaded = _build_table(raw, dataset, columns, aggregate, embeddings, n)
    report = replace(loaded.report, warnings=(*fetched.warnings, *loaded.report.warnings))
    return replace(loaded, name=dataset, source=fetched.source, revision=fetched.revision, report=report)


def check_request(dataset: Any, source: Any, table: Path | None, aggregate: Any, n: Any) -> None:
    """Raise InputError for arguments of `load_table` that mean nothing."""
    if table is None and dataset is None:
        raise InputError("no table: name a dataset (athlete or celeb), or a file with --table")
    if dataset is not None and dataset not in REPOSITORIES:
        raise InputError(
            f"dataset {dataset!r}: unknown; choose from {', '.join(REPOSITORIES)}, or give a file of your "
            "own, as load_table(None, table=Path('people.csv'))"
        )
    if not isinstance(source, HubSource | SimulatedSource):
        raise InputError(f"source {source!r}: must be HubSource() or SimulatedSource()")
    if aggregate not in AGGREGATES:
        raise InputError(f"aggregate {aggregate!r}: unknown; choose from {', '.join(AGGREGATES)}")
    if n is not None and (not isinstance(n, int | np.integer) or n < 1):
        raise InputError(f"n = {n!r}: must be a whole number of at least one row")


def _build_table(
    raw: RawTable,
    dataset: DatasetName | None,
    columns: Path | None,
    aggregate: Aggregate,
    with_embeddings: bool,
    n: int | None,
) -> PeopleTable:
    """Recognise, read and check every column of `raw`."""
    plan = plan_of(raw, dataset, columns)
    if not (plan.features or plan.targets or plan.packed or plan.single or plan.embeddings):
        raise InputError(
            f"{raw.label}: no known column among {', '.join(map(repr, raw.names[:5]))}; "
            "say what the columns are in a --columns file (run_independence_tests.py --columns auto proposes "
            "one)"
        )
    raw = raw if n is None else raw.head(n)
    warnings: list[str] = []
    ids = read_ids(raw, plan, warnings)
    order = features_in_order(plan.features, dataset)
    features, marks = _read_frame(raw, {name: plan.features[name] for name in order}, warnings)
    targets, target_marks = _read_frame(raw, plan.targets, warnings)
    scores = _aggregated(read_scores(raw, plan), aggregate, warnings)
    _refuse_too_few(raw, features, targets, scores)
    warnings += _constant_columns(features, targets, scores)
    embedded = _read_embeddings(raw, plan, ids) if with_embeddings else PeopleEmbeddings({}, {})
    simulated, truth, dependent = _read_truth(raw)
    if simulated:
        warnings.insert(0, SIMULATED_WARNING)
    declared = {name: plan.features[name][1] for name in order}
    declared |= {name: column for name, (_, column) in plan.targets.items()}
    report = _load_report(plan, dataset, scores, with_embeddings)
    unknown = [name for name, why in plan.ignored.items() if why == UNKNOWN][:MOST_LINES]
    lines = propose_lines(raw, unknown, declared)
    return PeopleTable(
        name="",
        ids=ids,
        features=features,
        kinds={name: column.kind for name, column in declared.items()},
        periods={name: column.period for name, column in declared.items() if column.period},
        scores=scores,
        embeddings=embedded.views,
        observed=embedded.observed,
        simulated=simulated,
        source=f"{'simulated people in ' if simulated else ''}{raw.label}",
        sha256=raw.sha256,
        revision=None,
        truth=truth,
        dependent=dependent,
        report=replace(
            report,
            lines=tuple(chain.from_iterable(lines.values())),
            marks=marks | target_marks,
            warnings=tuple(warnings),
            embedding_warnings=embedded.warnings,
        ),
        targets=targets,
        scales={rater: plan.scales[rater] for rater in scores if rater in plan.scales},
    )


def propose_file(dataset: DatasetName | None, table: Path) -> str:
    """A `--columns` file for a table, to be corrected by hand (proposal.py). Raises InputError."""
    form = guess_form(table)
    raw = read_files([table], form=form)
    return propose_columns(raw, plan_of(raw, dataset, None), form)


def plan_of(raw: RawTable, dataset: DatasetName | None, columns: Path | None) -> ColumnPlan:
    """What the columns are, by hand and by their names."""
    by_hand = ColumnPlan() if columns is None else read_columns(Path(columns), raw.names)
    return complete_plan(raw, schema_of(dataset), by_hand)


def _read_frame(
    raw: RawTable, columns: Mapping[str, tuple[str, ColumnDeclaration]], warnings: list[str]
) -> tuple[pd.DataFrame, dict[str, dict[str, int]]]:
    """(n, columns) values, and for each column the cells that meant "no value"; adds to the warnings."""
    read = {name: read_declared(raw, column, declared) for name, (column, declared) in columns.items()}
    for name, (column, declared) in columns.items():
        warnings += doubts(column, declared, read[name])
    unsaid = [name for name, (_, declared) in columns.items() if declared.unit == UNSAID_UNIT]
    if unsaid:
        warnings.append(f"unit of {', '.join(unsaid)} is {UNSAID_UNIT!r}: write it in the --columns file")
    frame = pd.DataFrame({name: column.values for name, column in read.items()}, index=range(raw.n))
    return frame, {name: column.marks for name, column in read.items() if column.marks}


def features_in_order(features: Iterable[str], dataset: DatasetName | None) -> list[str]:
    """The features in the order of the schema; features that are not in the schema are at the end."""
    place = {column.name: number for number, column in enumerate(schema_of(dataset))}
    return sorted(features, key=lambda name: place.get(name, len(place)))


# ---- scores and checks of the whole


def _aggregated(
    scores: dict[str, pd.DataFrame], how: Aggregate, warnings: list[str]
) -> dict[str, pd.DataFrame]:
    """Put aggregated scores first. For the median, the file's own column is used if there is one."""
    llms = {rater: scores[rater] for rater in LLMS if rater in scores}
    if not llms:
        if "aggregated" in scores and how != "median":
            raise InputError(f"aggregate = {how}: the table has no scores of single models to combine")
        return scores
    computed = aggregate_scores(llms, how)
    if "aggregated" not in scores or how != "median":
        return {"aggregated": computed, **{r: frame for r, frame in scores.items() if r != "aggregated"}}
    own = scores["aggregated"].to_numpy()
    differs = ~((own == computed.to_numpy()) | (np.isnan(own) & np.isnan(computed.to_numpy())))
    if differs.any():
        warnings.append(
            f"{int(differs.sum())} of {differs.size} aggregated scores are not the median of the models' "
            "scores; the aggregated scores of the file are used"
        )
    return scores


def _refuse_too_few(
    raw: RawTable, features: pd.DataFrame, targets: pd.DataFrame, scores: Mapping[str, pd.DataFrame]
) -> None:
    """Raise InputError if fewer than five people have both a feature and a score or target."""
    complete = np.ones(raw.n, dtype=bool)
    if len(features.columns):
        complete &= features.notna().any(axis=1).to_numpy()
    scored = [frame for frame in (targets, *scores.values()) if len(frame.columns)]
    if scored:
        complete &= np.any([frame.notna().any(axis=1).to_numpy() for frame in scored], axis=0)
    if complete.sum() < FEWEST_COMPLETE_ROWS:
        raise InputError(
            f"{raw.label}: only {int(complete.sum())} of {raw.n} rows have a feature and a score; "
            f"at least {FEWEST_COMPLETE_ROWS} are needed"
        )


def _constant_columns(
    features: pd.DataFrame, targets: pd.DataFrame, scores: Mapping[str, pd.DataFrame]
) -> list[str]:
    """A sentence for every column that does not vary. No test can say anything about such a column.

    A rater's traits without a value share one sentence, since a rater need not have scored all five.
    """
    columns = {name: frame[name] for frame in (features, targets) for name in frame}
    sentences = [f"{name} has no values at all" for name, values in columns.items() if values.isna().all()]
    for rater, frame in scores.items():
        if absent := [trait for trait in TRAITS if frame[trait].isna().all()]:
            sentences.append(f"{rater} has no scores of {', '.join(absent)}")
        columns |= {f"{rater} {trait}": frame[trait] for trait in TRAITS}
    for name, values in columns.items():
        distinct = values.dropna().unique()
        if len(distinct) == 1:
            sentences.append(f"{name} is constant ({shown(distinct[0])})")
    return sentences


def _load_report(
    plan: ColumnPlan,
    dataset: DatasetName | None,
    scores: Mapping[str, pd.DataFrame],
    with_embeddings: bool,
) -> LoadReport:
    meanings = [] if plan.id is None else [(plan.id, "ID")]
    meanings += [(name, feature) for feature, (name, _) in plan.features.items()]
    meanings += [(name, f"target {target}") for target, (name, _) in plan.targets.items()]
    meanings += [(name, f"{rater} scores") for rater, name in plan.packed.items()]
    meanings += [(name, f"{rater or 'aggregated'} {trait}") for (rater, trait), name in plan.single.items()]
    meanings += [(name, str(slot)) for slot, names in plan.embeddings.items() for name in names]
    recognised: dict[str, str] = {}
    for name, meaning in meanings:
        recognised[name] = f"{recognised[name]} and {meaning}" if name in recognised else meaning
    ignored = [name if reason == UNKNOWN else f"{name} ({reason})" for name, reason in plan.ignored.items()]
    missing = [] if dataset is None else _lacking(plan, dataset, scores, with_embeddings)
    return LoadReport(recognised, tuple(ignored), tuple(missing))


def _lacking(
    plan: ColumnPlan, dataset: DatasetName, scores: Mapping[str, pd.DataFrame], with_embeddings: bool
) -> list[str]:
    """What the published table has and this one lacks."""
    missing = [c.name for c in schema_of(dataset) if c.name not in plan.features and not c.optional]
    missing += [f"{rater} scores" for rater in ("aggregated", *LLMS) if rater not in scores]
    if with_embeddings:
        if not any(slot.modality == "image" for slot in plan.embeddings):
            missing.append("image embeddings")
        missing += [
            f"text embeddings of {LLM_NAMES[llm]}"
            for number, llm in enumerate(LLMS, start=1)
            if Slot("text", number) not in plan.embeddings
        ]
    return missing


# ---- embeddings and truth


def _read_embeddings(raw: RawTable, plan: ColumnPlan, ids: Shaped[np.ndarray, " n"]) -> PeopleEmbeddings:
    """The embeddings in the columns of a table, checked."""
    found: dict[Slot, CheckedVectors] = {}
    for slot, names in plan.embeddings.items():
        if len(names) == 1:
            array, present = raw.vectors(names[0])
        else:
            array, present = _numbered_vectors(raw, names)
        where = f"{raw.label}, column {names[0]!r}"
        if array.ndim == 3:
            # A cell holds several photographs of one person: each one is a measurement.
            for number in range(array.shape[1]):
                one = np.ascontiguousarray(array[:, number])
                found[Slot(slot.modality, slot.number + number)] = check_embeddings(
                    one, present.copy(), where
                )
        else:
            found[slot] = check_embeddings(array, present, where)
    return gather(found, ids)


def _numbered_vectors(
    raw: RawTable, names: list[str]
) -> tuple[Float[np.ndarray, "n d"], Bool[np.ndarray, " n"]]:
    """(n, d) float32 from d columns of numbers, and (n,) mask. A person without any number is missing."""
    out = np.empty((raw.n, len(names)), dtype=np.float32)
    for position, name in enumerate(names):
        number = ColumnDeclaration(name, "continuous")
        out[:, position] = read_numbers(raw.cells(name), number, f"{raw.label}, column {name!r}")
    return out, np.logical_not(np.isnan(out).all(axis=1))


def is_simulated(raw: RawTable) -> bool:
    """Whether the table is marked as simulated: in its metadata, or in a column."""
    mark = raw.metadata.get("simulated", False)
    if not mark and SIMULATED_NAME in raw.names:
        mark = any(str(cell).strip().lower() in ("true", "1") for cell in raw.cells(SIMULATED_NAME))
    return bool(mark)


def _read_truth(raw: RawTable) -> tuple[bool, Truth | None, pd.DataFrame | None]:
    """Whether the table is simulated, and the truth and dependences that `write_table` has written."""
    known = raw.metadata.get("truth")
    if known is None:
        return is_simulated(raw), None, None
    try:
        return True, *_truth_of(raw, known)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{raw.label}: the truth in its metadata is damaged; write the table again"
        ) from error


def _truth_of(raw: RawTable, known: Mapping[str, Any]) -> tuple[Truth, pd.DataFrame]:
    """The truth and the dependences in the metadata. Raises all kinds of errors if they are damaged."""
    names = [name for block in known["blocks"].values() for name in block]
    latents = {name: raw.cells(TRUTH_PREFIX + name).to_numpy(dtype=float) for name in names}
    dependent = pd.DataFrame(known["dependent"]["values"], dtype=bool)
    dependent.index, dependent.columns = pd.Index(TRAITS), pd.Index(known["dependent"]["features"])
    graph = np.array(known["graph"], dtype=int)
    return Truth(pd.DataFrame(latents), known["blocks"], graph), dependent
