"""The table of the methods on the light tunnel as Markdown."""

import pandas as pd

from personax.experiments.light_tunnel.config import TunnelConfig
from personax.experiments.method_table import score_table, title_of
from personax.experiments.summary import mean_and_spread

PUBLISHED_VERDICT = (
    "Published: no scores on these data. Gamella, Bing & Runge (arXiv 2502.20099) report that contrastive "
    "CRL, multiview CRL and CITRIS all fail to recover the settings of the real tunnel, and that most of "
    "them fail on a simple simulation of it, too. Their data have other causal models and angles, and "
    "interventions or time where a method needs these: this table is no repetition of theirs."
)


def rows_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Title of a method -> its runs, in the order of the table."""
    return {title_of(str(method)): runs[runs["method"] == method] for method in runs["method"].unique()}


def tunnel_report(runs: pd.DataFrame, config: TunnelConfig) -> str:
    """The page with the table of all methods."""
    shown = (
        f"{runs['data'].iloc[0]}, n = {config.n:,}, {config.pictures} pictures and {config.readings} "
        f"readings of a scene (sensors: {config.sensor_set}), angles within ±{config.angle_range:g} degrees"
    )
    ceiling = mean_and_spread(runs["ceiling R2"].to_numpy(dtype=float))
    lines = [
        f"# Methods on the light tunnel, seeds {config.seeds}",
        "",
        f"Scenes: {shown}.",
        "",
        "Scores on test scenes, mean ± standard deviation over seeds, each with its own random causal model. "
        + (f"Supervised ceiling: R2 {ceiling}. " if ceiling else "")
        + "A blank SHD or F1 means that the method has no graph.",
        "",
        score_table(rows_of(runs), {}),
        "",
        PUBLISHED_VERDICT,
    ]
    return "\n".join(lines) + "\n"
