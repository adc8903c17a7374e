"""The options of the real-world experiment."""

from dataclasses import dataclass, field
from typing import Literal

from personax.crl import CRLConfig
from personax.runs.bounds import FilePath, Level, Positive, Seed, Width
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class PeopleConfig:
    """Latents of people from embeddings of their images and texts."""

    dataset: Literal["athlete", "celeb"] = "athlete"
    """AthlePersona or CelebPersona; each of the two commands accepts only its own table."""
    name: FilePath = "default"
    """Name of the experiment; results go to results/DATASET/NAME/seed-K."""
    seed: Seed = 0
    """Seed of the model: initial weights, batches and starts."""
    seeds: str | None = where_or_how(None)
    """Several seeds, as 0,1,2 or 0-9: one run for each, and a table with mean and standard deviation."""
    data_seed: Seed = 0
    """Seed of the split into training, validation and test people, and of simulated people."""
    ground_truth: bool = where_or_how(True)
    """No effect; accepted because the paper's README has it. If the truth is known, it is always used for
    evaluation."""
    source: Literal["hub", "simulated"] = "hub"
    """The released table from the hub, or simulated people whose latents are known."""
    table: FilePath | None = None
    """Your own table (.csv, .parquet, ...) instead of the hub's."""
    columns: FilePath | None = None
    """YAML file that says what the columns of your table hold."""
    embeddings: FilePath | None = None
    """Folder of .npy files with the authors' names (X1_imagebind_embeddings.npy, X1_text_gpt.npy, ...)."""
    n: Positive | None = None
    """Number of simulated people, or only the first n rows of a table."""
    image_dim: Width = 1024
    """Length of simulated image embeddings."""
    text_dim: Width = 3584
    """Length of simulated text embeddings."""
    alpha: Level = 0.05
    """False discovery rate of the associations between latents and features."""
    figures: bool = where_or_how(True)
    """Draw the figures."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Run folder (with --seeds: the folder that holds the run folders)."""
    resume: bool = where_or_how(False)
    """Continue an interrupted run; finished seeds are read and not run again."""
    overwrite: bool = where_or_how(False)
    """Replace an existing run folder."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """The model and its training."""
