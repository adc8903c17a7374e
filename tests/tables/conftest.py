"""Small tables to load, and a stand-in for the hub."""

import json

import numpy as np
import pandas as pd
import pytest

from personax.tables import TRAITS


def athletes(n: int = 12) -> pd.DataFrame:
    """A well-formed athlete table in the names of Fig. 1, scores packed as JSON lists."""
    rng = np.random.default_rng(0)
    scores = {
        name: [json.dumps(row) for row in rng.integers(1, 4, (n, 5)).tolist()]
        for name in ("Chatgpt_score", "Gemini_score", "Llama_score")
    }
    return pd.DataFrame(
        {
            "ID": np.arange(1, n + 1),
            "League": rng.choice(["NBA", "NFL"], n),
            "Birthyear": rng.integers(1980, 2004, n),
            "Birthmonth": rng.integers(1, 13, n),
            "Birthday": rng.integers(1, 29, n),
            "Latitude": rng.uniform(-60, 60, n).round(1),
            "Longitude": rng.uniform(-170, 170, n).round(1),
            "Weight": rng.uniform(60, 130, n).round(1),
            "Height": rng.uniform(165, 220, n).round(1),
            **scores,
        }
    )


def celebs(n: int = 12) -> pd.DataFrame:
    """A well-formed celebrity table with the authors' private column names, five columns for each rater."""
    rng = np.random.default_rng(1)
    columns: dict[str, object] = {
        "Height(cm)": rng.uniform(150, 200, n).round(),
        "Weight(kg)": rng.uniform(45, 110, n).round(),
        "Year": rng.integers(1920, 2000, n),
        "Month": rng.integers(1, 13, n),
        "Day": rng.integers(1, 29, n),
        "Day index": rng.integers(1, 366, n),
        "Latitude": rng.uniform(-60, 60, n).round(1),
        "Longitude": rng.uniform(-170, 170, n).round(1),
        "Occupation_idx": rng.integers(0, 9, n),
        "Gender_idx": rng.integers(0, 2, n),
        "Big_Nose": rng.choice([-1, 1], n),
    }
    for rater in ("final", "4o", "DS", "gemini"):
        for trait in TRAITS:
            columns[f"{rater}_{trait[0].lower()}"] = rng.integers(1, 4, n)
    return pd.DataFrame(columns)


@pytest.fixture
def athlete_frame() -> pd.DataFrame:
    return athletes()


@pytest.fixture
def celeb_frame() -> pd.DataFrame:
    return celebs()
