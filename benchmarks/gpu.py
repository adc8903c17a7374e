"""What a GPU gives: ten models together, mixed precision, compiled networks; does it compute the same?

One command measures on the card of this machine:

- CPU = CUDA: terms of Eq. (1) and their gradients on the same scenes with the same random numbers;
- seconds until ten seeds of the default (20,000 scenes) are fitted in one batched pass; the goal is below 60;
- scenes per second of phase 1 in single precision, with mixed precision, compiled, and both;
- the share of the card's speed that training reaches: floating-point operations of its matrix products and
  convolutions per second, divided by those of one large matrix product of the same precision. (In single
  precision, convolutions may use the faster TF32 where the product does not.)

Each result is printed as soon as it is there.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --device cpu --n 300 --seeds 0-1 --epochs 2 --side 256 --model.phase1.epochs 1
        tries the program without a card; its numbers mean nothing
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import pandas as pd
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from personax.crl import CRL, CRLConfig
from personax.crl.model_config import Phase1Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Draws, representation_plan, representation_terms, train_representation
from personax.experiments.fitting import latent_counts
from personax.experiments.mnist.config import MnistConfig
from personax.learning.batches import Batch
from personax.learning.training import History, weighted_sum
from personax.runs.bounds import FilePath, Positive
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.environment import record_environment
from personax.runs.errors import InputError
from personax.runs.files import write_text
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import path_or_default
from personax.variant_mnist.scene_data import load_scenes, split_scenes
from personax.views import SHARED, MultiViewData

GOAL_SECONDS = 60.0
TOLERANCE = 1e-3  # of float32 on two devices, relative to the largest number of its kind
WAYS = {
    "single precision": {},
    "mixed precision": {"mixed_precision": True},
    "compiled": {"compile": True},
    "compiled, mixed precision": {"mixed_precision": True, "compile": True},
}


@dataclass(frozen=True)
class BenchmarkConfig:
    """The scenes and the models."""

    seeds: str = "0-9"
    """Seeds that are fitted together."""
    n: Positive = 20000
    """Number of scenes of each seed."""
    epochs: Positive = 4
    """Epochs from which scenes per second are measured; the first one is not counted."""
    device: str = "cuda"
    """The card: cuda or cuda:1; cpu to try the program."""
    side: Positive = 8192
    """Rows of the matrices whose product is the card's speed."""
    data_dir: FilePath | None = None
    """Folder with MNIST/raw and FashionMNIST/raw. Default: data/ of the project."""
    output: FilePath | None = None
    """File of the result. Default: results/benchmarks/gpu.md."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model and its training."""


class Networks(NamedTuple):
    """What phase 1 trains."""

    vae: MultiViewVAE
    prior: CausalPrior

    @classmethod
    def of(cls, config: CRLConfig, people: Batch) -> "Networks":
        """Fresh networks, the same each time, on the CPU."""
        torch.manual_seed(0)
        shapes = {m: [list(x.shape[1:]) for x in views] for m, views in people.x.items()}
        resolved = config.for_measurements(shapes)
        shared = {SHARED: config.shared} if config.shared else {}
        sizes = shared | {m: resolved.width(m) for m in shapes}
        generator = torch.Generator().manual_seed(0)
        prior = CausalPrior(sizes, 1, generator, flexible=config.flexible, causal=config.causal)
        return cls(MultiViewVAE(shapes, resolved), prior)

    def on(self, device: torch.device) -> "Networks":
        """A copy on a device."""
        return Networks(deepcopy(self.vae).to(device), deepcopy(self.prior).to(device))


class Devices(NamedTuple):
    """How far two devices are apart, relative to the largest number of its kind."""

    terms: float
    gradients: float


def loss_and_gradients(
    networks: Networks, people: Batch, draws: Draws, phase1: Phase1Config
) -> tuple[torch.Tensor, torch.Tensor]:
    """The terms of Eq. (1) and the gradient of their weighted sum, on the CPU."""
    terms = representation_terms(*networks, people, draws)
    weighted_sum(terms, representation_plan(phase1).weights.full).backward()
    parameters = [p for p in nn.ModuleList(networks).parameters() if p.grad is not None]
    gradients = torch.cat([p.grad.flatten().cpu() for p in parameters if p.grad is not None])
    return torch.stack([term.detach().cpu() for term in terms.values()]), gradients


def moved(draws: Draws, device: torch.device) -> Draws:
    """The same random numbers on a device."""
    return Draws(
        {block: numbers.to(device) for block, numbers in draws.latents.items()},
        draws.edges.to(device),
        {m: [numbers.to(device) for numbers in of_modality] for m, of_modality in draws.noise.items()},
    )


@contextmanager
def without_tf32() -> Iterator[None]:
    """Within the block convolutions on a card have all digits of single precision, as on the CPU."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def compare_devices(
    networks: Networks, people: Batch, phase1: Phase1Config, devices: Sequence[torch.device]
) -> Devices:
    """The same batch, weights and random numbers on two devices."""
    batch = people.rows(slice(0, phase1.batch_size))
    draws = Draws.of(*networks, len(batch), torch.Generator().manual_seed(1))
    with without_tf32():
        first, second = (
            loss_and_gradients(networks.on(d), batch.on(d), moved(draws, d), phase1) for d in devices
        )
    apart = [float((a - b).abs().max() / a.abs().max()) for a, b in zip(first, second, strict=True)]
    return Devices(*apart)


def waited(device: torch.device) -> float:
    """The time, once the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return perf_counter()


