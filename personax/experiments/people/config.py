"""Latents of athletes or celebrities from image and text embeddings, what they depend on, and their graph.

Examples:
  run_athlete_3measurement.py --seed 0                            the hub's table
  run_athlete_3measurement.py --source simulated --seeds 0,1,2    simulated people, whose latents are known
  run_celeb_3measurement.py --embeddings FOLDER                   .npy files named as the authors' files

The options of configs/athlete.yaml or configs/celeb.yaml are read first; --config FILE and options override
them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.crl import CRLConfig
from personax.experiments.run_options import RunOptions
from personax.runs.bounds import Between, FilePath, Level, Positive, RunName, Seed, Width
from personax.runs.command_line import run_command
from personax.runs.run_folder import shipped_config


@dataclass(frozen=True)
class PeopleConfig(RunOptions):
    """Latents of people from embeddings of their images and texts."""

    dataset: Literal["athlete", "celeb"] = "athlete"
    """AthlePersona or CelebPersona; each of the two commands accepts only its own table."""
    name: RunName = "default"
    """Name of the experiment; results go to results/DATASET/NAME/seed-K."""
    seed: Seed = 0
    """Seed of everything: simulated people, the split, and the model, unless data_seed is given."""
    data_seed: Seed | None = None
    """Seed of the split into training, validation and test people, and of simulated people. If it is given,
    --seeds 0-9 is a bootstrap over model seeds on one table, which says nothing of other tables."""
    source: Literal["hub", "simulated"] = "hub"
    """The released table from the hub, or simulated people whose latents are known."""
    table: FilePath | None = None
    """Your own table (.csv, .parquet, ...) instead of the hub's."""
    columns: FilePath | None = None
    """YAML file that says what the columns of your table hold."""
    embeddings: FilePath | None = None
    """embeddings.parquet of extract_embeddings, or a folder of .npy files with the authors' names
    (X1_imagebind_embeddings.npy, X1_text_gpt.npy, ...)."""
    n: Positive | None = None
    """Number of simulated people, or only the first n rows of a table."""
    image_dim: Width = 1024
    """Length of simulated image embeddings."""
    text_dim: Width = 3584
    """Length of simulated text embeddings."""
    alpha: Level = 0.05
    """False discovery rate of the associations between latents and features."""
    latents: Literal["given", "auto"] = "given"
    """With auto the numbers of latents (model.latents, model.shared) are found from the embeddings."""
    coordinates: Annotated[float, Between(0, 100, above=True)] | None = None
    """Keep so many times the number of coordinates that the compression of the embeddings would choose, but
    at least one for each latent: 0.5 is half as many, 2 twice as many. Default: what it chooses."""
    model: CRLConfig = field(default_factory=CRLConfig.embeddings)
    """The model and its training, from the settings for embeddings."""

    @property
    def drawn_by(self) -> int:
        """The seed of table and split."""
        return self.seed if self.data_seed is None else self.data_seed


def main_athlete(argv: Sequence[str] | None = None) -> int:
    """Run the command on athletes and return its exit code."""
    return _main_of("athlete", "run_athletes", argv)


def main_celeb(argv: Sequence[str] | None = None) -> int:
    """Run the command on celebrities and return its exit code."""
    return _main_of("celeb", "run_celebrities", argv)


def _main_of(dataset: str, body: str, argv: Sequence[str] | None) -> int:
    """Run the command on top of the table's own configuration."""
    words = sys.argv[1:] if argv is None else argv
    return run_command(
        PeopleConfig,
        f"personax.experiments.people.command:{body}",
        ["--config", str(shipped_config(f"{dataset}.yaml")), *words],
        description=__doc__ or "",
        usual="config source table columns embeddings latents seed seeds device output resume overwrite",
    )
