"""Level I on the scores of each model, format and repeat by itself, and what changes between the grids."""

from collections.abc import Sequence
from pathlib import Path

from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.effect_grids import MatchedPeople, all_grids
from personax.experiments.prompt_effect.figures import draw_effect
from personax.experiments.prompt_effect.report import effect_report
from personax.experiments.prompt_effect.verdict_changes import PromptEffect
from personax.runs.files import atomic_path, sha256_text, write_json, write_text
from personax.runs.run_folder import FIGURES, METRICS, open_run
from personax.traits.verdicts import cell_changes, changes_by, verdict_matrix

VERDICT_COLUMNS = (
    "model",
    "format",
    "repeat",
    "trait",
    "feature",
    "test",
    "n",
    "log10_pvalue",
    "pvalue",
    "effect",
    "rejected",
)


def examine_effect(
    config: EffectConfig, matched: MatchedPeople, tests: Sequence[str], path: Path
) -> PromptEffect:
    """Test all grids, compare their verdicts, and write everything to the run folder `path`."""
    source, table = matched.source, matched.table
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        data_source=source.source,
        data_sha256=sha256_text(f"{source.sha256} {table.sha256}"),
        answers_sha256=source.sha256,
        table_source=table.source,
        table_sha256=table.sha256,
        simulated=source.simulated or table.simulated,
        people=len(matched.people),
    ) as folder:
        decided = all_grids(config, matched, tests, folder)
        matrix = verdict_matrix(decided)
        found = PromptEffect(decided, changes_by(matrix), cell_changes(matrix))
        tables = {
            "verdicts": decided.reindex(columns=list(VERDICT_COLUMNS)),
            "changes": found.changes,
            "cells": found.cells,
        }
        for name, each in tables.items():
            with atomic_path(folder / f"{name}.csv") as temporary:
                each.to_csv(temporary, index=False)
        write_text(folder / "report.md", effect_report(config, matched, found))
        draw_effect(config, matched, found, folder / FIGURES)
        metrics = {"simulated": source.simulated, "changes": found.changes.to_dict("records")}
        write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete
    return found
