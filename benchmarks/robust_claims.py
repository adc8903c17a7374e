"""How many of the claims that `sensitivity` calls robust are true, on simulated people whose truth is known.

Makes the sensitivity analysis of several simulated tables, and counts true claims by kind of claim and
verdict, with binomial intervals (Wilson 1927).

    python benchmarks/robust_claims.py --seeds 0-5 --jobs 2     (about 2 minutes of one core for each seed)

The same command again continues.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from scipy.stats import binomtest

from personax.experiments.sensitivity.command import run_sensitivity
from personax.experiments.sensitivity.config import SensitivityConfig
from personax.experiments.sensitivity.report import KINDS_OF_CLAIM
from personax.experiments.sensitivity.verdicts import kind_of_verdict
from personax.runs.bounds import Processes
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.environment import record_environment
from personax.runs.files import read_yaml, write_text, write_yaml
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import path_or_default, shipped_config


@dataclass(frozen=True)
class BenchmarkConfig:
    """Which tables are simulated."""

    run: str | None = None
    """YAML file with the options of a run on simulated people. Default: configs/sensitivity_quick.yaml."""
    seeds: str = "0-5"
    """Seeds of the tables, as 0,1,2 or 0-9."""
    jobs: Processes = 1
    """Number of variants at a time."""
    output: str | None = None
    """Folder of the results. Default: results/benchmarks/robust_claims."""


def claims_of_seed(config: BenchmarkConfig, seed: int, home: Path) -> pd.DataFrame:
    """The claims of one simulated table."""
    file = home / f"seed-{seed}.yaml"
    options = read_yaml(config.run or shipped_config("sensitivity_quick.yaml"))
    write_yaml(file, options | {"seed": seed})
    asked = SensitivityConfig(run=[str(file)], output=str(home / f"seed-{seed}"), resume=True)
    run_sensitivity(replace(asked, jobs=config.jobs))
    return pd.read_csv(home / f"seed-{seed}" / "sensitivity.csv").assign(seed=seed)


def shares(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of claim and verdict: how many there are, how many of them are true, and the share."""
    kinds, rows = claims["verdict"].map(kind_of_verdict), []
    for level, positive, title in KINDS_OF_CLAIM:
        part = (claims["level"] == level) & (claims["positive"].astype(bool) == positive)
        for verdict in dict.fromkeys(["all", *sorted(kinds[part])]):
            known = claims.loc[part & ((kinds == verdict) | (verdict == "all")), "true"].dropna()
            if len(known):
                share = binomtest(int(known.sum()), len(known))
                low, high = share.proportion_ci(method="wilson")
                rows.append((title, verdict, len(known), int(known.sum()), share.statistic, low, high))
    return pd.DataFrame(rows, columns=["claims", "verdict", "number", "true", "share", "low", "high"])


def run_benchmark(config: BenchmarkConfig) -> None:
    """Make every table, print and write the shares."""
    home = path_or_default(config.output, "results/benchmarks/robust_claims")
    claims = pd.concat([claims_of_seed(config, seed, home) for seed in parse_seeds(config.seeds)])
    claims.to_csv(home / "claims.csv", index=False)
    text = f"SIMULATED DATA. Seeds {config.seeds}.\n\n{markdown_table(shares(claims))}\n"
    write_text(home / "robust_claims.md", text)
    print(text, record_environment(home / "robust_claims.md"), sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(BenchmarkConfig, run_benchmark, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
