"""Runs of the same command beside each other: options, metrics, and where they disagree."""

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from personax.crl.trust import in_words
from personax.experiments.html_report.blocks import (
    Column,
    DataTable,
    Note,
    PagePart,
    Section,
    TableCell,
    Tone,
)
from personax.experiments.html_report.checks import TONES, findings_of
from personax.experiments.html_report.level_one import tested_cells
from personax.experiments.html_report.numbers import (
    MOST_CHOICES,
    leaves,
    number_cell,
    plain_text,
    with_arrows,
)
from personax.experiments.html_report.provenance import options_of_result, subcommand_of
from personax.experiments.html_report.reading import RunRecord
from personax.graphs.estimate import match_runs
from personax.graphs.graph import Graph
from personax.graphs.graph_files import read_latents
from personax.runs.errors import InputError
from personax.runs.run_folder import GRAPH, LATENTS

Named = Mapping[str, RunRecord]
"""Short name of a run, for the heading of a column -> the run."""
TEST_KEYS = ["scores", "trait", "feature", "test"]
OTHER_LATENTS = (
    "The latents of these runs could not be matched, so edges are compared by name; the number of a latent "
    "within its block is arbitrary."
)
MATCHED = (
    "The latents of all runs have the names of the first run, to which they were matched by their rank "
    "correlation over the same people."
)


def comparisons(records: Sequence[RunRecord]) -> list[PagePart]:
    """One part for each command of which there are several runs."""
    by_kind = sorted(records, key=lambda record: subcommand_of(record.options) or "")
    parts = []
    for kind, group in groupby(by_kind, key=lambda record: subcommand_of(record.options)):
        named = short_names([*group])
        if kind and len(named) > 1:
            found = [make(named) for make in COMPARERS]
            sections = [section for section in found if section]
            simulated = any(record.simulated for record in named.values())
            parts.append(PagePart(f"{len(named)} runs of {kind} compared", sections, simulated))
    return parts


def short_names(records: Sequence[RunRecord]) -> dict[str, RunRecord]:
    """The runs under their paths below the folder that holds them all."""
    paths = [record.path for record in records]
    home = Path(os.path.commonpath(paths)) if len(paths) > 1 else paths[0].parent
    return {str(record.path.relative_to(home)): record for record in records}


def different_options(runs: Named) -> Section | None:
    """Options that are not the same in all runs."""
    flat = {name: leaves(options_of_result(record.options)) for name, record in runs.items()}
    rows = _rows_of(flat, lambda values: len({plain_text(value) for value in values}) > 1)
    columns = [Column("option"), *(Column(name) for name in runs)]
    if not rows:
        return Section("Different options", [Note("All options are the same.")])
    return Section("Different options", [DataTable("Options that differ between the runs", columns, rows)])


def metrics_beside(runs: Named) -> Section | None:
    """The verdicts of the runs about themselves, and the numbers that at least two of them have."""
    flat = {name: _verdict_and_numbers(record.metrics) for name, record in runs.items()}
    rows = _rows_of(flat, lambda values: sum(value is not None for value in values) > 1)
    if not rows:
        return None
    spread = [
        [*row, *map(number_cell, _mean_and_sd([cell.order for cell in row[1:] if cell.order is not None]))]
        for row in rows
    ]
    columns = [Column("metric"), *(Column(name, numeric=True) for name in (*runs, "mean", "sd"))]
    table = DataTable("Metrics side by side; sd: standard deviation between the runs", columns, spread, True)
    return Section("Metrics side by side", [table])


