"""On which observed features each latent depends: the tests of Level I, latents against features."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from personax.independence import Variables, decide, run_grid
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable
from personax.views import SHARED, MultiViewData

ASSOCIATION_TEST = "kci"
NAMING_FEATURES = 3  # largest number of features that suggest a name for a latent


def observed_columns(table: PeopleTable) -> Variables:
    """Biography and aggregated trait scores (n, columns), with the kind of each."""
    columns, kinds = table.features.reset_index(drop=True), dict(table.kinds)
    if "aggregated" in table.scores:
        traits = table.scores["aggregated"].reset_index(drop=True)
        columns = pd.concat([traits, columns], axis=1)
        kinds |= {str(trait): "ordinal" for trait in traits.columns}
    return Variables(columns, kinds, table.periods)


def without_imputed(
    latents: pd.DataFrame, blocks: Mapping[str, Sequence[str]], data: MultiViewData
) -> pd.DataFrame:
    """The latents (n, d), NaN where they are imputed because no measurement of their block was observed.

    `blocks` is block -> names of its latents. A block is a modality, or "s" for the shared latents, for which
    one measurement of any modality is enough.
    """
    seen = {modality: data.seen(modality) for modality in data.modalities}
    seen[SHARED] = np.any(list(seen.values()), axis=0)
    known = latents.copy()
    for block, names in blocks.items():
        known.loc[~seen[block], list(names)] = np.nan
    return known


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
