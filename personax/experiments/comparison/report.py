"""The tables of the comparison as Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from personax.experiments.comparison.config import ComparisonConfig
from personax.experiments.comparison.run import Request
from personax.experiments.comparison.variants import VariedPart, varied_part
from personax.experiments.method_table import Published, score_table, title_of
from personax.experiments.run_options import OURS
from personax.experiments.summary import mean_and_spread

# PersonaX, Fig. 5 (c): fitted and scored on the same rows, on data that are not available any more.
PUBLISHED = {
    OURS: Published(0.96, 0.92),
    "mmcrl": Published(0.90, 0.85),
    "mcl": Published(0.79, 0.63),
    "beta_vae": Published(0.68, 0.53),
    "causal_vae": Published(0.50, 0.74),
}


class Panel(NamedTuple):
    """One table or picture of the comparison.

    Attributes:
        heading: heading of the table.
        rows: title of a row -> its runs, one per seed.
        published: title of a row -> published scores.
        varied: what is varied, or None for the panel of the methods.
        unfinished: titles of rows without a finished run.
    """

    heading: str
    rows: Mapping[str, pd.DataFrame]
    published: Mapping[str, Published]
    varied: VariedPart | None = None
    unfinished: Sequence[str] = ()


def panels_of(runs: pd.DataFrame, config: ComparisonConfig, request: Request) -> Iterator[Panel]:
    """The panels of the requested parts; runs that are not finished are not in them."""
    for panel in _all_panels(runs, config, request):
        finished = {title: of_row for title, of_row in panel.rows.items() if len(of_row)}
        if finished:
            unfinished = [title for title in panel.rows if title not in finished]
            yield panel._replace(rows=finished, unfinished=unfinished)


def _all_panels(runs: pd.DataFrame, config: ComparisonConfig, request: Request) -> Iterator[Panel]:
    """The panels, with rows of no run where a method or a variant is not finished."""
    for part in request.parts:
        varied = varied_part(part, config)
        if varied is None:
            titles = {name: title_of(name) for name in (OURS, *request.baselines)}
            rows = {title: runs[runs["method"] == name] for name, title in titles.items()}
            published = {titles[name]: scores for name, scores in PUBLISHED.items() if name in titles}
            yield Panel(f"Methods, seeds {config.seeds}", rows, published)
        else:
            ours = runs[(runs["method"] == OURS) & runs["seed"].isin(request.few)]
            rows = {varied.unchanged: ours} | {
                each.title: runs[runs["method"] == folder] for folder, each in varied.variations.items()
            }
            if varied.axis:
                rows = dict(sorted(rows.items(), key=lambda row: as_number(row[0])))
            yield Panel(f"{varied.heading}, seeds {config.ablation_seeds}", rows, {}, varied)


def as_number(title: str) -> int:
    """The number in a title such as 2,500."""
    return int(title.replace(",", ""))


def comparison_report(runs: pd.DataFrame, config: ComparisonConfig, request: Request) -> str:
    """All tables, as a page."""
    scenes = (
        f"n = {config.n:,}, {config.measurements} measurements" if config.dataset is None else config.dataset
    )
    lines = [
        f"# Comparison on Variant-MNIST ({runs['data'].iloc[0]}, {scenes})",
        "",
        "Scores on test scenes, mean ± standard deviation over seeds. "
        f"Supervised ceiling: R2 {mean_and_spread(runs['ceiling R2'].to_numpy(dtype=float))}.",
    ]
    for panel in panels_of(runs, config, request):
        lines += ["", f"## {panel.heading}", "", score_table(panel.rows, panel.published)]
        if panel.unfinished:
            lines += ["", f"No run is finished of: {', '.join(panel.unfinished)}."]
        if panel.varied is None:
            lines += ["", "Published: fitted and scored on the same rows, on data that are not available."]
            lines += ["A blank SHD or F1 means that the method has no graph."]
    return "\n".join(lines) + "\n"
