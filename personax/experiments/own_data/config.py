"""Latents of arrays of your own, and their graph.

A YAML file says which array (.npy, .npz, .parquet, .csv) is which measurement of which modality:

  measurements:
    face: [face_1.npy, face_2.npy]
    voice: ["people.csv:voice_*"]

Examples:
  run_own_data.py --data people.yaml --model.latents '{face: 2, voice: 2}'
  run_own_data.py --config configs/own_data_example.yaml --seeds 0,1,2      options in a file, several seeds
  run_own_data.py --config configs/own_embeddings.yaml --data people.yaml --model.latents '{text: 5}'
                                                                 vectors of hundreds of numbers
  run_own_data.py --config configs/own_vectors.yaml --data people.yaml --model.latents '{face: 2, voice: 2}'
                                                                 short vectors, one of each modality

The same row is the same person in all arrays. The README of real_world_experiment has all keys of the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from personax.crl import CRLConfig
from personax.experiments.run_options import RunOptions
from personax.runs.bounds import FilePath, RunName, Seed
from personax.runs.command_line import run_command
from personax.runs.options import may_change


@dataclass(frozen=True)
class OwnDataConfig(RunOptions):
    """Latents of people, or of whatever the rows of your arrays are."""

    data: FilePath = may_change("")
    """YAML file that says which array is which modality and measurement. Its checksum identifies the run,
    not its place."""
    name: RunName | None = None
    """Name of the experiment; results go to results/own_data/NAME/seed-K. Default: the name of the file."""
    seed: Seed = 0
    """Seed of the model: initial weights, batches and starts. The rows and their split stay the same."""
    data_seed: Seed = 0
    """Seed of the split into training, validation and test rows, if the file names no split."""
    latents: Literal["given", "auto"] = "given"
    """The numbers of latents. given: those of model.latents, or the true ones if it has none and the file
    names a truth. auto: found from the arrays (model.shared only from compressed embeddings)."""
    model: CRLConfig = field(default_factory=CRLConfig.images)
    """The model and its training. For vectors of hundreds of numbers begin with --config
    configs/own_embeddings.yaml, for vectors of modalities that are measured once with
    configs/own_vectors.yaml."""

    @property
    def drawn_by(self) -> int:
        """The seed of the split."""
        return self.data_seed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        OwnDataConfig,
        "personax.experiments.own_data.command:run_own",
        argv,
        description=__doc__ or "",
        usual="config data latents model.latents model.shared name seed seeds device output resume overwrite",
    )
