"""How often verdicts hold: those of finished runs of which the truth is known are compared with it.

    python benchmarks/verdicts.py results/mnist results/athlete            # all runs in these folders
    python benchmarks/verdicts.py results/hard_people/athlete.csv          # the runs of a benchmark's table

A run is *trusted* if its verdict is "identified", and *good* if its MCC, the mean over all latents, is 0.9 or
more. Prints one row for each folder or table, and one for all of them; give no run twice. The worst block is
that of the modality, or of the shared latents, with the lowest MCC; it is known of people only, and is the
MCC of all latents elsewhere.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from personax.crl.trust import IDENTIFIED
from personax.runs.command_line import run_command
from personax.runs.environment import environment_line
from personax.runs.errors import InputError
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import METRICS
from personax.runs.run_records import entry_at

GOOD = 0.9  # MCC


@dataclass
class VerdictsConfig:
    """Counts of verdicts."""

    runs: list[str] = field(default_factory=lambda: ["results"])
    """Folders of runs, and CSV tables of hard_people.py and other_scenes.py."""


class Judged(NamedTuple):
    """A run with its verdict and what it deserves: MCC of all latents, and of the worst block."""

    trusted: bool
    mcc: float
    worst: float


def judged_runs(place: Path) -> Iterator[Judged]:
    """The runs of a folder or of a table that have a verdict and whose truth is known. Raises InputError."""
    if place.is_dir():
        for file in sorted(place.rglob(METRICS)):
            found = _judged_metrics(json.loads(file.read_text(encoding="utf-8")))
            if found is not None:
                yield found
    elif place.suffix == ".csv" and place.exists():
        table = pd.read_csv(place)
        if not {"verdict", "MCC"} <= set(table):
            raise InputError(
                f"{place}: has no columns verdict and MCC; give a table of a benchmark with them"
            )
        if table[["verdict", "MCC"]].isna().to_numpy().any():
            raise InputError(f"{place}: some rows lack the verdict or the MCC; make these runs again")
        blocks = table.filter(regex="^MCC")
        for verdict, mcc, worst in zip(table["verdict"], table["MCC"], blocks.min(axis=1), strict=True):
            yield Judged(verdict == IDENTIFIED, float(mcc), float(worst))
    else:
        raise InputError(f"{place}: no such folder, and no such CSV table")


def _judged_metrics(metrics: Mapping[str, Any]) -> Judged | None:
    """What a metrics.json says, of people in blocks; None without a verdict or truth, as of a baseline."""
    blocks = entry_at(metrics, "truth.mcc")
    mcc = entry_at(metrics, "heldout.mcc_pearson") if blocks is None else blocks["all"]
    if "verdict" not in metrics or mcc is None:
        return None
    scores = [mcc] if blocks is None else [score for score in blocks.values() if score is not None]
    return Judged(metrics["verdict"] == IDENTIFIED, mcc, min(scores))


def counts_of(runs: list[Judged]) -> dict[str, int]:
    """How many are trusted, good and both."""
    return {
        "runs": len(runs),
        "trusted": sum(run.trusted for run in runs),
        f"trusted, MCC below {GOOD}": sum(run.trusted and run.mcc < GOOD for run in runs),
        f"trusted, worst block below {GOOD}": sum(run.trusted and run.worst < GOOD for run in runs),
        "good": sum(run.mcc >= GOOD for run in runs),
        "good and trusted": sum(run.trusted and run.mcc >= GOOD for run in runs),
    }


def count_verdicts(config: VerdictsConfig) -> None:
    """Print the table. Raises InputError."""
    places = [Path(place).resolve() for place in config.runs]
    if any(one == other or one in other.parents for one, other in permutations(places, 2)):
        raise InputError(f"{', '.join(config.runs)}: one is in another, so that runs would count twice")
    found = {place: list(judged_runs(Path(place))) for place in config.runs}
    every = [run for runs in found.values() for run in runs]
    if not every:
        raise InputError(f"{', '.join(config.runs)}: no finished run with a verdict whose truth is known")
    rows = [{"runs of": place} | counts_of(runs) for place, runs in found.items()]
    table = pd.DataFrame([*rows, {"runs of": "all"} | counts_of(every)])
    print(markdown_table(table), environment_line(), sep="\n\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        VerdictsConfig,
        count_verdicts,
        argv,
        description=__doc__ or "",
        positional=("runs", "folders of runs, and CSV tables of hard_people.py and other_scenes.py"),
    )


if __name__ == "__main__":
    sys.exit(main())
