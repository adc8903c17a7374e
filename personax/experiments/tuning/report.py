"""The table of all trials."""

import pandas as pd

from personax.experiments.tuning.run import Trials
from personax.runs.markdown import markdown_table


def tuning_report(trials: Trials) -> str:
    """One row per trial: method and settings, score, epochs and seconds."""
    rows = {
        f"{name} {' '.join(f'{key}={value}' for key, value in trial['settings'].items())}": {
            column: trial[column] for column in ("score", "epochs", "seconds")
        }
        for name, of_method in trials.items()
        for trial in of_method
    }
    return markdown_table(pd.DataFrame.from_dict(rows, orient="index", dtype=float), index="trial")
