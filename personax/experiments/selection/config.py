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
    """So many latents of each modality."""
    return lambda model: replace(model, latents=dict.fromkeys(("digit", "garment"), number))


# Name of a candidate and of the folder of its runs -> what it changes.
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
    """What a candidate changes. Raises InputError for an unknown name."""
    number = name.removeprefix("latents-")
    if number != name and re.fullmatch("[1-9][0-9]{0,3}", number):
        return with_latents(int(number))
    if name not in CANDIDATES:
        raise InputError(f"candidates: {name!r} is unknown; choose from {', '.join(CANDIDATES)}, latents-K")
    return CANDIDATES[name]


@dataclass(frozen=True)
class SelectionConfig(SceneConfig):
    """Which candidates there are, and on which scenes they are compared."""

    candidates: str = ",".join(CANDIDATES)
    """Names from this list, or latents-K for K latents of each modality."""
    seeds: str = "0-2"
    """Seeds of the models, at least two; the scenes are the same for all."""
    n: SceneCount = 8000
    data_seed: Seed | None = 2000
    tolerance: Share = 0.01
    """Candidates whose prediction (an R2) is this close to the best one count as equally good."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath = where_or_how("results/selection")
    """Folder of the report and the runs. The same command again continues what is in it."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model that the candidates change; by default it has 2 latents of each modality."""
