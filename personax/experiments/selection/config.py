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
candidate and, where the truth is known, the rank correlation of each criterion with MCC. The choice uses
none of these.

Examples:
  choose_model.py --jobs 2
  choose_model.py --candidates default,latents-1,latents-3 --scm backwards
  choose_model.py --run results/own_data/example/seed-0    other numbers of latents on your own arrays
  choose_model.py --run results/athlete/default/seed-0     or on a run of people or of Variant-MNIST
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from personax.crl import CRLConfig
from personax.experiments.variations import ModelChange, with_phase1, with_phase2
from personax.runs.bounds import FilePath, Processes, Seed, Share
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.options import where_or_how
from personax.runs.workers import Workers
from personax.variant_mnist.scene_config import SceneConfig, SceneCount

SCENE_MODALITIES = ("digit", "garment")


def with_latents(number: int) -> ModelChange:
    """Use this number of latents for each modality."""
    return lambda model: replace(model, latents=dict.fromkeys(model.latents or SCENE_MODALITIES, number))


def with_more_latents(number: int) -> ModelChange:
    """Use so many more latents of each modality (fewer if negative), but at least one."""
    return lambda model: replace(model, latents={m: max(1, k + number) for m, k in model.latents.items()})


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
# The same for the run that --run names: one latent of each modality fewer or more.
OTHER_SIZES: Mapping[str, ModelChange] = {
    "default": lambda model: model,
    "fewer": with_more_latents(-1),
    "more": with_more_latents(1),
}


def find_candidate(name: str) -> ModelChange:
    """The change of the model for a candidate. Raises InputError for an unknown name."""
    number = name.removeprefix("latents-")
    if number != name and re.fullmatch("[1-9][0-9]{0,3}", number):
        return with_latents(int(number))
    known = {**CANDIDATES, **OTHER_SIZES}
    if name not in known:
        raise InputError(f"candidates: {name!r} is unknown; choose from {', '.join(known)}, latents-K")
    return known[name]


@dataclass(frozen=True)
class SelectionConfig(SceneConfig, Workers):
    """Which candidates there are, and on which data they are compared."""

    run: FilePath | None = None
    """A finished run folder of Variant-MNIST, athletes, celebrities or your own arrays: its data and its
    model are taken in place of scenes."""
    candidates: str | None = None
    """Names of candidates, separated by commas. latents-K: K latents of each modality; fewer, more: one
    latent of each fewer or more. Default: all for scenes; default, fewer and more with --run."""
    seeds: str = "0-2"
    """Seeds of the models, at least two; the scenes are the same for all."""
    n: SceneCount = 8000
    """Number of scenes: 80 % for training, 10 % for validation, 10 % for the test."""
    data_seed: Seed | None = 2000
    """Seed of the scenes and of their split; no other result uses the scenes of the default."""
    tolerance: Share = 0.01
    """Candidates whose prediction (an R2) is at most this much below the best count as equally good."""
    jobs: Processes = where_or_how(2)
    """Number of runs at a time, each in its own process; -1: one per core."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the report and the runs. The same command again continues the runs in it. Default:
    results/selection."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model that the candidates change; by default it has 2 latents of each modality. With --run it is
    that of the run."""


def candidate_names(config: SelectionConfig) -> list[str]:
    """The candidates that are compared."""
    if config.candidates is None:
        return list(CANDIDATES if config.run is None else OTHER_SIZES)
    return [name.strip() for name in config.candidates.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        SelectionConfig,
        "personax.experiments.selection.command:run_selection",
        argv,
        description=__doc__ or "",
        usual="config candidates seeds tolerance n jobs device output",
    )
