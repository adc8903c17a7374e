"""The page of the comparison: held-out scores with their intervals."""

from collections.abc import Mapping

import pandas as pd

from personax.baselines.methods import METHODS
from personax.baselines.plug_in import is_plug_in
from personax.experiments.downstream.representations import COMPONENTS, MOST_RAW_COMPONENTS, RAW
from personax.experiments.downstream.scores import MEAN_OF
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.runs.markdown import escape_cell, markdown_table

SCORE_TITLES = {"r2": "R² (ridge)", "auc": "AUC (logistic regression)"}


def titles_of(methods: list[str]) -> dict[str, str]:
    """Method -> its title in tables."""
    own = {OURS: OUR_TITLE, RAW: "raw embeddings", COMPONENTS: "PCA of compressed embeddings"}
    return {
        name: own.get(name) or (name.partition(":")[2] if is_plug_in(name) else METHODS[name].title)
        for name in methods
    }


def downstream_page(scores: pd.DataFrame, source: str, folds: int, *, simulated: bool) -> str:
    """The page in Markdown."""
    mark = "SIMULATED DATA. " if simulated else ""
    titles = titles_of(list(dict.fromkeys(scores["method"])))
    lines = ["# What latents predict about people they were not learned from", ""]
    lines += [f"{mark}{escape_cell(source)}, {folds} folds.", ""]
    lines += [
        "Compression, latents and linear maps are learned outside the fold and scored on its people; all "
        "methods have the same folds. Brackets: 95 % interval of the mean over the folds, which allows for "
        "the overlap of the training people and ends where the score does. R²: share of variance explained. "
        f"AUC: 0.5 is chance. Raw embeddings are taken as their {MOST_RAW_COMPONENTS} leading principal "
        "components, all others have one number for each latent.",
        "",
    ]
    for kind, title in SCORE_TITLES.items():
        part = scores[scores["score"] == kind]
        if len(part):
            lines += [f"## {title}", "", markdown_table(wide_table(part, titles), index="predicted"), ""]
    lines += [
        "## Ours minus the others, mean over the columns",
        "",
        markdown_table(differences(scores, titles)),
        "",
    ]
    return "\n".join(lines)


def wide_table(part: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """One row per column that is predicted, one column per method."""
    shown = part.assign(
        text=[interval_text(*row) for row in part[["mean", "low", "high"]].to_numpy().tolist()]
    )
    wide = shown.pivot(index="column", columns="method", values="text")
    wide = wide.loc[list(dict.fromkeys(part["column"])), list(titles)]
    return wide.rename(columns=dict(titles)).rename_axis(columns=None)


def differences(scores: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Our mean minus that of each method, with its interval."""
    part = scores[scores["column"].isin(MEAN_OF.values()) & (scores["method"] != OURS)]
    return pd.DataFrame(
        {
            "predicted": list(part["column"]),
            "method": [titles[name] for name in part["method"]],
            "difference": [
                interval_text(*row)
                for row in part[["difference", "difference_low", "difference_high"]].to_numpy().tolist()
            ],
        }
    )


def interval_text(mean: float, low: float, high: float) -> str:
    """A mean and its interval.

    >>> interval_text(0.5, 0.44, 0.56), interval_text(0.5, float("nan"), float("nan"))
    ('0.500 [0.440, 0.560]', '0.500')
    """
    if mean != mean:
        return "–"
    return f"{mean:.3f}" if low != low else f"{mean:.3f} [{low:.3f}, {high:.3f}]"
