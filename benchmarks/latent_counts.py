"""How often `--latents auto` finds the number of latents of Variant-MNIST, in every layout and causal model.

    python benchmarks/latent_counts.py                                  # ten cases, seeds 0-9: 100 counts
    python benchmarks/latent_counts.py --cases '[reordered]' --seeds 0  # a minute

Each count is a line in results/latent_counts/counts.csv; the same command continues a run that was stopped.
Two latents of each modality are right, with four_latents four.
"""

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from personax.crl import CRL, CRLConfig
from personax.experiments.fitting import latent_counts
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.environment import record_environment
from personax.runs.errors import InputError
from personax.runs.growing_table import grown_table
from personax.runs.markdown import markdown_table
from personax.variant_mnist.scene_config import SceneConfig
from personax.variant_mnist.scene_data import load_scenes, split_scenes

CASES: dict[str, dict[str, Any]] = {
    "3+1_shared": {"measurements": "3,1", "nuisance": "shared"},
    "3+1_independent": {"measurements": "3,1"},
    "1+1": {"measurements": "1,1", "nuisance": "shared"},
    "3+3_shared": {"nuisance": "shared"},
    "3+3_independent": {},
    "backwards": {"scm": "backwards"},
    "reordered": {"scm": "reordered"},
    "four_latents": {"scm": "four_latents"},
    "square": {"scm": "square"},
    "cosine": {"scm": "cosine"},
}


@dataclass
class CountConfig:
    """Counts of latents."""

    cases: list[str] = field(default_factory=lambda: list(CASES))
    """Layouts (digits + garments, and whether their style is shared), and causal models with three digits and
    three garments of fresh style."""
    seeds: str = "0-9"
    """Seeds of scenes and networks, as 0,1,2 or 0-9."""
    n: int = 20000
    """Number of scenes."""
    data_dir: str | None = None
    """Where MNIST and Fashion-MNIST are, or go. Default: data/."""
    output: str = "results/latent_counts"
    """Folder of the run."""


def count(config: CountConfig, case: str, seed: int) -> list[dict[str, Any]]:
    """One count; a number that is not found is 0."""
    scenes = SceneConfig(source="mnist", n=config.n, data_dir=config.data_dir, **CASES[case])
    data = load_scenes(scenes, seed)
    started = perf_counter()
    try:
        found = CRL.count_latents(data, split_scenes(scenes, seed, data), CRLConfig(), seed=seed).own
    except InputError:
        found = dict.fromkeys(data.modalities, 0)
    return [{**found, "right": found == latent_counts(data), "seconds": perf_counter() - started}]


def count_cases(config: CountConfig) -> None:
    """Count what is not counted yet, and print how often each case is right. Raises InputError."""
    unknown = [case for case in config.cases if case not in CASES]
    if unknown:
        raise InputError(f"cases: no {unknown[0]!r}; there are {', '.join(CASES)}")
    file = Path(config.output) / f"counts-{config.n}.csv"
    wanted = [{"case": case, "seed": seed} for case in config.cases for seed in parse_seeds(config.seeds)]
    done = grown_table(file, wanted, partial(count, config), title="counts")
    summary = done.groupby("case", sort=False).agg(
        seeds=("right", "size"), right=("right", "sum"), seconds=("seconds", "mean")
    )
    print(markdown_table(summary.reset_index(), digits=0), record_environment(file), sep="\n\n")


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(CountConfig, count_cases, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
