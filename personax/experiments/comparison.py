"""Every method on the same data, and ours without each of its parts: the paper's Fig. 5 (c) and more.

All runs share data, budget, selection rule and networks (the official recipe chose its own); a baseline's own
settings were tuned without the truth (baselines/tuning.py). Scores are held-out means and standard deviations
over seeds that draw data and weights anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from personax.baselines.registry import METHODS, find_method
from personax.crl import CRLConfig
from personax.experiments.cells import run_cells
from personax.experiments.comparison_figures import draw_methods, draw_trends
from personax.experiments.mnist import OURS, MnistConfig
from personax.experiments.mnist_command import baseline_settings
from personax.experiments.summary import pick
from personax.runs.command import parse_seeds
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.folder import project_path
from personax.views import split_rows

COMPARED = ("mmcrl", "mcl", "beta_vae", "causal_vae", "autoencoder", "official")
PARTS = ("methods", "ablations", "sizes", "measurements")

# R2 and MCC as published (PersonaX, Fig. 5 (c)): fitted and scored on the same rows, on data that are lost.
PUBLISHED = {
    OURS: (0.96, 0.92),
    "mmcrl": (0.90, 0.85),
    "mcl": (0.79, 0.63),
    "beta_vae": (0.68, 0.53),
    "causal_vae": (0.50, 0.74),
}

SCORES = {
    "R2": "heldout.r2",
    "MCC": "heldout.mcc_pearson",
    "MCC, ranks": "heldout.mcc_spearman",
    "SHD": "graph.shd",
    "F1": "graph.f1",
    "in-sample R2": "insample.r2",
    "in-sample MCC": "insample.mcc_pearson",
    "seconds": "seconds",
}

Change = Callable[[MnistConfig], MnistConfig]


def _phase1(**changes: Any) -> Change:
    return lambda c: replace(c, model=replace(c.model, phase1=replace(c.model.phase1, **changes)))


def _phase2(**changes: Any) -> Change:
    return lambda c: replace(c, model=replace(c.model, phase2=replace(c.model.phase2, **changes)))


def _no_cross(config: MnistConfig) -> MnistConfig:
    """No contrast between modalities, no higher price of edges between them, no starts that avoid them.

    Phase 1's draft of the graph, which identification replaces, keeps its prices.
    """
    return _phase2(cross_sparsity=config.model.phase2.sparsity)(_phase1(cross=0.0)(config))


def _no_sparsity(config: MnistConfig) -> MnistConfig:
    return _phase2(sparsity=0.0, cross_sparsity=0.0)(_phase1(sparsity=0.0)(config))


def _scenes(n: int) -> Change:
    """n scenes, and as many optimiser steps as with the number that the configuration has, to an epoch."""

    def change(config: MnistConfig) -> MnistConfig:
        phase1 = config.model.phase1
        before, now = (batches_per_epoch(scenes, phase1.batch_size) for scenes in (config.n, n))
        epochs, patience = (max(1, round(its * before / now)) for its in (phase1.epochs, phase1.patience))
        return _phase1(epochs=epochs, patience=patience)(replace(config, n=n))

    return change


def batches_per_epoch(scenes: int, batch_size: int) -> int:
    """Optimiser steps of an epoch over the training rows of so many scenes."""
    return max(1, len(split_rows(scenes, np.random.default_rng(0)).train) // batch_size)


def _measurements(number: int) -> Change:
    return lambda config: replace(config, measurements=f"{number},{number}")


# Folder of the runs -> title in the table, what is changed.
ABLATIONS: Mapping[str, tuple[str, Change]] = {
    "no-alignment": ("no alignment", _phase1(align=0.0)),
    "no-cross": ("no cross-modal terms", _no_cross),
    "no-sparsity": ("no sparsity", _no_sparsity),
    "isotropic": ("isotropic prior", lambda c: replace(c, model=replace(c.model, causal=False))),
    "no-orthogonality": ("no orthogonality", _phase2(orthogonality=0.0)),
    "no-evenness": ("no evenness", _phase2(evenness=0.0)),
    "measurements-1": ("one measurement", _measurements(1)),
}
SIZES: Mapping[str, tuple[str, Change]] = {
    f"n-{n}": (f"{n:,}", _scenes(n)) for n in (2500, 5000, 10000, 40000)
}
MEASUREMENTS: Mapping[str, tuple[str, Change]] = {
    f"measurements-{number}": (str(number), _measurements(number)) for number in (1, 2, 4, 5)
}
VARIATIONS = {"ablations": ABLATIONS, "sizes": SIZES, "measurements": MEASUREMENTS}


@dataclass(frozen=True)
class ComparisonConfig:
    """What is compared, and how many processes do it."""

    seeds: str = "0-9"
    """Seeds of the methods, as 0,1,2 or 0-9; each draws data and weights anew."""
    ablation_seeds: str = "0-2"
    """Seeds of everything else; among the methods' seeds, so that they can be set beside the full model."""
    parts: str = ",".join(PARTS)
    """Any of methods, ablations, sizes (2,500 to 40,000 scenes) and measurements (1 to 5)."""
    methods: str = ",".join(COMPARED)
    """Baselines beside ours; also causal_vae_supervised, which is given the truth, and official_published."""
    jobs: int = 2
    """Runs at a time."""
    n: int = 20000
    """Scenes, except where their number is what is varied."""
    source: Literal["auto", "mnist", "digits"] = "auto"
    """MNIST and Fashion-MNIST, scikit-learn's bundled digits, or the first that can be had."""
    data_dir: str = "data"
    """Folder with MNIST/raw and FashionMNIST/raw."""
    device: str = "auto"
    """auto, cpu or cuda."""
    output: str = "results/comparison"
    """Folder of the tables, the figures and the runs. The same command continues what it holds."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """Our model; the baselines take epochs, batch size and patience from its phase1, and its widths."""


def run_comparison(config: ComparisonConfig) -> None:
    """Run what is missing, print the tables, write tables and figures. Raises InputError."""
    parts = [part.strip() for part in config.parts.split(",")]
    for part in parts:
        if part not in PARTS:
            raise InputError(f"parts: {part!r} is unknown; choose from {', '.join(PARTS)}")
    if config.jobs < 1:
        raise InputError(f"jobs {config.jobs}: at least 1")
    seeds, few = parse_seeds(config.seeds), parse_seeds(config.ablation_seeds)
    if any(part != "methods" for part in parts) and not set(few) <= set(seeds):
        raise InputError(f"ablation_seeds {config.ablation_seeds}: must be among seeds {config.seeds}")
    rivals = [name.strip() for name in config.methods.split(",") if name.strip()]
    for name in rivals:
        find_method(name)

    home = project_path(Path(config.output))
    variants = _variants(config, rivals if "methods" in parts else [])
    wanted: dict[str, list[int]] = dict.fromkeys(variants, seeds if "methods" in parts else few)
    for part in parts:
        for name, (_, change) in VARIATIONS.get(part, {}).items():
            variants[name] = replace(change(variants[OURS]), ceiling_epochs=0)
            wanted[name] = few
    # seed by seed, so that an interrupted comparison has something of everything
    cells = {
        home / "runs" / name / f"seed-{seed}": replace(variants[name], seed=seed)
        for seed in seeds
        for name, its_seeds in wanted.items()
        if seed in its_seeds
    }
    metrics = run_cells(cells, config.jobs)
    runs = pd.DataFrame(
        {"method": path.parent.name, "seed": cells[path].seed}
        | {column: pick(found, [key]).get(key, np.nan) for column, key in SCORES.items()}
        | {"ceiling R2": pick(found, ["ceiling.r2"]).get("ceiling.r2", np.nan), "data": found["source"]}
        for path, found in metrics.items()
    )
    if runs["data"].nunique() > 1:
        raise InputError(f"{home}: its runs are of {' and '.join(runs['data'].unique())}; remove one sort")
    with atomic_path(home / "runs.csv") as temporary:
        runs.to_csv(temporary, index=False)
    text = _report(runs, parts, [OURS, *rivals], few, config)
    write_text(home / "comparison.md", text)
    _draw(runs, parts, [OURS, *rivals], few, config.n, home)
    print(text)
    print("pictures:", *sorted(str(path) for path in home.glob("*.png")), sep="\n  ")


def _variants(config: ComparisonConfig, rivals: list[str]) -> dict[str, MnistConfig]:
    """Folder of the runs -> configuration, of ours and the baselines."""
    base = MnistConfig(
        name="comparison",
        n=config.n,
        source=config.source,
        data_dir=config.data_dir,
        device=config.device,
        figures=False,
        resume=True,
        model=config.model,
    )
    variants = {OURS: base}
    for name in rivals:
        settings = baseline_settings(name, config.model)
        variants[name] = replace(base, method=name, settings=settings, ceiling_epochs=0)
    return variants


def title(method: str) -> str:
    """A method as it stands in tables; with a star where it is given the truth."""
    if method == OURS:
        return "PersonaX (ours)"
    return METHODS[method].title + ("*" if METHODS[method].uses_truth else "")


def _report(
    runs: pd.DataFrame, parts: list[str], methods: list[str], few: list[int], config: ComparisonConfig
) -> str:
    """The tables, in Markdown."""
    ceiling = runs["ceiling R2"].dropna()
    lines = [
        f"# Comparison on Variant-MNIST ({runs['data'].iloc[0]}, n = {config.n:,}, 3,3 measurements)",
        "",
        f"Held-out scores, mean ± sd over seeds. Supervised ceiling: R2 {_spread(ceiling)}.",
    ]
    if "methods" in parts:
        rows = {title(name): runs[runs["method"] == name] for name in methods}
        published = {title(name): PUBLISHED[name] for name in methods if name in PUBLISHED}
        lines += ["", f"## Methods, seeds {config.seeds}", "", *_table(rows, published)]
        lines += ["", "Published: in-sample, on data that are lost. Blank: the method has no graph."]
    ours = runs[(runs["method"] == OURS) & runs["seed"].isin(few)]
    for part, heading, own in (
        ("ablations", "Ablations", "full model"),
        ("sizes", "Number of scenes, as many optimiser steps to an epoch", f"{config.n:,}"),
        ("measurements", "Measurements of each modality", "3"),
    ):
        if part in parts:
            rows = {own: ours} | {
                name: runs[runs["method"] == folder] for folder, (name, _) in VARIATIONS[part].items()
            }
            if part != "ablations":
                rows = dict(sorted(rows.items(), key=lambda row: int(row[0].replace(",", ""))))
            lines += ["", f"## {heading}, seeds {config.ablation_seeds}", "", *_table(rows)]
    return "\n".join(lines) + "\n"


def _table(
    rows: Mapping[str, pd.DataFrame], published: Mapping[str, tuple[float, float]] | None = None
) -> list[str]:
    columns = list(SCORES)
    header = ["", *columns] + (["published R2", "published MCC"] if published else [])
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    for name, found in rows.items():
        cells = [_spread(found[column], 0 if column == "seconds" else 3) for column in columns]
        if published:
            cells += [f"{value:.2f}" for value in published[name]] if name in published else ["", ""]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _spread(values: "pd.Series[float]", digits: int = 3) -> str:
    """Mean ± sd, the mean alone for one value, nothing for none."""
    known = values.dropna()
    if known.empty:
        return ""
    mean = f"{known.mean():.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ± {known.std():.{digits}f}"


def _draw(
    runs: pd.DataFrame, parts: list[str], methods: list[str], few: list[int], scenes: int, home: Path
) -> None:
    if "methods" in parts:
        draw_methods(
            {title(name): runs[runs["method"] == name] for name in methods},
            {title(name): PUBLISHED[name] for name in methods if name in PUBLISHED},
            runs["ceiling R2"].mean(),
            home / "comparison",
        )
    ours = runs[(runs["method"] == OURS) & runs["seed"].isin(few)]
    if "ablations" in parts:
        rows = {name: runs[runs["method"] == folder] for folder, (name, _) in ABLATIONS.items()}
        draw_methods({"full model": ours} | rows, {}, runs["ceiling R2"].mean(), home / "ablations")
    trends: dict[str, pd.DataFrame] = {}
    for part, label, own in (
        ("sizes", "scenes", scenes),
        ("measurements", "measurements of each modality", 3),
    ):
        if part in parts:
            x = {OURS: own} | {
                folder: int(name.replace(",", "")) for folder, (name, _) in VARIATIONS[part].items()
            }
            chosen = pd.concat([ours, runs[runs["method"].isin(x) & (runs["method"] != OURS)]])
            trends[label] = chosen.assign(x=chosen["method"].map(x))
    if trends:
        draw_trends(trends, home / "trends")
