"""A small table of athletes on disk."""

from pathlib import Path

import numpy as np
import pandas as pd


def write_athletes(path: Path, n: int = 40, *, height: float | None = None) -> Path:
    """Write n athletes with a height (given, or one for all), a league, a birth month and trait scores."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"ID": [f"p{i}" for i in range(n)], "Height": np.round(rng.normal(190, 9, n), 1)})
    frame["League"] = rng.choice(["NBA", "NHL"], n)
    frame["Birthmonth"] = rng.integers(1, 13, n)
    for letter in "ocean":
        frame[f"final_{letter}"] = rng.integers(1, 4, n)
    if height is not None:
        frame["Height"] = height
    frame.to_csv(path, index=False)
    return path
