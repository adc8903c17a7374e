"""On which observed features each latent depends: the tests of Level I, latents against features."""

from collections.abc import Sequence

import pandas as pd

from personax.independence import Variables, decide, run_grid
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable

ASSOCIATION_TEST = "kci"
NAMING_FEATURES = 3  # largest number of features that suggest a name for a latent
# A label is written into a picture from this effect (KCI) on. Half of it would still be significant with
# thousands of people, but says little of what the latent is.
LEAST_LABEL_EFFECT = 0.4


def observed_columns(table: PeopleTable) -> Variables:
    """Biography and aggregated trait scores (n, columns), with the kind of each."""
    columns, kinds = table.features.reset_index(drop=True), dict(table.kinds)
    if "aggregated" in table.scores:
        traits = table.scores["aggregated"].reset_index(drop=True)
        columns = pd.concat([traits, columns], axis=1)
        kinds |= {str(trait): "ordinal" for trait in traits.columns}
    return Variables(columns, kinds, table.periods)


def associate(latents: pd.DataFrame, table: PeopleTable, *, alpha: float, seed: int) -> pd.DataFrame:
    """One row per latent and feature, over the people who have both, with n, p-value, q-value and effect.

    The test is KCI; q-values are those of Benjamini & Hochberg over the whole table.
    """
    grid = run_grid(
        Variables(latents.reset_index(drop=True), dict.fromkeys(latents.columns, "continuous")),
        observed_columns(table),
        tests=(ASSOCIATION_TEST,),
        rng=numpy_rng(seed, "associations"),
    )
    decided = decide(grid.assign(scores="latents"), alpha, "fdr_bh").rename(columns={"trait": "latent"})
    decided["simulated"] = table.simulated
    wanted = ["latent", "feature", "test", "n", "pvalue", "log10_pvalue", "q_value", "effect", "rejected"]
    return decided[[*wanted, "simulated"]]


def suggest_names(associations: pd.DataFrame, latents: Sequence[str]) -> dict[str, str]:
    """Latent -> its strongest significant features with their effects; "" if there are none."""
    significant = associations[associations["rejected"]].sort_values("effect", ascending=False)
    names = {}
    for latent in latents:
        best = significant[significant["latent"] == latent].head(NAMING_FEATURES)
        names[latent] = ", ".join(f"{row.feature} {row.effect:.2f}" for row in best.itertuples())
    return names


def tentative_labels(associations: pd.DataFrame, latents: Sequence[str]) -> dict[str, str]:
    """Latent -> a label such as "Neuroticism 0.47?" for pictures, for the latents that have one.

    A feature is a label only where its effect is significant and at least `LEAST_LABEL_EFFECT`, and only
    once: the strongest pairs of latent and feature are taken first.
    """
    strong = associations[associations["rejected"] & (associations["effect"] >= LEAST_LABEL_EFFECT)]
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for row in strong.sort_values("effect", ascending=False, kind="stable").to_dict("records"):
        if row["latent"] not in labels and row["feature"] not in taken:
            labels[row["latent"]] = f"{row['feature']} {row['effect']:.2f}?"
            taken.add(row["feature"])
    return {latent: labels[latent] for latent in latents if latent in labels}
