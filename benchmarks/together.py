"""How much faster several seeds are trained in one batched pass (`--together`) than one after the other.

Both ways train the same models on the same scenes, with identification but without evaluation.

    python benchmarks/together.py --seeds 0-9            (on a GPU, if there is one)
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
import torch

from personax.crl import CRL, CRLConfig
from personax.experiments.fitting import latent_counts
from personax.experiments.mnist.config import MnistConfig
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.environment import record_environment
from personax.runs.files import write_text
from personax.runs.run_folder import path_or_default
from personax.variant_mnist.scene_data import load_scenes, split_scenes


@dataclass(frozen=True)
class BenchmarkConfig:
    """The seeds that are trained, and the number of scenes."""

    seeds: str = "0-9"
    """Seeds of the scenes and the models, as 0,1,2 or 0-9."""
    n: int = 20000
    """Number of scenes of each seed; every measurement shows its own digit or garment."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda."""
    data_dir: str | None = None
    """Folder with MNIST/raw and FashionMNIST/raw. Default: data/ of the project."""
    output: str | None = None
    """File of the result. Default: results/benchmarks/together.md."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model and its training."""


def seconds_of(train: Callable[[], object], device: torch.device) -> float:
    """Wall-clock time of a training, including work that the device has not finished when it returns."""
    started = perf_counter()
    train()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter() - started


def run_benchmark(config: BenchmarkConfig) -> None:
    """Train both ways; print and write the seconds, their ratio, and how much the objectives differ."""
    seeds, device = parse_seeds(config.seeds), resolve_device(config.device)
    scenes = [MnistConfig(n=config.n, seed=seed, data_dir=config.data_dir) for seed in seeds]
    people = []  # scenes and split of each seed
    for run in scenes:
        data = load_scenes(run, run.seed)
        people.append((data, split_scenes(run, run.seed, data)))
    model = replace(config.model, latents=config.model.latents or latent_counts(people[0][0]))

    def fresh() -> list[CRL]:
        return [CRL(model, seed=seed, device=str(device)) for seed in seeds]

    batched, single = fresh(), fresh()
    in_one_pass = seconds_of(lambda: CRL.fit_together(batched, people), device)
    one_by_one = seconds_of(
        lambda: [each.fit(*case) for each, case in zip(single, people, strict=True)], device
    )
    best = [np.array([min(m.history[-1]["objective"]) for m in models]) for models in (batched, single)]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    text = (
        f"{len(seeds)} seeds, n = {config.n}, {people[0][0].source}, {name}, "
        f"{torch.get_num_threads()} threads\n\n"
        f"one pass {in_one_pass:.1f} s, one after the other {one_by_one:.1f} s, ratio "
        f"{one_by_one / in_one_pass:.2f}\n"
        f"final objective, largest difference between the two: {np.abs(best[0] - best[1]).max():.3g}\n"
    )
    output = path_or_default(config.output, "results/benchmarks/together.md")
    write_text(output, text)
    print(text, record_environment(output), sep="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(BenchmarkConfig, run_benchmark, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
