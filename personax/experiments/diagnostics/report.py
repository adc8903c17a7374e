"""The diagnostics as a page and as JSON."""

from collections.abc import Mapping, Sequence
from textwrap import fill
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
    "the assumption is true in the world. Where the training had not settled, or measurements of one person "
    'lead to different latents, a fault is one of the fit: then "cannot be told here" stands in place of '
    "violated and doubtful."
)


# What each check asks, in plain words; the terms of the table are explained here.
MEANINGS = {
    "eps": (
        "eps is what drives a latent besides its causes in the graph. In a right graph the eps have "
        "nothing to do with each other; if two of them depend on each other, a cause or an edge is "
        "missing."
    ),
    "eta": (
        "eta is what only one measurement shows, such as the style of one picture. If two eta depend "
        "on each other, the measurements share something that the latents have missed."
    ),
    "eta_z": (
        "z are the latents. A measurement's own noise (eta) must not know the latents: else part of a "
        "latent has been taken for noise."
    ),
    "eta_eps": "The same question for what drives the latents (eps).",
    "x_given_z": (
        "x are the measurements. Once the latents are known, nothing must be left that two "
        "measurements share."
    ),
    "proposition_2": (
        "Two ways to ask the same must give one answer: are measurements independent given the "
        "latents, and is their noise independent? (Proposition 2 of the paper.)"
    ),
    "alignment": (
        "Two measurements of one person must lead to nearly the same latents. Agreement 1 is perfect, "
        "0 is chance; retrieval is how often the right person is found among all by the other "
        "measurement."
    ),
    "orthogonality": (
        "Moving along one latent must change the measurements in another direction than moving along "
        "the next one. The squared cosine is 0 at a right angle; rotated latents show what would be "
        "usual."
    ),
    "evenness": "A step along a latent must change the measurements about equally much everywhere.",
    "variability": (
        "A block is the set of latents of one modality. Its latents can only be told from their "
        "mixtures if the other blocks change them in enough different ways."
    ),
    "reach": (
        "A latent that no other block depends on directly is told from mixtures by orthogonality "
        "alone, so it is less certain than the others. Many worlds have such latents: doubtful here "
        "is no fault of the model."
    ),
    "graph": (
        "The graph must have no circle of causes, few edges, and no edge of which the model is unsure."
    ),
}


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """One line per assumption, and below it what it means; for the terminal."""
    width = max(len(finding.verdict) for finding in findings)
    return [
        f"{finding.verdict:<{width}}  {finding.assumption}: {finding.measured}"
        + (f" [{finding.reference}]" if finding.reference else "")
        + f"\n{fill(MEANINGS[finding.key], 100, initial_indent='    ', subsequent_indent='    ')}"
        for finding in findings
    ]


def findings_page(findings: Sequence[Finding], facts: Mapping[str, Any], summary: str) -> str:
    """The findings as a page: diagnostics.md. `summary` is the sentence of findings.overall."""
    mark = "SIMULATED DATA. " if facts["simulated"] else ""
    head = f"{mark}{facts['test_rows']} test rows, {facts['train_rows']} training rows; {facts['source']}."
    table = pd.DataFrame(
        [(f.assumption, f"**{f.verdict}**", f.measured, f.reference, MEANINGS[f.key]) for f in findings],
        columns=["assumption", "verdict", "measured", "to compare with", "what it means"],
    )
    text = EXPLANATION.format(alpha=facts["alpha"])
    verdict = f"**Overall: {summary}.** The model of itself, after training: {facts['model']}."
    return "\n".join(["# Diagnostics", "", head, "", verdict, "", markdown_table(table), "", text, ""])


def as_json(findings: Sequence[Finding], facts: Mapping[str, Any], summary: str) -> dict[str, Any]:
    """The content of diagnostics.json: the facts of the run, the summary, every finding with its numbers."""
    keys = ("assumption", "verdict", "measured", "reference", "details")
    return dict(facts) | {
        "overall": summary,
        "findings": {
            finding.key: {key: getattr(finding, key) for key in keys} | {"meaning": MEANINGS[finding.key]}
            for finding in findings
        },
    }
