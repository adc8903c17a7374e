"""What the command `prompt_effect` finds, as three tables."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class PromptEffect:
    """What was found: the grids with their decisions, `changes_by` and `cell_changes` of their verdicts."""

    decided: pd.DataFrame
    changes: pd.DataFrame
    cells: pd.DataFrame
