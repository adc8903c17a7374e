"""The page of the study: what is found, who may be given what, and what changes in Level II."""

import pandas as pd

from personax.experiments.obfuscated_releases import PLAIN
from personax.experiments.obfuscation_study.attacks import HALF
from personax.experiments.obfuscation_study.run import StudyTables
from personax.runs.markdown import escape_cell, markdown_table

FOUND = 0.01  # from this share of people on, or from ten times chance on, an attack counts as a success
TIMES_CHANCE = 10.0
ADVICE = (
    "**Not safe to publish: vectors of people, obfuscated in any of these ways.** Where an attack succeeds, "
    "they are personal data like the plain ones: give them only to people who may have the plain ones, under "
    "the same terms, and never together with the key. Where none of these attacks succeeds, that shows that "
    "these attacks fail, not that all do; an attacker with a better one, with other data of the same people "
    "or with the key may find them.",
    "**Safe to release: what is about many people at once** and names no row: graphs, results of tests, "
    "metrics, tables of groups that are not small.",
)


def study_page(tables: StudyTables, source: str, people: int, simulated: bool) -> str:
    """The page in Markdown."""
    mark = "SIMULATED DATA. " if simulated else ""
    lines = [
        "# What obfuscated embeddings give away",
        "",
        f"{mark}{escape_cell(source)}, {people} people.",
        "",
    ]
    lines += ["## What is safe to release, and what is not", ""]
    lines += [*found_lines(tables.attacks), "", *linked_lines(tables.links), ""]
    lines += [part for paragraph in ADVICE for part in (paragraph, "")]
    lines += ["## Who is found", ""]
    lines += [
        "Share of people found (top-1) by the best attack, for each number of people that the attacker "
        "knows. Without known people the attacker needs the plain vectors of all released people; the "
        "first column is for one who has half of them.",
        "",
    ]
    lines += [markdown_table(best_by_known(tables.attacks), index="release"), ""]
    lines += ["Every attack:", "", markdown_table(every_attack(tables.attacks), index="release"), ""]
    lines += [
        "## Two releases of the same people with two keys",
        "",
        "AUC of a direct comparison (0.5: it tells nothing), and the share of people linked without known "
        "pairs:",
        "",
        markdown_table(tables.links.set_index("release"), index="release"),
        "",
    ]
    if len(tables.latents):
        lines += [
            "## Level II on simulated athletes",
            "",
            "R2, MCC and SHD against the truth, on test people; same latents: |correlation| with the "
            "latents of the same seed from plain vectors. Mean ± sd over seeds.",
            "",
            markdown_table(mean_and_sd(tables.latents), index="release"),
            "",
            "Change against plain vectors with the same seed, mean ± sd over seeds:",
            "",
            markdown_table(mean_and_sd(changes_against_plain(tables.latents)), index="release"),
            "",
        ]
    return "\n".join(lines)


def found_lines(attacks: pd.DataFrame) -> list[str]:
    """A sentence for each way of obfuscation: from how many known people on an attack succeeds."""
    lines = []
    for release, rows in attacks.groupby("release", sort=False):
        success = rows[(rows["top1"] >= FOUND) & (rows["top1"] >= TIMES_CHANCE * rows["chance"])]
        if success.empty:
            worst = _largest(rows)
            lines.append(
                f"- {release}: no attack tried here finds more than {worst['top1']:.1%} of the people."
            )
            continue
        first = success[success["k"] == success["k"].min()]
        best, most = _largest(first), _largest(rows)
        lines.append(
            f"- {release}: not safe. With {int(best['k'])} known people, {best['top1']:.0%} of the others "
            f"are found ({best['attack']}); with {int(most['k'])}, {most['top1']:.0%} ({most['attack']})."
        )
    return lines


def linked_lines(links: pd.DataFrame) -> list[str]:
    """A sentence for each way of obfuscation: whether a second key makes two releases unlinkable."""
    found = links.drop(columns=["release", "AUC", "chance"]).max(axis=1)
    return [
        f"- {release}, released twice with two keys: "
        + (
            f"not safe. {share:.0%} of the people are linked without a known pair."
            if share >= max(FOUND, TIMES_CHANCE * chance)
            else f"no attack tried here links more than {share:.1%} of the people."
        )
        for release, share, chance in zip(links["release"], found, links["chance"], strict=True)
    ]


def _largest(attacks: pd.DataFrame) -> pd.Series:
    """The row of the attack that finds most."""
    return attacks.iloc[int(attacks["top1"].to_numpy().argmax())]


def best_by_known(attacks: pd.DataFrame) -> pd.DataFrame:
    """One row per release, one column per kind of attacker: the best attack's share.

    Attackers without known people first; whoever has the vectors of half of the people is one of his own
    kind.
    """
    half = attacks["attack"].str.endswith(HALF)
    kinds = [f"0, {HALF}" if is_half else f"{k:,}" for is_half, k in zip(half, attacks["k"], strict=True)]
    order = sorted(set(zip(attacks["k"], ~half, kinds, strict=True)))
    best = attacks.assign(kind=kinds).pivot_table(
        index="release", columns="kind", values="top1", aggfunc="max", sort=False
    )
    return best[[kind for _, _, kind in order]].rename_axis(columns=None)


def every_attack(attacks: pd.DataFrame) -> pd.DataFrame:
    """One row per release, one column per attack and number of known people."""
    named = attacks.assign(
        what=[f"{a}, k = {k}" if k else a for a, k in zip(attacks["attack"], attacks["k"], strict=True)]
    )
    order = list(dict.fromkeys(named["what"]))
    return named.pivot_table(index="release", columns="what", values="top1", sort=False)[order]


def changes_against_plain(latents: pd.DataFrame) -> pd.DataFrame:
    """The scores of every run minus those of the same seed with plain vectors; release, seed and scores."""
    scores = ["R2", "MCC", "SHD"]
    plain = latents[latents["release"] == PLAIN].set_index("seed")[scores]
    others = latents[latents["release"] != PLAIN].reset_index(drop=True)
    changes = others[scores] - plain.loc[others["seed"]].reset_index(drop=True)
    return others[["release", "seed"]].join(changes)


def mean_and_sd(latents: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds of every score, as text, one row per release."""
    scores = [name for name in latents.columns if name not in ("release", "seed")]
    groups = latents.groupby("release", sort=False)[scores]
    mean, sd = groups.mean(), groups.std()
    texts = {
        name: [
            f"{m:.3f}" if pd.isna(s) else f"{m:.3f} ± {s:.3f}"
            for m, s in zip(mean[name], sd[name], strict=True)
        ]
        for name in scores
    }
    return pd.DataFrame(texts, index=mean.index)
