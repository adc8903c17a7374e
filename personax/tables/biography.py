"""The biography of simulated people: each column is drawn from the columns and latents it names.

The margins are round numbers in the neighbourhood of public statistics (squad sizes and body measures per
league, occupations of public figures, how often an encyclopedia states a height). They are there to give the
tests realistic columns (ties, skew, few or many categories, missing cells), not to describe anybody.

A column's `draw` receives exactly its declared parents, so the dependences that simulation.py reads off the
declarations are those of the data. Arrows run from latents to biography, never back: no column can confound
two latents. Birth month and day have no parents: they are the negative controls. Missing cells are missing
completely at random, so that dropping them pairwise leaves every independence as it was.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """One column of a biography.

    Attributes:
        name: name of the column; a `hidden` one is a cause of others and not part of the table.
        parents: the latents and columns that `draw` may see.
        draw: (parents, n, rng) -> (n,) values.
        missing: share of cells that are missing.
    """

    name: str
    parents: tuple[str, ...]
    draw: Callable[[Values, int, np.random.Generator], np.ndarray]
    missing: float = 0.0
    hidden: bool = False


def _choice(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One category number per row of (n, categories) logits, by the Gumbel trick."""
    return np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)


# League: share of the people, latent tilt, mean and sd of height (cm), body mass index mean and sd.
_LEAGUES: dict[str, tuple[float, float, float, float, float, float]] = {
    "NFL": (0.42, -0.9, 187.0, 6.5, 31.0, 4.2),
    "NHL": (0.16, 0.0, 186.0, 5.5, 26.3, 1.5),
    "NBA": (0.12, -0.5, 199.5, 8.3, 24.8, 1.7),
    "Premier League": (0.12, 0.9, 182.8, 6.7, 22.9, 1.2),
    "Bundesliga": (0.11, 1.2, 184.0, 6.6, 23.0, 1.2),
    "ATP": (0.04, 0.7, 186.0, 6.8, 22.9, 1.4),
    "PGA": (0.03, -0.2, 182.0, 6.0, 25.0, 2.3),
}
LEAGUES = tuple(_LEAGUES)

# Country's centre (degrees), share among the people, tilt by the cultural latent.
_COUNTRIES: dict[str, tuple[float, float, float, float]] = {
    "US": (39.8, -98.6, 0.52, -1.0),
    "CA": (56.1, -106.3, 0.09, -0.6),
    "GB": (54.0, -2.5, 0.06, 0.4),
    "IE": (53.2, -8.1, 0.01, 0.4),
    "DE": (51.2, 10.4, 0.06, 0.9),
    "FR": (46.6, 2.2, 0.035, 0.8),
    "ES": (40.2, -3.6, 0.02, 0.9),
    "PT": (39.7, -8.0, 0.01, 0.9),
    "IT": (42.8, 12.1, 0.01, 1.0),
    "NL": (52.2, 5.6, 0.015, 0.8),
    "BE": (50.6, 4.7, 0.01, 0.8),
    "SE": (62.8, 16.7, 0.03, 0.6),
    "FI": (64.5, 26.3, 0.015, 0.7),
    "CZ": (49.7, 15.3, 0.01, 0.9),
    "RU": (61.5, 96.7, 0.015, 0.9),
    "AT": (47.6, 14.1, 0.01, 0.9),
    "RS": (44.2, 20.8, 0.008, 1.1),
    "AU": (-25.7, 134.5, 0.015, 0.2),
    "BR": (-10.8, -53.1, 0.015, 1.3),
    "AR": (-35.4, -65.2, 0.01, 1.3),
    "NG": (9.6, 8.1, 0.008, 1.4),
    "GH": (8.0, -1.2, 0.005, 1.4),
    "SN": (14.4, -14.5, 0.005, 1.4),
    "ZA": (-29.0, 25.1, 0.006, 1.0),
    "JP": (37.6, 138.0, 0.012, 1.5),
    "KR": (36.4, 127.8, 0.01, 1.5),
    "IN": (22.9, 79.6, 0.01, 1.5),
    "CN": (36.6, 103.8, 0.006, 1.5),
}
_PLACES = np.array([place[:2] for place in _COUNTRIES.values()])
_COUNTRY_SHARE, _COUNTRY_TILT = np.array([place[2:] for place in _COUNTRIES.values()]).T

# Occupation: share, tilt by the first and by the second shared latent.
_OCCUPATIONS: dict[str, tuple[float, float, float]] = {
    "actor": (0.46, 0.2, -0.6),
    "singer": (0.14, 0.4, 0.2),
    "television presenter": (0.06, 0.5, 0.0),
    "politician": (0.06, -0.9, 0.7),
    "model": (0.06, 1.3, 0.3),
    "association football player": (0.05, -1.2, 1.1),
    "musician": (0.05, -0.4, -0.2),
    "film director": (0.03, -0.7, -0.4),
    "journalist": (0.03, 0.3, 0.1),
    "writer": (0.03, 0.0, 0.3),
    "businessperson": (0.02, -0.6, 0.2),
    "other": (0.01, 0.0, 0.0),
}
OCCUPATIONS = tuple(_OCCUPATIONS)

