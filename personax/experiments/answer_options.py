"""The options that all commands on answers of language models share; nothing slow to import."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.runs.bounds import Between, FilePath, Seed
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class AnswersConfig:
    """Which answers are examined, and where the results go."""

    answers: list[FilePath] = field(default_factory=list)
    """Folders that infer_traits.py has written; several are taken together."""
    source: Literal["asked", "simulated"] = "asked"
    """asked: the answers in the folders. simulated: three made-up annotators on made-up people."""
    n: Annotated[int, Between(20, 100_000)] = 200
    """Number of made-up people."""
    repeats: Annotated[int, Between(1, 100)] = 5
    """How often the made-up annotators are asked."""
    data_seed: Seed = 0
    """Seed of the made-up people and of their annotators."""
    seed: Seed = 0
    """Seed of everything that is drawn in the analysis."""
    output: FilePath | None = where_or_how(None)
    """Folder of the results."""
    overwrite: bool = where_or_how(False)
    """Replace earlier results."""


ANSWER_FOLDERS = ("answers", "folders that infer_traits.py has written")
