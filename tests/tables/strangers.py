"""A table of a stranger: a small trial in nobody's schema, with everything that made newcomers stumble."""

from pathlib import Path

import numpy as np
import pandas as pd

PEOPLE = 60
COLUMNS = """
id: pid
features:
  Height: {column: height, unit: in}
  Birthyear: {column: born, kind: date, part: year, format: "%d.%m.%Y"}
  Birthmonth: {column: born, kind: date, part: month, format: "%d.%m.%Y"}
  Enrolled: {column: enrolled, kind: date}
  Arm: {column: arm, kind: nominal, missing: []}
  School: {column: school, kind: ordinal, order: [none, primary, university]}
  Siblings: {column: siblings, kind: ordinal, missing: [-9]}
  Code: {column: code, kind: nominal}
scores:
  self: {columns: [Openness, Conscientiousness, Extraversion, Agreeableness, Neuroticism], range: [1, 5]}
  z: {columns: {Extraversion: e_z}}
targets:
  Grip: {column: grip_kg, kind: continuous, unit: kg}
ignore: [notes]
"""


def stranger_frame() -> pd.DataFrame:
    """The people: the arm "None" has a weaker grip; some answers are -9, a date and a height are missing."""
    rng = np.random.default_rng(7)
    n = PEOPLE
    arm = rng.choice(["None", "drug"], n)
    born = pd.Timestamp("1960-01-01") + pd.to_timedelta(rng.integers(0, 15000, n), unit="D")
    enrolled = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 600, n), unit="D")
    frame = pd.DataFrame(
        {
            "pid": [f"{number:03d}" for number in range(n)],
            "born": born.strftime("%d.%m.%Y"),
            "enrolled": enrolled.strftime("%Y-%m-%d"),
            "height": rng.normal(69, 3, n).round(1),
            "arm": arm,
            "school": rng.choice(["none", "primary", "university"], n),
            "siblings": rng.integers(0, 5, n),
            "code": np.resize(["1", "01", "001"], n),
            "Openness": rng.integers(1, 6, n),
            "Conscientiousness": rng.integers(1, 6, n),
            "Extraversion": rng.integers(1, 6, n),
            "Agreeableness": rng.integers(1, 6, n),
            "Neuroticism": rng.integers(1, 6, n),
            "e_z": rng.normal(0, 1, n).round(3),
            "grip_kg": (30 + 12 * (arm == "drug") + rng.normal(0, 6, n)).round(1),
            "notes": [f"free text {number}" for number in range(n)],
        }
    )
    frame["height_cm"] = (frame["height"] * 2.54).round()
    frame.loc[[5, 6], "siblings"] = -9
    frame.loc[7, "born"] = None
    frame.loc[8, "height"] = None
    return frame


def write_stranger(folder: Path, name: str = "trial.csv") -> Path:
    """The table as a CSV file, packed if the name says so."""
    path = folder / name
    stranger_frame().to_csv(path, index=False)
    return path
