"""Compare our method with every baseline, and with itself without each of its parts, on Variant-MNIST.

All runs share data, training budget, networks, and the rule by which an epoch is chosen; only the official
recipe has its own networks. Settings of the baselines that our model does not have were tuned without the
truth (tune_baselines.py).

Examples:
  compare_methods.py --seeds 0-9 --jobs 2
  compare_methods.py --parts methods --methods mcl,beta_vae,causal_vae_supervised --seeds 0-2
  compare_methods.py --seeds 0 --ablation_seeds 0 --n 1000 --model.phase1.epochs 2 --output trial
"""

from collections.abc import Sequence
from pathlib import Path

from personax.baselines.methods import find_method
from personax.experiments.cells import run_cells
from personax.experiments.comparison.config import PARTS, ComparisonConfig
from personax.experiments.comparison.figures import draw_comparison
from personax.experiments.comparison.report import comparison_report, panels_of
from personax.experiments.comparison.run import Request, comparison_cells, table_of_runs
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import project_path
from personax.variant_mnist.scene_config import measurement_counts, require_scene_memory


def run_comparison(config: ComparisonConfig) -> None:
    """Do the runs that are missing, write and print the tables, draw the figures. Raises InputError."""
    request = check_comparison(config)
    home = project_path(Path(config.output))
    cells = comparison_cells(config, request, home)
    runs = table_of_runs(cells, run_cells(cells, config.jobs), home)
    with atomic_path(home / "runs.csv") as temporary:
        runs.to_csv(temporary, index=False)
    text = comparison_report(runs, config, request)
    write_text(home / "comparison.md", text)
    draw_comparison(panels_of(runs, config, request), runs["ceiling R2"].mean(), home)
    print(text)
    print("pictures:", *sorted(str(path) for path in home.glob("*.png")), sep="\n  ")


def check_comparison(config: ComparisonConfig) -> Request:
    """Check and parse the options. Raises InputError for options that are unknown or do not fit together."""
    asked = [part.strip() for part in config.parts.split(",")]
    for part in asked:
        if part not in PARTS:
            raise InputError(f"parts: {part!r} is unknown; choose from {', '.join(PARTS)}")
    parts = [part for part in PARTS if part in asked]
    resolve_device(config.device)
    seeds, few = parse_seeds(config.seeds), parse_seeds(config.ablation_seeds)
    if parts != ["methods"] and not set(few) <= set(seeds):
        raise InputError(f"ablation_seeds {config.ablation_seeds}: must be among seeds {config.seeds}")
    if parts != ["methods"] and config.dataset is not None:
        raise InputError(f"dataset {config.dataset}: only with --parts methods; the other parts draw scenes")
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)
    digit, garment = measurement_counts(config)
    if "measurements" in parts and digit != garment:
        raise InputError(f"measurements {config.measurements}: the part measurements needs two equal numbers")
    baselines = [name.strip() for name in config.methods.split(",") if name.strip()]
    for name in baselines:
        find_method(name)
    return Request(parts, baselines, seeds, few)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(ComparisonConfig, run_comparison, argv, description=__doc__ or "")
