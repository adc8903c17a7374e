"""Choose hyper-parameters and the number of latents without the truth, and report how reliable the choice is.

Candidates differ in hyper-parameters or in the number of latents, so their objectives cannot be compared.
Two criteria can be compared, on validation rows:

  prediction   how well one measurement is predicted by the latents that are inferred from all others. It is
               low if latents are missing or badly learned.
  stability    how well the latents of two runs that differ only in the model's seed agree after one-to-one
               matching (mean |Pearson|, as MCC). Latents that are not identified differ between runs
               (Khemakhem et al. 2020 judge identifiability in this way, Duan et al. 2020 choose models so).

Among the candidates whose prediction is within `tolerance` of the best, those with the fewest latents are
kept; the most stable of these is chosen. The report also has the validation ELBO and alignment of every
candidate and, as the truth is known here, the rank correlation of each criterion with MCC. The choice uses
none of these.

Examples:
  choose_model.py --jobs 2
  choose_model.py --candidates default,latents-1,latents-3 --scm backwards
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from personax.crl import CRLConfig
from personax.experiments.variations import ModelChange, with_phase1, with_phase2
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig


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
    if number != name and number.isdigit() and int(number) > 0:
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
    n: int = 8000
    """Number of scenes: 80 % for training, 10 % for validation, 10 % for the test."""
    data_seed: int | None = 2000
    """Seed of the scenes and of their split; no other result uses the scenes of the default."""
    tolerance: float = 0.01
    """Candidates whose prediction (an R2) is at most this much below the best count as equally good."""
    jobs: int = where_or_how(2)
    """Number of runs at a time."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: str | None = where_or_how(None)
    """Folder of the report and the runs. The same command again continues the runs in it. Default:
    results/selection."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model that the candidates change; by default it has 2 latents of each modality."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        SelectionConfig,
        "personax.experiments.selection.command:run_selection",
        argv,
        description=__doc__ or "",
        usual="config candidates seeds tolerance n jobs device output",
    )
