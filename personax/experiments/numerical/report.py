"""The table of all cases and methods as Markdown, with the published numbers beside."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from personax.experiments.method_table import title_of
from personax.experiments.numerical.run import SCORES_OF_CASES
from personax.experiments.summary import MARK_OF_SIMULATION, mean_and_spread
from personax.numerical.numerical_cases import CASES, DAUNHAWER, MORIOKA, STURMA, SUN
from personax.runs.markdown import markdown_table


class PeersNumbers(NamedTuple):
    """What a paper reports on its own draws of a case: in words, and R2 and MCC where it has them."""

    words: str
    r2: float | None = None
    mcc: float | None = None


def _sun_numbers(r2: float, mcc: float) -> PeersNumbers:
    return PeersNumbers(f"R2 {r2:.2f}, MCC {mcc:.2f} ({SUN}, Tab. 4, in-sample)", r2, mcc)


PEERS: Mapping[str, PeersNumbers] = {
    "case1": PeersNumbers(f"SHD 0 ({SUN}); R2 and MCC in a figure only"),
    "case1_hidden": PeersNumbers("none; the paper's conditions exclude it"),
    "case2": PeersNumbers(f"in a figure only ({SUN})"),
    "case3": PeersNumbers(f"in a figure only ({SUN})"),
    "modalities5": _sun_numbers(0.89, 0.84),
    "modalities6": _sun_numbers(0.97, 0.82),
    "modalities8": _sun_numbers(0.83, 0.91),
    "shared2": _sun_numbers(0.86, 0.83),
    "shared3": _sun_numbers(0.90, 0.83),
    "groups": PeersNumbers(f"in figures only; F1 is the best over 21 thresholds ({MORIOKA})"),
    "domains": PeersNumbers(f"graph error 0.058, 2.98 of 3 shared latents found, unpaired rows ({STURMA})"),
    "content": PeersNumbers(f"R2 of content in figures only ({DAUNHAWER})"),
}

# What each score needs, in the words below the table.
NOTES_BELOW = (
    "Scores on test rows. R2: share of the variance of the true latents that a kernel ridge regression on "
    "the recovered ones explains; MCC: mean correlation after matching; T-MEX: share of pairs of a recovered "
    "latent and a true one that is not its own which are dependent given its own; SHD: wrong edges; F1: of "
    "the edges, directions count, at the method's own threshold; best F1: at the best of 21 thresholds on "
    "the strength of an edge, which only the truth can tell. A blank means that a method or a case has no "
    "such score.",
    "Published numbers are those of the papers' own draws, fitted and scored by their own protocols; they "
    "are beside ours for orientation only.",
)


def summary_of_cases(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per case and method: mean and standard deviation of each score over the seeds that were run."""
    rows = []
    for (case, method), found in runs.groupby(["case", "method"], sort=False):
        row = {"case": case, "method": method, "n": found["n"].iloc[0], "seeds": len(found)}
        for score in SCORES_OF_CASES:
            values = found[score].dropna()
            row |= {score: values.mean(), f"{score} sd": values.std()}
        peers = PEERS[str(case)]
        rows.append(row | {"published R2": peers.r2, "published MCC": peers.mcc, "published": peers.words})
    return pd.DataFrame(rows)


def numerical_report(runs: pd.DataFrame, table: pd.DataFrame) -> str:
    """All tables, as a page: one for each case."""
    lines = [
        "# Numerical data of other papers",
        "",
        f"{MARK_OF_SIMULATION}{NOTES_BELOW[0]}",
        "",
        NOTES_BELOW[1],
    ]
    for case in dict.fromkeys(table["case"]):
        found = runs[runs["case"] == case]
        rows = {
            title_of(method): _cells(found[found["method"] == method])
            for method in dict.fromkeys(found["method"])
        }
        frame = _without_blanks(pd.DataFrame.from_dict(rows, orient="index"))
        lines += ["", f"## {CASES[case].title} (n = {found['n'].iloc[0]:,}; {CASES[case].source})", ""]
        lines += [markdown_table(frame, index=""), "", f"Published: {PEERS[case].words}."]
    return "\n".join(lines) + "\n"


def _cells(runs: pd.DataFrame) -> dict[str, str]:
    """Mean ± standard deviation of every score, and how often there was no wrong edge."""
    cells = {
        score: mean_and_spread(runs[score].to_numpy(dtype=float), 0 if score == "seconds" else 3)
        for score in SCORES_OF_CASES
    }
    known = runs["SHD"].dropna()
    return {"seeds": str(len(runs))} | cells | {"SHD 0": f"{(known == 0).sum()} of {len(known)}"}


def _without_blanks(table: pd.DataFrame) -> pd.DataFrame:
    """Without columns that say nothing in any row."""
    return table.loc[:, [bool(np.any(~table[name].isin(["", "0 of 0"]))) for name in table.columns]]


def methods_in_order(runs: pd.DataFrame) -> Sequence[str]:
    """The methods, in the order in which they were run."""
    return list(dict.fromkeys(runs["method"]))