def scenes_per_second(
    networks: Networks, train: Batch, validation: Batch, phase1: Phase1Config, device: torch.device
) -> float:
    """Training and validation of the fastest epoch but the first."""
    times: list[float] = []

    def note(history: History) -> None:  # noqa: ARG001
        times.append(waited(device))

    here = networks.on(device)
    train_representation(*here, train, validation, phase1, seed=0, on_epoch=note)
    seconds = min(later - earlier for earlier, later in pairwise(times))
    return len(train) / seconds


def operations_per_scene(networks: Networks, people: Batch, phase1: Phase1Config) -> float:
    """Floating-point operations of one training step (forward and backward), divided by its scenes."""
    batch = people.rows(slice(0, phase1.batch_size)).on(torch.device("cpu"))
    draws = Draws.of(*networks, len(batch), torch.Generator().manual_seed(1))
    with FlopCounterMode(display=False) as counter:
        loss_and_gradients(networks.on(torch.device("cpu")), batch, draws, phase1)
    return float(counter.get_total_flops()) / len(batch)


def operations_per_second(device: torch.device, dtype: torch.dtype, side: int) -> float:
    """Of one large matrix product; the fastest of five."""
    a = torch.randn(side, side, device=device, dtype=dtype)
    times = []
    for _ in range(5):
        started = waited(device)
        a @ a
        times.append(waited(device) - started)
    return 2.0 * side**3 / min(times)


def seconds_together(
    config: BenchmarkConfig, people: Sequence[tuple[MultiViewData, Any]], model: CRLConfig
) -> float:
    """Phase 1 and phase 2 of all seeds in one batched pass."""
    device = resolve_device(config.device)
    models = [CRL(model, seed=seed, device=config.device) for seed in parse_seeds(config.seeds)]
    started = waited(device)
    CRL.fit_together(models, people)
    return waited(device) - started


def run_benchmark(config: BenchmarkConfig) -> None:
    """Measure everything; print and write it. Raises InputError without the card."""
    if config.epochs < 2:
        raise InputError(f"epochs {config.epochs}: at least 2; the first one is not counted")
    device = resolve_device(config.device)
    lines: list[str] = []
    for line in measured(config, device):
        print(line, flush=True)
        lines.append(line)
    output = path_or_default(config.output, "results/benchmarks/gpu.md")
    write_text(output, "\n\n".join(lines) + "\n")
    print(record_environment(output))


def measured(config: BenchmarkConfig, device: torch.device) -> Iterator[str]:
    """The paragraphs of the result, one after another."""
    is_card = device.type == "cuda"
    yield torch.cuda.get_device_name(device) if is_card else "The CPU: a try of the program without a card."
    seeds = parse_seeds(config.seeds)
    runs = [MnistConfig(n=config.n, seed=seed, data_dir=config.data_dir) for seed in seeds]
    data = [load_scenes(run, run.seed) for run in runs]
    people = [(scenes, split_scenes(run, run.seed, scenes)) for run, scenes in zip(runs, data, strict=True)]
    model = replace(config.model, latents=config.model.latents or latent_counts(data[0]))
    phase1 = replace(model.phase1, epochs=config.epochs, patience=config.epochs)
    first, split = people[0]
    train, validation = (Batch.of(first.rows(rows)) for rows in (split.train, split.validation))
    networks = Networks.of(model, train)
    yield devices_line(compare_devices(networks, train, phase1, (torch.device("cpu"), device)))
    yield together_line(len(seeds), seconds_together(config, people, model))
    operations = operations_per_scene(networks, train, phase1)
    rows: dict[str, Mapping[str, float]] = {}
    for way, options in WAYS.items():
        mixed = options.get("mixed_precision", False)
        fast = operations_per_second(device, torch.bfloat16 if mixed else torch.float32, config.side)
        faster = replace(phase1, **options)
        found = scenes_per_second(networks, train.on(device), validation.on(device), faster, device)
        rows[way] = {"scenes per second": found, "share of the card, %": 100 * found * operations / fast}
        print(f"{way}: {found:.0f} scenes per second", flush=True)
    yield markdown_table(pd.DataFrame.from_dict(rows, orient="index"), index="phase 1")


def devices_line(devices: Devices) -> str:
    """Whether the two devices compute the same."""
    alike = "yes" if max(devices) <= TOLERANCE else "NO"
    return (
        f"CPU = CUDA: {alike} (terms differ by {devices.terms:.1e}, gradients by {devices.gradients:.1e} "
        f"of the largest; at most {TOLERANCE:g})"
    )


def together_line(seeds: int, seconds: float) -> str:
    """How long all seeds took together, beside the goal."""
    reached = "reached" if seconds < GOAL_SECONDS else "NOT reached"
    return f"{seeds} seeds together: {seconds:.1f} s (goal below {GOAL_SECONDS:g} s: {reached})"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(BenchmarkConfig, run_benchmark, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
