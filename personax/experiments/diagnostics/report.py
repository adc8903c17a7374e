"""The diagnostics as a page and as JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from personax.experiments.diagnostics.findings import CLEAR, NEGLIGIBLE, Finding

EXPLANATION = (
    "An assumption of independence holds if no test is significant (p-values are Holm-corrected, level "
    f"{{alpha:g}}) or all effects are below {NEGLIGIBLE:g}; it is violated by a significant effect of "
    f"{CLEAR:g} or more, and doubtful in between. Effects are HSIC's kernel alignment, 0 to 1, about "
    "|correlation|. Everything is measured on test rows; what had to be fitted was fitted on training rows. "
    '"Holds" means that these tests see nothing against it. Alignment, orthogonality and evenness are what '
    "training asks for: they show that it succeeded, not that the world is so."
)


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """One line an assumption, for the terminal."""
    width = max(len(finding.verdict) for finding in findings)
    return [
        f"{finding.verdict:<{width}}  {finding.assumption}: {finding.measured}"
        + (f" [{finding.reference}]" if finding.reference else "")
        for finding in findings
    ]


def findings_page(findings: Sequence[Finding], facts: Mapping[str, Any]) -> str:
    """diagnostics.md."""
    mark = "SIMULATED DATA. " if facts["simulated"] else ""
    rows = ["| assumption | verdict | measured | to compare with |", "|---|---|---|---|"]
    rows += [f"| {f.assumption} | **{f.verdict}** | {f.measured} | {f.reference} |" for f in findings]
    head = f"{mark}{facts['test_rows']} test rows, {facts['train_rows']} training rows; {facts['source']}."
    return "\n".join(["# Diagnostics", "", head, "", *rows, "", EXPLANATION.format(alpha=facts["alpha"]), ""])


def as_json(findings: Sequence[Finding], facts: Mapping[str, Any]) -> dict[str, Any]:
    """diagnostics.json: the facts of the run, then every finding with its numbers."""
    keys = ("assumption", "verdict", "measured", "reference", "details")
    return dict(facts) | {
        "findings": {finding.key: {key: getattr(finding, key) for key in keys} for finding in findings}
    }
