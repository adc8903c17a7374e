"""Our method and every baseline on the numerical data of other papers, drawn anew with known truth.

Cases: case1, case2, case3 (Sun et al. 2025), their extensions modalities5, modalities6, modalities8, shared2
and shared3; groups (Morioka & Hyvärinen 2024, Simulation 1); domains (Sturma et al. 2023); content (Daunhawer
et al. 2023); and, only if it is named, case1_hidden: Case 1 with a latent that no method can find. Each seed
draws another graph, other functions and other mixings.

Examples:
  run_numerical.py --seeds 0-9 --jobs 2
  run_numerical.py --cases case1,groups --methods personax,mcl --seeds 0-2
  run_numerical.py --cases case1 --methods personax --seeds 0 --n 1000 --output trial
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from personax.crl import CRLConfig
from personax.runs.bounds import FilePath, Natural, Processes, Seed
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.runs.workers import Workers

ALL_CASES = "case1,case2,case3,modalities5,modalities6,modalities8,shared2,shared3,groups,domains,content"


@dataclass(frozen=True)
class NumericalConfig(Workers):
    """Which cases, which methods, how many rows, and where the runs are made."""

    cases: str = ALL_CASES
    """Cases, separated by commas."""
    methods: str = "personax,mmcrl,mcl,beta_vae,causal_vae,autoencoder,official"
    """Methods, separated by commas. Also possible: causal_vae_supervised, which is given the truth,
    official_published, and classes of yours with fit and transform, as package.module:Class."""
    seeds: str = "0-9"
    """Seeds, as 0,1,2 or 0-9. Each draws another graph, other functions, mixings, rows and weights."""
    n: Natural = 0
    """Rows of each draw, of which a tenth is for validation and a tenth for the test; 0: as many as in the
    paper of the case."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time, each in its own process; -1: one per core."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the table, the figure and the runs. The same command again continues the runs in it.
    Default: results/numerical."""
    model: CRLConfig = field(default_factory=CRLConfig.vectors)
    """Our model; it is told the true numbers of latents and of noise. The baselines use the same widths of
    networks, and epochs, batch size and patience of phase1."""


@dataclass(frozen=True)
class NumericalRun:
    """One method on one draw of one case."""

    case: str
    method: str
    n: int
    seed: Seed
    model: CRLConfig
    settings: Mapping[str, Any] = field(default_factory=dict)
    device: str = where_or_how("auto")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        NumericalConfig,
        "personax.experiments.numerical.command:run_numerical",
        argv,
        description=__doc__ or "",
        usual="config cases methods seeds n jobs device output",
    )
