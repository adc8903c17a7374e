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
from dataclasses import dataclass, field
from typing import Literal, get_args

from personax.crl import CRLConfig
from personax.runs.bounds import FilePath, Processes
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.runs.workers import Workers
from personax.variant_mnist.scene_config import SceneConfig

Part = Literal["methods", "ablations", "sizes", "measurements"]
PARTS: tuple[Part, ...] = get_args(Part)
COMPARED = ("mmcrl", "mcl", "beta_vae", "causal_vae", "autoencoder", "official")


@dataclass(frozen=True)
class ComparisonConfig(SceneConfig, Workers):
    """What is compared, on which scenes, and with how many processes."""

    seeds: str = "0-9"
    """Seeds of the methods, as 0,1,2 or 0-9. Each seed draws new scenes and new weights; with data_seed only
    new weights."""
    ablation_seeds: str = "0-2"
    """Seeds of the other parts. They must be among the seeds of the methods, so that the runs can be compared
    with the full model."""
    parts: str = ",".join(PARTS)
    """What is compared, separated by commas: methods; ablations (our model without each of its parts); sizes
    (2,500 to 40,000 scenes); measurements (1 to 5 of each modality)."""
    methods: str = ",".join(COMPARED)
    """Baselines to compare with our method. Also possible: causal_vae_supervised, which is given the truth,
    official_published, and classes of yours with fit and transform, as package.module:Class
    (docs/tutorials/own_method.md)."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time, each in its own process; -1: one per core."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the tables, the figures and the runs. The same command again continues the runs in it.
    Default: results/comparison."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """Our model. The baselines use the same widths of networks, and epochs, batch size and patience of
    phase1."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ComparisonConfig,
        "personax.experiments.comparison.command:run_comparison",
        argv,
        description=__doc__ or "",
        usual="config seeds ablation_seeds parts methods n jobs device output",
    )
