"""May the findings on a run be held against the assumptions? Not if its latents are not those of the people.

Nearly every check takes the recovered latents for the true ones. After a short training, or with measurements
that say little, they are not. Then a dependence that is found shows a fault of the fit.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from personax.experiments.diagnostics.findings import DOUBTFUL, UNKNOWN, VIOLATED, Finding

# Trainings of 60 epochs that had settled had 0.004 to 0.008, the quick start of Variant-MNIST (30 epochs)
# 0.025; trainings of 8 to 15 epochs that more epochs changed had 0.06 to 0.16.
SETTLED = 0.04


class Judgement(NamedTuple):
    """The findings as far as this run can judge, and why it cannot judge more; "" if it can."""

    findings: list[Finding]
    reason: str


def late_progress(history: pd.DataFrame) -> float:
    """How much of the fall of the loss on validation rows came in the second half of the training, in [0, 1].

    Halves are halves of the epochs in which all weights are full: weights that rise change the loss, too.

    history: of a training (fitting.read_history).
    """
    rows = history[history["phase"] == "representation"]
    loss = rows["validation"].to_numpy()
    weights = rows[[name for name in rows.columns if str(name).startswith("weight_")]].fillna(0)
    full = loss[(weights == weights.max()).all(axis=1).to_numpy()]
    half, best = full[: (len(full) + 1) // 2].min(), full.min()
    return float((half - best) / max(loss[0] - best, 1e-12))


def as_far_as_judged(findings: Sequence[Finding], history: pd.DataFrame) -> Judgement:
    """The findings; without recovered latents, "cannot be told here" in place of violated and doubtful.

    history: of the training. The alignment of measurements needs no true latents: once the training has
    settled, it keeps its verdict.
    """
    late = late_progress(history)
    if late > SETTLED:
        return Judgement(
            _held_back(findings, but=""),
            f"the training had not settled (its second half made {late:.0%} of the progress); train longer "
            "(a larger model.phase1.epochs) and diagnose again",
        )
    if any(finding.key == "alignment" and finding.verdict == VIOLATED for finding in findings):
        return Judgement(
            _held_back(findings, but="alignment"),
            "the latents are not recovered, since measurements of one person lead to different ones; more "
            "people, longer training or measurements with less noise are needed",
        )
    return Judgement(list(findings), "")


def _held_back(findings: Sequence[Finding], but: str) -> list[Finding]:
    """The findings without violated and doubtful, but for the one with the key `but`."""
    return [
        replace(finding, verdict=UNKNOWN)
        if finding.verdict in (VIOLATED, DOUBTFUL) and finding.key != but
        else finding
        for finding in findings
    ]
