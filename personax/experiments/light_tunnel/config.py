"""Recover the settings of the light tunnel and their graph with all methods, from pictures and sensors.

The tunnel is a real optical experiment with published simulators (Gamella et al. 2025; extra `tunnel`). Each
seed draws a causal model of red, green, blue and the angles of two polarisers, and scenes with their pictures
and sensor readings.

Examples:
  run_light_tunnel.py --seeds 0-9 --jobs 2
  run_light_tunnel.py --methods mcl,mmcrl --seeds 0-2 --image_model F1
  run_light_tunnel.py --seeds 0 --n 1000 --methods mcl --baseline_epochs 5 --output trial
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from personax.crl import CRLConfig
from personax.experiments.run_options import OURS
from personax.light_tunnel.tunnel_config import TunnelScenes
from personax.runs.bounds import FilePath, Natural, Positive, Processes, Seed
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.runs.workers import Workers


@dataclass(frozen=True)
class TunnelConfig(TunnelScenes, Workers):
    """Which scenes, which methods, and where the runs are made."""

    seeds: str = "0-9"
    """Seeds, as 0,1,2 or 0-9. Each draws a new causal model, new scenes and new weights; with data_seed only
    new weights."""
    methods: str = "mmcrl,mcl,beta_vae,causal_vae,autoencoder,official"
    """Baselines to compare with our method. Also possible: causal_vae_supervised, which is given the truth,
    official_published, and classes of yours with fit and transform, as package.module:Class
    (docs/tutorials/own_method.md)."""
    ceiling_epochs: Natural = 12
    """Epochs of the supervised ceiling: encoders that are given the true settings show what is possible at
    best; 0: do not train them."""
    figures: bool = where_or_how(False)
    """Draw the figures of every run, too."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time, each in its own process; -1: one per core."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the table, the figures and the runs. The same command again continues the runs in it.
    Default: results/light_tunnel."""
    baseline_epochs: Positive = 60
    """Largest number of epochs of the baselines; their other settings are those of Variant-MNIST
    (configs/baselines.yaml), which were tuned without the truth."""
    model: CRLConfig = field(default_factory=CRLConfig.embeddings)
    """Our model; by default it has the true number of latents, and finds them in closed form."""


@dataclass(frozen=True)
class TunnelRun(TunnelScenes):
    """One method on the scenes of one seed."""

    seed: Seed = 0
    method: str = OURS
    settings: Mapping[str, Any] = field(default_factory=dict)
    ceiling_epochs: Natural = 12
    figures: bool = where_or_how(False)
    device: str = where_or_how("auto")
    model: CRLConfig = field(default_factory=CRLConfig.embeddings)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        TunnelConfig,
        "personax.experiments.light_tunnel.command:run_light_tunnel",
        argv,
        description=__doc__ or "",
        usual="config seeds methods n image_model pictures readings sensor_set jobs device output",
    )