def _verdict_and_numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict if there is one, then the numbers, those of single columns and latents last."""
    flat = {
        key: value
        for key, value in leaves(metrics).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    verdict = {"verdict": in_words(plain_text(metrics["verdict"]))} if metrics.get("verdict") else {}
    return verdict | dict(sorted(flat.items(), key=lambda entry: "per_" in entry[0]))


def _mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    series = pd.Series(values, dtype=float)
    return float(series.mean()), float(series.std())


def _rows_of(
    flat: Mapping[str, Mapping[str, Any]], wanted: Callable[[list[Any]], bool]
) -> list[list[TableCell]]:
    """A row for every key whose values are wanted: the key, then the value of each run."""
    keys = list(dict.fromkeys(key for values in flat.values() for key in values))
    beside = {key: [values.get(key) for values in flat.values()] for key in keys}
    return [[TableCell(key), *map(number_cell, values)] for key, values in beside.items() if wanted(values)]


def changed_verdicts(runs: Named) -> Section | None:
    """Cells of Level I whose verdict is not the same in all runs that have them."""
    grids = {name: cells for name, record in runs.items() if (cells := tested_cells(record)) is not None}
    if len(grids) < 2:
        return None
    beside = pd.concat(
        {name: cells.set_index(TEST_KEYS)[["verdict", "p_text"]] for name, cells in grids.items()},
        axis=1,
        join="inner",
        sort=False,
    )
    verdicts = pd.DataFrame({name: beside[(name, "verdict")] for name in grids})
    changed = beside[verdicts.ne(verdicts.iloc[:, 0], axis=0).any(axis=1)]
    note = Note(f"{len(changed):,} of the {len(beside):,} tests that all runs share have different verdicts.")
    if changed.empty:
        return Section("Verdicts of Level I that change", [note])
    rows = [_verdict_row(key, row, list(grids)) for key, row in changed.iterrows()]
    choices = [1 < changed.index.get_level_values(key).nunique() <= MOST_CHOICES for key in TEST_KEYS]
    columns = [Column(key, choice=chosen) for key, chosen in zip(TEST_KEYS, choices, strict=True)]
    columns += [Column(name) for name in grids]
    table = DataTable("Tests with different verdicts", columns, rows, filtered=True)
    return Section("Verdicts of Level I that change", [note, table])


def _verdict_row(key: Any, row: pd.Series, names: Sequence[str]) -> list[TableCell]:
    tones: Mapping[str, Tone] = {"rejected": "strong", "does not apply": "quiet"}
    cells = [
        TableCell(
            f"{row[(name, 'verdict')]} (p {row[(name, 'p_text')]})",
            tone=tones.get(row[(name, "verdict")], ""),
        )
        for name in names
    ]
    return [*map(TableCell, map(str, key)), *cells]


def edges_beside(runs: Named) -> Section | None:
    """Every edge that some run has, and its mark in each run."""
    held = {name: record for name, record in runs.items() if (record.path / GRAPH).exists()}
    if len(held) < 2:
        return None
    graphs, note = matched_graphs(held)
    pairs = {name: {_pair(text): text for text in graph.edge_texts()} for name, graph in graphs.items()}
    keys = sorted(set().union(*pairs.values()), key=sorted)
    rows = []
    for key in keys:
        marks = [with_arrows(found.get(key, "–")) for found in pairs.values()]
        alike = len(set(marks)) == 1
        count = sum(mark != "–" for mark in marks)
        rows.append(
            [
                TableCell(" and ".join(sorted(key))),
                *(TableCell(mark, tone="quiet" if mark == "–" else "") for mark in marks),
                TableCell(f"{count} of {len(marks)}", count / len(marks)),
                TableCell("the same" if alike else "different", tone="good" if alike else "unsure"),
            ]
        )
    columns = [Column("latents"), *(Column(name) for name in graphs)]
    columns += [Column("runs with this edge", numeric=True), Column("edge", choice=True)]
    return Section("Edges that change", [Note(note), DataTable("Edges of each run", columns, rows, True)])


def _pair(text: str) -> frozenset[str]:
    """The two nodes of the text of an edge."""
    first, _, rest = text.partition(" ")
    return frozenset((first, rest.partition(" ")[2]))


def matched_graphs(runs: Named) -> tuple[dict[str, Graph], str]:
    """The graphs, over the latents of the first run where these can be matched, and what was done."""
    if all((record.path / LATENTS).exists() for record in runs.values()):
        try:
            matched = match_runs([read_latents(record.path) for record in runs.values()])
        except InputError:
            pass
        else:
            pairs = zip(runs, matched, strict=True)
            return {name: each.learned for name, each in pairs if each.learned is not None}, MATCHED
    return {name: Graph.from_json(record.path / GRAPH) for name, record in runs.items()}, OTHER_LATENTS


def diagnoses_beside(runs: Named) -> Section | None:
    """The verdict of every assumption in each run."""
    found = {name: findings for name, record in runs.items() if (findings := findings_of(record))}
    if len(found) < 2:
        return None
    rows = []
    for key in dict.fromkeys(key for findings in found.values() for key in findings):
        verdicts = [plain_text(findings.get(key, {}).get("verdict")) for findings in found.values()]
        named = next(findings[key] for findings in found.values() if key in findings)
        rows.append(
            [
                TableCell(plain_text(named.get("assumption"))),
                *(TableCell(each, tone=TONES.get(each, "")) for each in verdicts),
            ]
        )
    columns = [Column("assumption"), *(Column(name) for name in found)]
    return Section("Diagnostics side by side", [DataTable("Verdicts of the diagnostics", columns, rows)])


COMPARERS: tuple[Callable[[Named], Section | None], ...] = (
    different_options,
    metrics_beside,
    changed_verdicts,
    edges_beside,
    diagnoses_beside,
)