_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _league(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    share, tilt = np.array(list(_LEAGUES.values()))[:, :2].T
    return np.array(LEAGUES, dtype=object)[_choice(np.log(share) + np.outer(of["s2"], tilt), rng)]


def _league_facts(league: np.ndarray) -> np.ndarray:
    """(n, 4) mean and sd of height, mean and sd of body mass index."""
    number = {name: row for row, name in enumerate(LEAGUES)}
    return np.array(list(_LEAGUES.values()))[[number[name] for name in league], 2:]


def _athlete_height(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    mean, spread = _league_facts(of["League"])[:, :2].T
    body = 0.35 * of["zimage5"] + np.sqrt(1 - 0.35**2) * rng.standard_normal(n)
    return np.round(np.clip(mean + spread * body, 160, 229))


def _athlete_weight(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    mean, spread = _league_facts(of["League"])[:, 2:].T
    body = 0.55 * of["zimage2"] + np.sqrt(1 - 0.55**2) * rng.standard_normal(n)
    return np.round(np.clip((mean + spread * body) * (of["Height"] / 100) ** 2, 55, 175))


def _country(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return _choice(np.log(_COUNTRY_SHARE) + np.outer(of["s2"], _COUNTRY_TILT), rng)


def _latitude(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return _PLACES[of["country"], 0]


def _longitude(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return _PLACES[of["country"], 1]


def _birth_month(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(1, 13, n).astype(float)


def _birthday(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.floor(rng.uniform(0, _DAYS[of["Birthmonth"].astype(int) - 1])) + 1


def _athlete_year(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.clip(np.round(1996.5 + 2.2 * of["s1"] + 3.6 * rng.standard_normal(n)), 1974, 2007)


def _celeb_year(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    # Skewed to the left: many are in their thirties, a few were born long before.
    age = rng.gamma(4.0, 6.5, n) * np.exp(-0.25 * of["s3"])
    return np.clip(np.round(1995 - age), 1890, 2002)


def _gender(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    female = of["s1"] * 1.6 + 0.25 + rng.logistic(size=n) > 0
    return np.where(female, "female", "male").astype(object)


def _occupation(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    share, first, second = np.array(list(_OCCUPATIONS.values())).T
    logits = np.log(share) + np.outer(of["s1"], first) + np.outer(of["s2"], second)
    return np.array(OCCUPATIONS, dtype=object)[_choice(logits, rng)]


def _celeb_height(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    mean = np.where(of["Gender"] == "female", 168.5, 181.5)
    return np.round(mean + 7.2 * rng.standard_normal(n))


def _celeb_weight(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
    mean = np.where(of["Gender"] == "female", 20.4, 24.6)
    index = mean + 1.3 * of["zimage2"] + 2.0 * rng.standard_normal(n)
    return np.round(np.clip(index * (of["Height"] / 100) ** 2, 36, 190))


def _face(latent: str, share: float, weight: float = 1.3, by_gender: float = 0.0) -> Callable:
    """An attribute that about `share` of the faces show, by logistic regression on an image latent."""

    def draw(of: Values, n: int, rng: np.random.Generator) -> np.ndarray:
        logit = weight * of[latent] + rng.logistic(size=n)
        if by_gender:
            logit = logit + by_gender * np.where(of["Gender"] == "female", 1.0, -1.0)
        return np.where(logit > np.quantile(logit, 1 - share), 1.0, -1.0)

    return draw


_CONTROLS = (
    Drawn("Birthmonth", (), _birth_month, 0.01),
    Drawn("Birthday", ("Birthmonth",), _birthday, 0.01),
)
_GEOGRAPHY = (
    Drawn("country", ("s2",), _country, hidden=True),
    Drawn("Latitude", ("country",), _latitude, 0.02),
    Drawn("Longitude", ("country",), _longitude, 0.02),
)

ATHLETE_BIOGRAPHY = (
    Drawn("League", ("s2",), _league),
    Drawn("Birthyear", ("s1",), _athlete_year, 0.005),
    *_CONTROLS,
    *_GEOGRAPHY,
    Drawn("Height", ("League", "zimage5"), _athlete_height, 0.02),
    Drawn("Weight", ("League", "Height", "zimage2"), _athlete_weight, 0.04),
)

CELEB_BIOGRAPHY = (
    Drawn("Birthyear", ("s3",), _celeb_year, 0.01),
    *_CONTROLS,
    *_GEOGRAPHY,
    Drawn("Gender", ("s1",), _gender),
    Drawn("Occupation", ("s1", "s2"), _occupation, 0.01),
    Drawn("Height", ("Gender",), _celeb_height, 0.55),
    Drawn("Weight", ("Gender", "Height", "zimage2"), _celeb_weight, 0.75),
    Drawn("Arched_Eyebrows", ("zimage6", "Gender"), _face("zimage6", 0.27, by_gender=0.6)),
    Drawn("Big_Nose", ("zimage4",), _face("zimage4", 0.23)),
    Drawn("Pointy_Nose", ("zimage8",), _face("zimage8", 0.28)),
    Drawn("Bushy_Eyebrows", ("zimage3",), _face("zimage3", 0.14)),
    Drawn("Big_Lips", ("zimage2",), _face("zimage2", 0.24)),
    Drawn("Oval_Face", ("zimage7",), _face("zimage7", 0.28)),
    Drawn("Double_Chin", ("zimage1",), _face("zimage1", 0.05)),
    Drawn("Receding_Hairline", ("zimage4", "Gender"), _face("zimage4", 0.08, by_gender=-0.7)),
    Drawn("Narrow_Eyes", ("zimage9",), _face("zimage9", 0.12)),
    Drawn("High_Cheekbones", ("zimage10",), _face("zimage10", 0.46)),
)
