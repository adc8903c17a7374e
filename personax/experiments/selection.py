"""Choosing a model without the truth: candidates, criteria on validation rows, how far these can be trusted.

Candidates differ in hyper-parameters or in the number of latents, so neither Eq. (1) nor Eq. (9) can be
compared across them. What can:

 - prediction: how well the latents inferred from all measurements but one predict that one
   (baselines/tuning.py), which falls when latents are missing or badly learned;
 - stability: how well the latents of two runs that differ in the model's seed alone agree, one to one
   (mean |Pearson| after matching, as MCC). What is not identified comes out differently every time (Khemakhem
   et al. 2020 judge identifiability so; Duan et al. 2020 choose models so).

The choice: among the candidates whose prediction is within `tolerance` of the best, those with the fewest
latents; of these the most stable. The report also gives every candidate's validation ELBO and alignment and,
where the truth is known, as here, each criterion's rank correlation with MCC; nothing is chosen by these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from personax.baselines.tuning import hidden_measurement_r2
from personax.crl import CRL, CRLConfig
from personax.crl.metrics import mean_correlation
from personax.experiments.cells import run_cells
from personax.experiments.mnist import MnistConfig, load_scenes, split_scenes
from personax.experiments.selection_figures import draw_criteria
from personax.experiments.summary import markdown
from personax.runs.command import parse_seeds
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.folder import project_path
from personax.variant_mnist.scenes import Nuisance
from personax.variant_mnist.scm import ScmName

Change = Callable[[CRLConfig], CRLConfig]


def _phase1(**changes: Any) -> Change:
    return lambda c: replace(c, phase1=replace(c.phase1, **changes))


def _phase2(**changes: Any) -> Change:
    return lambda c: replace(c, phase2=replace(c.phase2, **changes))


def _latents(number: int) -> Change:
    return lambda c: replace(c, latents=dict.fromkeys(("digit", "garment"), number))


# Folder of the runs -> what is changed; also latents-K for any number K of latents a modality.
CANDIDATES: Mapping[str, Change] = {
    "default": lambda c: c,
    "latents-1": _latents(1),
    "latents-3": _latents(3),
    "align-2": _phase1(align=2.0),
    "align-60": _phase1(align=60.0),
    "beta-0.3": _phase1(beta=0.3),
    "beta-15": _phase1(beta=15.0),
    "no-warm-up": _phase1(kl_warm_up=0.0),
    "orthogonality-1": _phase2(orthogonality=1.0),
    "evenness-0": _phase2(evenness=0.0),
    "sparsity-0.2": _phase2(sparsity=0.2, cross_sparsity=0.5),
}

CRITERIA = ("prediction", "stability", "ELBO", "alignment")


@dataclass(frozen=True)
class SelectionConfig:
    """What is chosen among, and on which data."""

    candidates: str = ",".join(CANDIDATES)
    """Names out of this list, or latents-K for another number of latents a modality."""
    seeds: str = "0-2"
    """Seeds of the models, at least two; the data are the same for all."""
    data_seed: int = 2000
    """Seed of the scenes and their split: none of those that results are reported on."""
    n: int = 8000
    """Scenes; the candidates' scores are those of the validation rows."""
    scm: ScmName = "variant_mnist"
    """Structural causal model of the latents."""
    measurements: str = "3,3"
    """Measurements of the digit and of the garment."""
    nuisance: Nuisance = "independent"
    """A fresh digit and garment in every measurement, or one shared by all."""
    tolerance: float = 0.01
    """Of the prediction's R2: candidates this close to the best count as equal."""
    jobs: int = 2
    """Runs at a time."""
    source: Literal["auto", "mnist", "digits"] = "auto"
    """MNIST and Fashion-MNIST, scikit-learn's bundled digits, or the first that can be had."""
    data_dir: str = "data"
    """Folder with MNIST/raw and FashionMNIST/raw."""
    device: str = "auto"
    """auto, cpu or cuda."""
    output: str = "results/selection"
    """Folder of the report and the runs. The same command continues what it holds."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """What the candidates are variations of; latents default to 2 a modality."""


def run_selection(config: SelectionConfig) -> None:
    """Run what is missing, print the report and the choice. Raises InputError."""
    names = [name.strip() for name in config.candidates.split(",")]
    changes = {name: _change(name) for name in names}
    seeds = parse_seeds(config.seeds)
    if len(seeds) < 2:
        raise InputError(f"seeds {config.seeds}: at least two, or no stability can be seen")
    if config.jobs < 1:
        raise InputError(f"jobs {config.jobs}: at least 1")

    home = project_path(Path(config.output))
    model = config.model if config.model.latents else _latents(2)(config.model)
    base = MnistConfig(
        name="selection",
        n=config.n,
        scm=config.scm,
        measurements=config.measurements,
        nuisance=config.nuisance,
        data_seed=config.data_seed,
        source=config.source,
        data_dir=config.data_dir,
        device=config.device,
        ceiling_epochs=0,
        figures=False,
        resume=True,
    )
    cells = {
        home / "runs" / name / f"seed-{seed}": replace(base, model=changes[name](model), seed=seed)
        for seed in seeds
        for name in names
    }
    metrics = run_cells(cells, config.jobs)
    table = pd.DataFrame(
        {
            name: judge(base, cells[paths[0]], paths)
            | _losses([metrics[path] for path in paths])
            | _truth([metrics[path] for path in paths])
            for name in names
            for paths in [[path for path in cells if path.parent.name == name]]
        }
    ).T
    choice = choose(table, config.tolerance)
    everywhere = agreement(table)
    alike = table[table["latents"] == table.loc[choice, "latents"]]
    among = agreement(alike)
    with atomic_path(home / "selection.csv") as temporary:
        table.to_csv(temporary, index_label="candidate")
    text = "\n".join(
        [
            f"# Model choice without the truth, {config.scm}, n = {config.n:,}, seeds {config.seeds}",
            "",
            markdown(table),
            "",
            f"chosen: {choice} (fewest latents within {config.tolerance:g} of the best prediction, then the "
            "most stable)",
            "rank correlation with MCC, of which the choice knows nothing:",
            f"  over all {len(table)} candidates: {_listed(everywhere)}",
            f"  over the {len(alike)} with as many latents as the chosen one: {_listed(among)}",
        ]
    )
    write_text(home / "selection.md", text + "\n")
    notes = {name: f"rank corr. {value:.2f} ({among[name]:.2f})" for name, value in everywhere.items()}
    draw_criteria(table, choice, notes, home / "selection")
    print(text)
    print(f"pictures:\n  {home / 'selection.png'}")


def agreement(table: pd.DataFrame) -> dict[str, float]:
    """Criterion -> its rank correlation with MCC over the candidates; NaN for fewer than three."""
    enough = len(table) > 2
    return {c: float(spearmanr(table[c], table["MCC"])[0]) if enough else np.nan for c in CRITERIA}


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


def judge(base: MnistConfig, config: MnistConfig, paths: list[Path]) -> dict[str, float]:
    """The criteria of one candidate, of which `paths` are the runs: nothing here looks at the truth."""
    data = load_scenes(base)
    split = split_scenes(base, data)
    models = [CRL.load(path, device=base.device) for path in paths]
    predictions = [hidden_measurement_r2(model, data, split) for model in models]
    latents = [model.transform(data.rows(split.validation)).to_numpy() for model in models]
    agreements = [mean_correlation(first, second) for first, second in combinations(latents, 2)]
    return {
        "latents": float(sum(config.model.latents.values())),
        "prediction": float(np.mean(predictions)),
        "stability": float(np.mean(agreements)),
    }


def _change(name: str) -> Change:
    """What a candidate changes. Raises InputError for an unknown name."""
    number = name.removeprefix("latents-")
    if number != name and number.isdigit() and int(number) > 0:
        return _latents(int(number))
    if name not in CANDIDATES:
        raise InputError(f"candidates: {name!r} is unknown; choose from {', '.join(CANDIDATES)}, latents-K")
    return CANDIDATES[name]


def _losses(metrics: list[dict[str, Any]]) -> dict[str, float]:
    """Terms of the loss on validation rows, means over runs; larger is better."""
    criteria = [found["criteria"] for found in metrics]
    return {
        "ELBO": -float(np.mean([its["negative_elbo"] for its in criteria])),
        "alignment": -float(np.mean([its["alignment"] for its in criteria])),
    }


def _truth(metrics: list[dict[str, Any]]) -> dict[str, float]:
    """What only the truth tells, means over runs; for the report's last words, not for the choice."""
    return {
        "MCC": float(np.mean([found["heldout"]["mcc_pearson"] for found in metrics])),
        "R2": float(np.mean([found["heldout"]["r2"] for found in metrics])),
    }


def choose(table: pd.DataFrame, tolerance: float) -> str:
    """The candidate to take; columns latents, prediction and stability are all that is looked at."""
    good = table[table["prediction"] >= table["prediction"].max() - tolerance]
    small = good[good["latents"] == good["latents"].min()]
    return str(small["stability"].idxmax())
