"""The options of the experiment on arrays of your own."""

from dataclasses import dataclass, field

from personax.crl import CRLConfig
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class OwnDataConfig:
    """Latents of people, or of whatever the rows of your arrays are."""

    data: str = where_or_how("")
    """YAML file that says which array is which modality and measurement. Its checksum identifies the run,
    not its place."""
    name: str | None = None
    """Name of the experiment; results go to results/own_data/NAME/seed-K. Default: the name of the file."""
    seed: int = 0
    """Seed of the model: initial weights, batches and starts."""
    seeds: str | None = where_or_how(None)
    """Several seeds, as 0,1,2 or 0-9: one run for each, and a table with mean and standard deviation."""
    data_seed: int = 0
    """Seed of the split into training, validation and test rows, if the file names no split."""
    figures: bool = where_or_how(True)
    """Draw the figures."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: str | None = where_or_how(None)
    """Run folder (with --seeds: the folder that holds the run folders)."""
    resume: bool = where_or_how(False)
    """Continue an interrupted run; finished seeds are read and not run again."""
    overwrite: bool = where_or_how(False)
    """Replace an existing run folder."""
    model: CRLConfig = field(default_factory=CRLConfig.images)
    """The model and its training. For vectors of hundreds of numbers begin with --config
    configs/own_embeddings.yaml."""
