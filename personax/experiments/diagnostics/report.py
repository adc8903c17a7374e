"""The diagnostics as a page and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from personax.experiments.diagnostics.findings import CLEAR, NEGLIGIBLE, Finding
from personax.runs.markdown import markdown_table

EXPLANATION = (
    "An assumption of independence holds if no test is significant (p-values are Holm-corrected, level "
    f"{{alpha:g}}) or if all significant effects are below {NEGLIGIBLE:g}. It is violated by a significant "
    f"effect of {CLEAR:g} or more, and doubtful in between. Effects are HSIC's kernel alignment, in [0, 1], "
    "about |correlation|. Everything is measured on test rows; what has to be fitted is fitted on training "
    'rows. "Holds" means that these tests find nothing against the assumption. Alignment, orthogonality and '
    "evenness are optimised in training: if they hold, training has succeeded, but this does not show that "
    "the assumption is true in the world."
)


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """One line per assumption, for the terminal."""
    width = max(len(finding.verdict) for finding in findings)
    return [
        f"{finding.verdict:<{width}}  {finding.assumption}: {finding.measured}"
        + (f" [{finding.reference}]" if finding.reference else "")
        for finding in findings
    ]


def findings_page(findings: Sequence[Finding], facts: Mapping[str, Any]) -> str:
    """The findings as a page: diagnostics.md."""
    mark = "SIMULATED DATA. " if facts["simulated"] else ""
    head = f"{mark}{facts['test_rows']} test rows, {facts['train_rows']} training rows; {facts['source']}."
    table = pd.DataFrame(
        [(f.assumption, f"**{f.verdict}**", f.measured, f.reference) for f in findings],
        columns=["assumption", "verdict", "measured", "to compare with"],
    )
    text = EXPLANATION.format(alpha=facts["alpha"])
    return "\n".join(["# Diagnostics", "", head, "", markdown_table(table), "", text, ""])


def as_json(findings: Sequence[Finding], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The content of diagnostics.json: the facts of the run, then every finding with its numbers."""
    keys = ("assumption", "verdict", "measured", "reference", "details")
    return dict(facts) | {
        "findings": {finding.key: {key: getattr(finding, key) for key in keys} for finding in findings}
    }
