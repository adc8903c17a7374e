"""Scenes that are unlike Variant-MNIST: another renderer, other effects and noises, the default settings.

    python benchmarks/other_scenes.py                        # five models, seeds 0-2: 2 to 4 minutes each
    python benchmarks/other_scenes.py --models '[fork]' --seeds 0
    python benchmarks/other_scenes.py --layout 3+1_shared    # three pictures of one digit, one of a garment
    python benchmarks/other_scenes.py --layout 3+1_shared --renderer variant_mnist

One modality shows garments that turn and grow brighter, the other digits that grow larger and move up and
down; with `--renderer variant_mnist` garments move sideways and grow brighter, and digits move in both
directions. By default every measurement shows another garment or digit. Effects have kinks and plateaus or
are symmetric, some noises have heavy tails or bounds, and one latent has two parents. Beside the scores
stands what a network reaches that is given the truth. Each run is a line in a table of results/other_scenes;
the same command continues a run that was stopped.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np
import torch
from torch.nn import functional

from personax.crl import CRL, CRLConfig
from personax.experiments.evaluation import evaluate_graph, evaluate_latents, matched_columns
from personax.experiments.fitting import latent_counts
from personax.learning.ceiling import supervised_ceiling
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.environment import record_environment
from personax.runs.errors import InputError
from personax.runs.growing_table import grown_table
from personax.runs.markdown import markdown_table
from personax.runs.seeds import numpy_rng
from personax.variant_mnist.image_sources import ImageSource, load_images
from personax.variant_mnist.rendering import CANVAS, normalise_objects
from personax.variant_mnist.scene_config import Nuisance
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import Latent, Mechanism, StructuralCausalModel, root
from personax.views import MultiViewData, Truth, split_rows

SIZE = 14  # side of the pictures
PALER = 0.2  # how much paler the next picture of the same object is
TURN, LARGER, MOVE = 1.0, 0.35, 0.45  # radians, share and half sides at 3 standard deviations
Noise = Callable[[np.ndarray], np.ndarray]


def kink(x: np.ndarray) -> np.ndarray:
    """Falls slowly below 0 and rises fast above it."""
    return np.asarray(np.maximum(1.5 * x, 0) - 0.4 * x)


def plateau(x: np.ndarray) -> np.ndarray:
    """A steep middle between two nearly flat parts."""
    return np.asarray(np.clip(x, -0.5, 0.5) + 0.15 * x)


def saturated(x: np.ndarray) -> np.ndarray:
    """A step without corners."""
    return np.asarray(np.tanh(2 * x))


def heavy(noise: np.ndarray) -> np.ndarray:
    """Normal noise with heavier tails."""
    return np.asarray(np.sign(noise) * np.abs(noise) ** 1.5 / 1.4)


def bounded(noise: np.ndarray) -> np.ndarray:
    """Normal noise without tails."""
    return np.asarray(1.3 * np.clip(noise, -1.2, 1.2))


def standard(x: np.ndarray) -> np.ndarray:
    """With mean 0 and standard deviation 1."""
    return np.asarray((x - x.mean()) / x.std())


def effect(*functions: Callable[[np.ndarray], np.ndarray], sd: float, noise: Noise = np.asarray) -> Mechanism:
    """The sum of a function of each parent, plus sd times noise; standardised."""

    def mechanism(parents: np.ndarray, eps: np.ndarray) -> np.ndarray:
        total = np.sum([function(parents[:, j]) for j, function in enumerate(functions)], axis=0)
        return standard(standard(total) + sd * noise(eps))

    return mechanism


def model(**latents: tuple[tuple[str, ...], Mechanism]) -> StructuralCausalModel:
    """A model of z11, z12 (garments turn, grow brighter) and z21, z22 (digits grow larger, move)."""
    places = {"z11": ("garment", "horizontal"), "z12": ("garment", "intensity")}
    places |= {"z21": ("digit", "horizontal"), "z22": ("digit", "vertical")}
    return StructuralCausalModel({name: Latent(*places[name], *latents[name]) for name in places})  # type: ignore[arg-type]


MODELS: Mapping[str, StructuralCausalModel] = {
    "fork": model(
        z11=((), root),
        z12=(("z11",), effect(np.abs, sd=0.6)),
        z21=(("z11",), effect(kink, sd=0.5)),
        z22=((), root),
    ),
    "chain": model(
        z21=((), root),
        z22=(("z21",), effect(kink, sd=0.5, noise=heavy)),
        z11=(("z22",), effect(saturated, sd=0.5)),
        z12=(("z11",), effect(np.abs, sd=0.6, noise=bounded)),
    ),
    "two_parents": model(
        z11=((), root),
        z12=(("z11",), effect(plateau, sd=0.6, noise=heavy)),
        z21=(("z11",), effect(saturated, sd=0.6)),
        z22=(("z21", "z12"), effect(kink, saturated, sd=0.6)),
    ),
    "fork_and_chain": model(
        z11=((), root),
        z12=(("z11",), effect(plateau, sd=0.6, noise=heavy)),
        z21=(("z11",), effect(kink, sd=0.5)),
        z22=(("z21",), effect(saturated, sd=0.6, noise=bounded)),
    ),
    "two_edges_across": model(
        z11=((), root),
        z12=((), root),
        z21=(("z11",), effect(kink, sd=0.5)),
        z22=(("z12",), effect(saturated, sd=0.5, noise=bounded)),
    ),
}


@dataclass
class OtherScenesConfig:
    """Scenes unlike Variant-MNIST."""

    models: list[str] = field(default_factory=lambda: list(MODELS))
    """Causal models."""
    seeds: str = "0-2"
    """Seeds of scenes and models, as 0,1,2 or 0-9."""
    layout: Literal["3+3_independent", "3+1_independent", "3+3_shared", "3+1_shared", "1+1_shared"] = (
        "3+3_independent"
    )
    """Pictures of the digit and of the garment; independent: each of another object; shared: all of one
    object, each paler than the one before."""
    renderer: Literal["other", "variant_mnist"] = "other"
    """What latents change in the pictures: turn, brightness, size and place, or as in Variant-MNIST."""
    n: int = 12000
    """Number of scenes."""
    data_dir: str = "data"
    """Where MNIST and Fashion-MNIST are."""
    output: str = "results/other_scenes"
    """Folder of the run."""


def drawn(
    objects: torch.Tensor, *, turn: np.ndarray, larger: np.ndarray, move: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """(n, 1, SIZE, SIZE) pictures of objects (n, side, side) that are turned, enlarged, moved and lit."""
    cosine, sine = (torch.from_numpy(f(turn) * 1.15 / larger).float() for f in (np.cos, np.sin))
    place = torch.zeros(len(objects), 2, 3)
    place[:, 0, 0] = place[:, 1, 1] = cosine
    place[:, 0, 1], place[:, 1, 0] = -sine, sine
    place[:, 1, 2] = -torch.from_numpy(move).float()
    grid = functional.affine_grid(place, [len(objects), 1, CANVAS, CANVAS], align_corners=False)
    canvas = functional.grid_sample(objects[:, None], grid, align_corners=False)
    small = functional.interpolate(canvas, size=(SIZE, SIZE), mode="bilinear", antialias=True)
    lit = small * torch.from_numpy(light).float()[:, None, None, None]
    return lit.clamp(0, 1).numpy()


def make_scenes(
    scm: StructuralCausalModel,
    images: ImageSource,
    n: int,
    seed: int,
    layout: str = "3+3_independent",
    renderer: str = "other",
) -> MultiViewData:
    """n scenes of a model, pictures in this layout."""
    counts, style = layout.split("_")
    digits, garments = map(int, counts.split("+"))
    if renderer == "variant_mnist":
        nuisance: Nuisance = "shared" if style == "shared" else "independent"
        return make_variant_mnist(
            images, scm, n=n, measurements=(digits, garments), nuisance=nuisance, size=SIZE, data_seed=seed
        )
    z = scm.sample(n, numpy_rng(seed, "other scenes/latents"))
    reach = {name: np.clip(standard(z[name].to_numpy()) / 3, -1, 1) for name in z}
    still, one = np.zeros(n), np.ones(n)
    rng = numpy_rng(seed, "other scenes/objects")
    garment = {"turn": TURN * reach["z11"], "larger": one, "move": still, "light": 0.6 + 0.35 * reach["z12"]}
    digit = {"turn": still, "larger": 1 + LARGER * reach["z21"], "move": MOVE * reach["z22"]}
    shown: dict[str, list[np.ndarray]] = {}
    for modality, pool, count, factors in (
        ("garment", images.garments, garments, garment),
        ("digit", images.digits, digits, digit | {"light": 0.7 * one}),
    ):
        objects = normalise_objects(pool, size=SIZE)
        if style == "shared":
            seen = drawn(objects[torch.from_numpy(rng.integers(len(pool), size=n))], **factors)
            shown[modality] = [seen * np.float32(1 - PALER * k) for k in range(count)]
        else:
            chosen = [objects[torch.from_numpy(rng.integers(len(pool), size=n))] for _ in range(count)]
            shown[modality] = [drawn(every, **factors) for every in chosen]
    return MultiViewData(shown, np.arange(n), truth=Truth(z, scm.blocks, scm.graph), source="other scenes")


def scores_of_run(
    config: OtherScenesConfig, images: ImageSource, model: str, seed: int
) -> list[dict[str, Any]]:
    """Scores of one model, and what is possible at best."""
    data = make_scenes(MODELS[model], images, config.n, seed, config.layout, config.renderer)
    split = split_rows(len(data), numpy_rng(seed, "other scenes/split"))
    started = perf_counter()
    fitted = CRL(CRLConfig(latents=latent_counts(data)), seed=seed).fit(data, split)
    seconds = perf_counter() - started
    latents = fitted.transform(data)
    scores = evaluate_latents(latents, data, split)["heldout"]
    graph = evaluate_graph(fitted.graph, matched_columns(latents, data, split), data)
    ceiling = supervised_ceiling(
        data, split, hidden=CRLConfig().hidden, epochs=12, seed=seed, device=resolve_device("auto")
    )["r2_per_latent"]
    best = float(np.mean(np.sqrt(np.clip(list(ceiling.values()), 0, 1))))
    row = {
        "R2": scores["r2"],
        "MCC": scores["mcc_pearson"],
        "rank MCC": scores["mcc_spearman"],
        "at best": best,
        "share": scores["mcc_spearman"] / best,
        "SHD": graph["shd"],
        "verdict": fitted.verdict.split(":")[0],
        "seconds": seconds,
    }
    return [row]


def run_other_scenes(config: OtherScenesConfig) -> None:
    """Make the runs that are not made yet, and print a table. Raises InputError."""
    unknown = [name for name in config.models if name not in MODELS]
    if unknown:
        raise InputError(f"models: no {unknown[0]!r}; there are {', '.join(MODELS)}")
    images = load_images("mnist", config.data_dir)
    drawn_as = "" if config.renderer == "other" else f"{config.renderer}-"
    file = Path(config.output) / f"runs-{drawn_as}{config.layout}-{config.n}.csv"
    wanted = [{"model": name, "seed": seed} for name in config.models for seed in parse_seeds(config.seeds)]
    done = grown_table(file, wanted, partial(scores_of_run, config, images), title="runs")
    print(markdown_table(done, digits=3), record_environment(file), sep="\n\n")


def main(argv: list[str] | None = None) -> int:
    """Run the benchmark and return its exit code."""
    return run_command(OtherScenesConfig, run_other_scenes, argv, description=__doc__ or "")


if __name__ == "__main__":
    sys.exit(main())
