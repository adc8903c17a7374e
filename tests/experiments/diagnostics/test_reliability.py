"""A run whose latents are not recovered says nothing against the assumptions."""

from collections.abc import Sequence

import pandas as pd
import pytest

from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Finding,
    Verdict,
    overall,
)
from personax.experiments.diagnostics.reliability import as_far_as_judged, late_progress

SETTLED = [100.0, 20.0, 12.0, 10.5, 10.2, 10.1, 10.0]
FALLING = [100.0, 95.0, 90.0, 80.0, 70.0, 60.0, 50.0]


def trained(losses: Sequence[float], rising: int = 0) -> pd.DataFrame:
    """The history of a training, whose weights are not full in the first epochs, and an identification."""
    epochs = pd.DataFrame(
        {
            "phase": "representation",
            "validation": losses,
            "weight_kl": [3.0 if epoch >= rising else 1.0 for epoch in range(len(losses))],
        }
    )
    return pd.concat([epochs, pd.DataFrame({"phase": ["identification"], "generation": [1]})])


def findings(alignment: Verdict) -> list[Finding]:
    verdicts = {"eps": VIOLATED, "eta": DOUBTFUL, "evenness": HOLDS, "alignment": alignment}
    return [Finding(key, key, verdict, "measured") for key, verdict in verdicts.items()]


@pytest.mark.parametrize(
    ("losses", "rising", "share"),
    [
        ([10.0, 5.0, 4.0, 2.0], 0, 3.0 / 8.0),  # from 5 to 2, of from 10 to 2
        ([10.0, 5.0, 4.0, 2.0], 2, 2.0 / 8.0),  # the weights are full in the last two
        ([10.0, 2.0, 3.0, 4.0], 0, 0.0),  # the best epoch came early
        ([10.0, 10.0], 0, 0.0),
        ([10.0], 0, 0.0),
    ],
)
def test_late_progress_is_that_of_epochs_with_full_weights(
    losses: list[float], rising: int, share: float
) -> None:
    assert late_progress(trained(losses, rising)) == pytest.approx(share)


def test_a_training_that_had_not_settled_violates_nothing() -> None:
    judged = as_far_as_judged(findings(VIOLATED), trained(FALLING))
    assert [finding.verdict for finding in judged.findings] == [UNKNOWN, UNKNOWN, HOLDS, UNKNOWN]
    summary = overall(judged.findings, judged.reason)
    assert summary.startswith("this run cannot judge the assumptions: the training had not settled")
    assert "model.phase1.epochs" in summary
    assert summary.endswith("(holds: 1, cannot be told here: 3)")


def test_latents_that_are_not_recovered_violate_only_the_alignment() -> None:
    judged = as_far_as_judged(findings(VIOLATED), trained(SETTLED))
    assert [finding.verdict for finding in judged.findings] == [UNKNOWN, UNKNOWN, HOLDS, VIOLATED]
    assert "the latents are not recovered" in judged.reason


@pytest.mark.parametrize("alignment", [HOLDS, DOUBTFUL, UNKNOWN])
def test_the_verdicts_of_a_good_run_stay(alignment: Verdict) -> None:
    judged = as_far_as_judged(findings(alignment), trained(SETTLED))
    assert judged.findings == findings(alignment)
    assert judged.reason == ""
