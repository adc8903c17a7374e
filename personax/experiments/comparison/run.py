"""The runs of the comparison."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from personax.baselines.plug_in import folder_of_method
from personax.experiments.comparison.config import ComparisonConfig, Part
from personax.experiments.comparison.variants import method_runs, varied_part
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.run_options import OURS


class Request(NamedTuple):
    """The options of the command that are lists, parsed.

    Attributes:
        parts: parts of the comparison.
        baselines: names of the methods, without ours.
        seeds: seeds of the methods.
        few: seeds of the other parts.
    """

    parts: Sequence[Part]
    baselines: Sequence[str]
    seeds: Sequence[int]
    few: Sequence[int]


def comparison_cells(config: ComparisonConfig, request: Request, home: Path) -> dict[Path, MnistConfig]:
    """Run folder -> configuration of every run, seed by seed.

    With this order, even an interrupted comparison has runs of every part.
    """
    with_methods = "methods" in request.parts
    variants = method_runs(config, list(request.baselines) if with_methods else [])
    seeds_of = dict.fromkeys(variants, request.seeds if with_methods else request.few)
    for part in request.parts:
        varied = varied_part(part, config)
        for name, variation in varied.variations.items() if varied else ():
            variants[name] = replace(variation.change(variants[OURS]), ceiling_epochs=0)
            seeds_of[name] = request.few
    return {
        home / "runs" / folder_of_method(name) / f"seed-{seed}": replace(variants[name], seed=seed)
        for seed in request.seeds
        for name, seeds in seeds_of.items()
        if seed in seeds
    }
