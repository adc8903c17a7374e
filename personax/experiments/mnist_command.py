"""The command of the synthetic experiment: checks what it was told, runs the seeds, prints the table."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from personax.baselines.registry import find_method, tuned_settings
from personax.crl import CRLConfig
from personax.crl.checks import check_config
from personax.crl.estimator import resolve_device
from personax.experiments.cells import run_cells
from personax.experiments.mnist import OURS, MnistConfig, measurement_counts, run_seed, run_together
from personax.experiments.summary import markdown, pick, summarise, write_summary
from personax.runs.command import parse_seeds
from personax.runs.errors import InputError
from personax.runs.folder import ROOT, project_path

TUNED = "configs/baselines.yaml"
REPORTED = (
    "heldout.r2",
    "heldout.mcc_pearson",
    "heldout.mcc_spearman",
    "graph.shd",
    "graph.f1",
    "ceiling.r2",
    "insample.r2",
    "seconds",
)


def run_mnist(config: MnistConfig) -> None:
    """Run one seed or several, print the table and where the pictures are. Raises InputError."""
    _check(config)
    if config.method != OURS:
        config = replace(config, settings=baseline_settings(config.method, config.model) | config.settings)
    if config.seeds is None:
        results = {config.seed: run_seed(config, _folder(config, config.seed, alone=True))}
        home = _folder(config, config.seed, alone=True)
    else:
        runs = {_folder(config, s, alone=False): replace(config, seed=s) for s in parse_seeds(config.seeds)}
        found = _run_all(runs, config)
        results = {its.seed: found[path] for path, its in runs.items()}
        home = _folder(config, 0, alone=False).parent
    table = summarise({seed: pick(metrics, REPORTED) for seed, metrics in results.items()})
    if config.seeds is not None:
        write_summary(home, table, f"Variant-MNIST, {config.name}, seeds {config.seeds}")
    print(_report(results, table, home))


def baseline_settings(name: str, model: CRLConfig) -> dict[str, Any]:
    """A baseline's settings: the tuned ones over our model's budget and widths, or over its own."""
    phase1, preset = model.phase1, find_method(name).preset
    budget: dict[str, Any] = {
        "noise": model.noise,
        "hidden": model.hidden,
        "training.epochs": phase1.epochs,
        "training.batch_size": phase1.batch_size,
        "training.patience": phase1.patience,
    }
    own = {} if preset.get("published_training") else budget | dict(preset)
    return own | tuned_settings(name, project_path(Path(TUNED)))


def _run_all(runs: Mapping[Path, MnistConfig], config: MnistConfig) -> dict[Path, dict[str, Any]]:
    """Metrics of several seeds' runs: in one batch, side by side, or one after another."""
    if config.together:
        return run_together(runs)
    if config.jobs > 1:
        return run_cells(runs, config.jobs)
    return {path: run_seed(its, path) for path, its in runs.items()}


def _report(results: dict[int, dict[str, Any]], table: Any, home: Path) -> str:
    """What the command prints in the end."""
    last = next(reversed(results.values()))
    lines = [markdown(table if len(results) > 1 else table.drop(columns=["mean", "sd"])), ""]
    ceilings = last.get("ceiling", {}).get("r2_per_latent", {})
    note = "; supervised ceiling in brackets" if ceilings else ""
    lines.append(f"held-out R2 per latent, last seed{note} ({last['source']}):")
    per_latent = last["heldout"]["r2_per_latent"]
    shown = [f"{k} {v:.3f}" + (f" [{ceilings[k]:.3f}]" if ceilings else "") for k, v in per_latent.items()]
    lines.append("  " + "  ".join(shown))
    lines.append(f"published, in-sample: R2 0.96, MCC 0.92; ours in-sample: R2 {last['insample']['r2']:.3f}")
    pictures = sorted(path for path in home.rglob("*.png") if "figures" in path.parts)
    lines.append("pictures:")
    lines.extend(f"  {_shown(path)}" for path in pictures)
    return "\n".join(lines)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _folder(config: MnistConfig, seed: int, *, alone: bool) -> Path:
    if config.output is not None:
        base = Path(config.output).expanduser().absolute()
        return base if alone else base / f"seed-{seed}"
    name = config.name if config.method == OURS else f"{config.name}-{config.method}"
    return project_path(Path("results") / "mnist" / name / f"seed-{seed}")


def _check(config: MnistConfig) -> None:
    """Raise InputError for values that no run can have."""
    if config.n < 100:
        raise InputError(f"n {config.n}: at least 100 scenes")
    if not 8 <= config.size <= 28:
        raise InputError(f"size {config.size}: between 8 and 28 pixels")
    if config.seed < 0 or (config.data_seed or 0) < 0:
        raise InputError("seed and data_seed: 0 or larger")
    if config.ceiling_epochs < 0:
        raise InputError(f"ceiling_epochs {config.ceiling_epochs}: 0 or more")
    if config.method != OURS:
        find_method(config.method)
    elif config.settings:
        raise InputError(f"settings {config.settings}: they are for the baselines; ours are under --model")
    if config.jobs < 1:
        raise InputError(f"jobs {config.jobs}: at least 1")
    if config.jobs > 1 and (config.seeds is None or config.together):
        raise InputError(f"jobs {config.jobs}: needs --seeds, and excludes --together")
    if config.together and (config.seeds is None or config.method != OURS):
        raise InputError("together: needs --seeds, and our own method")
    check_config(config.model)
    resolve_device(config.device)
    measurement_counts(config)
