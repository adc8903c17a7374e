"""The options of the model choice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from personax.crl import CRLConfig
from personax.experiments.variations import ModelChange, with_phase1, with_phase2
from personax.runs.bounds import FilePath, Processes, Seed, Share
from personax.runs.errors import InputError
from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig, SceneCount


def with_latents(number: int) -> ModelChange:
    """Use this number of latents for each modality."""
    return lambda model: replace(model, latents=dict.fromkeys(("digit", "garment"), number))


# Name of a candidate (and of the folder of its runs) -> the change of the model.
CANDIDATES: Mapping[str, ModelChange] = {
    "default": lambda model: model,
    "latents-1": with_latents(1),
    "latents-3": with_latents(3),
    "align-2": with_phase1(align=2.0),
    "align-60": with_phase1(align=60.0),
    "beta-0.3": with_phase1(beta=0.3),
    "beta-15": with_phase1(beta=15.0),
    "no-warm-up": with_phase1(kl_warm_up=0.0),
    "orthogonality-1": with_phase2(orthogonality=1.0),
    "evenness-0": with_phase2(evenness=0.0),
    "sparsity-0.2": with_phase2(sparsity=0.2, cross_sparsity=0.5),
}


def find_candidate(name: str) -> ModelChange:
    """The change of the model for a candidate. Raises InputError for an unknown name."""
    number = name.removeprefix("latents-")
    if number != name and re.fullmatch("[1-9][0-9]{0,3}", number):
        return with_latents(int(number))
    if name not in CANDIDATES:
        raise InputError(f"candidates: {name!r} is unknown; choose from {', '.join(CANDIDATES)}, latents-K")
    return CANDIDATES[name]


@dataclass(frozen=True)
class SelectionConfig(SceneConfig):
    """The candidates, and the scenes on which they are compared."""

    candidates: str = ",".join(CANDIDATES)
    """Names from this list, or latents-K for K latents of each modality."""
    seeds: str = "0-2"
    """Seeds of the models, at least two; the scenes are the same for all."""
    n: SceneCount = 8000
    """Number of scenes: 80 % for training, 10 % for validation, 10 % for the test."""
    data_seed: Seed | None = 2000
    """Seed of the scenes and of their split; no other result uses the scenes of the default."""
    tolerance: Share = 0.01
    """Candidates whose prediction (an R2) is at most this much below the best count as equally good."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath = where_or_how("results/selection")
    """Folder of the report and the runs. The same command again continues the runs in it."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model that the candidates change; by default it has 2 latents of each modality."""
