"""The text that the synthetic experiment prints when its runs are finished."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from personax.experiments.summary import verdict_lines
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import FIGURES, ROOT


def mnist_report(results: Mapping[int, Mapping[str, Any]], table: pd.DataFrame, home: Path) -> str:
    """The table, the scores of every latent, the published numbers, and the paths of the figures.

    Args:
        results: seed -> metrics.
        table: summary of the seeds (summary.summarise).
        home: folder that holds all runs.
    """
    last = next(reversed(list(results.values())))
    shown = table if len(results) > 1 else table.drop(columns=["mean", "sd"])
    pictures = sorted(path for path in home.rglob("*.png") if FIGURES in path.parts)
    return "\n".join(
        [
            markdown_table(shown, index="metric"),
            "",
            *verdict_lines(results),
            *per_latent_lines(last),
            f"published, in-sample: R2 0.96, MCC 0.92; last seed, in-sample: R2 {last['insample']['r2']:.3f}",
            *(["pictures:"] if pictures else []),
            *(f"  {shortened(path)}" for path in pictures),
        ]
    )


def per_latent_lines(metrics: Mapping[str, Any]) -> list[str]:
    """A heading, and the held-out R2 of every latent with its supervised ceiling if it is known."""
    ceilings = (metrics.get("ceiling") or {}).get("r2_per_latent") or {}
    note = "; supervised ceiling in brackets" if ceilings else ""
    scores = [
        f"{name} {value:.3f}" + (f" [{ceilings[name]:.3f}]" if name in ceilings else "")
        for name, value in metrics["heldout"]["r2_per_latent"].items()
    ]
    heading = f"held-out R2 per latent, last seed{note} ({metrics['source']}):"
    return [heading, "  " + "  ".join(scores)]


def shortened(path: Path) -> str:
    """The path relative to the project's root if it is below the root, else the whole path."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
