"""The biography of simulated people: each column is drawn from the columns and latents that it declares.

The distributions of the columns use round numbers close to public statistics (squad sizes and body measures
per league, occupations of public figures, how often an encyclopedia states a height). So the tests get
realistic columns (ties, skew, few or many categories, missing cells). The numbers do not describe any person.

The `draw` of a column receives its declared parents and nothing else. So the dependences that simulation.py
derives from the declarations are those of the data. Arrows point from latents to biography, never back, so no
column is a common cause of two latents. Birth month and day have no latent as an ancestor: they are the
negative controls (no trait depends on them). Cells are missing completely at random, so rows without a value
can be dropped without changing any independence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped


@dataclass(frozen=True)
class ColumnInputs:
    """The inputs of a column's `draw`: `of["League"]` is the (n,) array of the parent "League".

    Attributes:
        parents: name of a parent -> (n,) values.
        n: number of people.
        rng: source of randomness.
    """

    parents: Mapping[str, Shaped[np.ndarray, " n"]]
    n: int
    rng: np.random.Generator

    def __getitem__(self, name: str) -> Shaped[np.ndarray, " n"]:
        return self.parents[name]


@dataclass(frozen=True)
class Drawn:
    """One column of a biography.

    Attributes:
        name: name of the column.
        parents: the latents and columns that `draw` may use.
        draw: returns the (n,) values.
        missing: share of cells that are missing, in [0, 1].
        hidden: True if the column is only a cause of others and is not in the table.
    """

    name: str
    parents: tuple[str, ...]
    draw: Callable[[ColumnInputs], Shaped[np.ndarray, " n"]]
    missing: float = 0.0
    hidden: bool = False


def _draw_category(
    logits: Float[np.ndarray, "n categories"], rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """One category number per row of (n, categories) logits, drawn with the Gumbel trick."""
    return np.asarray(np.argmax(logits + rng.gumbel(size=logits.shape), axis=1))


def _rounded(
    values: Float[np.ndarray, " n"], low: float = -np.inf, high: float = np.inf
) -> Float[np.ndarray, " n"]:
    """`values` as whole numbers from `low` to `high`."""
    return np.asarray(np.round(np.clip(values, low, high)))


class _League(NamedTuple):
    """A league: share of the people, effect of latent s2, mean and sd of height (cm) and body mass index."""

    share: float
    slope: float
    height: float
    height_sd: float
    body_mass: float
    body_mass_sd: float


_LEAGUES: dict[str, _League] = {
    "NFL": _League(0.42, -0.9, 187.0, 6.5, 31.0, 4.2),
    "NHL": _League(0.16, 0.0, 186.0, 5.5, 26.3, 1.5),
    "NBA": _League(0.12, -0.5, 199.5, 8.3, 24.8, 1.7),
    "Premier League": _League(0.12, 0.9, 182.8, 6.7, 22.9, 1.2),
    "Bundesliga": _League(0.11, 1.2, 184.0, 6.6, 23.0, 1.2),
    "ATP": _League(0.04, 0.7, 186.0, 6.8, 22.9, 1.4),
    "PGA": _League(0.03, -0.2, 182.0, 6.0, 25.0, 2.3),
}
LEAGUES = tuple(_LEAGUES)


class _Country(NamedTuple):
    """A country: its centre in degrees, its share of the people, and the effect of the latent s2 on it."""

    latitude: float
    longitude: float
    share: float
    slope: float


_COUNTRIES: dict[str, _Country] = {
    "US": _Country(39.8, -98.6, 0.52, -1.0),
    "CA": _Country(56.1, -106.3, 0.09, -0.6),
    "GB": _Country(54.0, -2.5, 0.06, 0.4),
    "IE": _Country(53.2, -8.1, 0.01, 0.4),
    "DE": _Country(51.2, 10.4, 0.06, 0.9),
    "FR": _Country(46.6, 2.2, 0.035, 0.8),
    "ES": _Country(40.2, -3.6, 0.02, 0.9),
    "PT": _Country(39.7, -8.0, 0.01, 0.9),
    "IT": _Country(42.8, 12.1, 0.01, 1.0),
    "NL": _Country(52.2, 5.6, 0.015, 0.8),
    "BE": _Country(50.6, 4.7, 0.01, 0.8),
    "SE": _Country(62.8, 16.7, 0.03, 0.6),
    "FI": _Country(64.5, 26.3, 0.015, 0.7),
    "CZ": _Country(49.7, 15.3, 0.01, 0.9),
    "RU": _Country(61.5, 96.7, 0.015, 0.9),
    "AT": _Country(47.6, 14.1, 0.01, 0.9),
    "RS": _Country(44.2, 20.8, 0.008, 1.1),
    "AU": _Country(-25.7, 134.5, 0.015, 0.2),
    "BR": _Country(-10.8, -53.1, 0.015, 1.3),
    "AR": _Country(-35.4, -65.2, 0.01, 1.3),
    "NG": _Country(9.6, 8.1, 0.008, 1.4),
    "GH": _Country(8.0, -1.2, 0.005, 1.4),
    "SN": _Country(14.4, -14.5, 0.005, 1.4),
    "ZA": _Country(-29.0, 25.1, 0.006, 1.0),
    "JP": _Country(37.6, 138.0, 0.012, 1.5),
    "KR": _Country(36.4, 127.8, 0.01, 1.5),
    "IN": _Country(22.9, 79.6, 0.01, 1.5),
    "CN": _Country(36.6, 103.8, 0.006, 1.5),
}
_LATITUDES, _LONGITUDES, _COUNTRY_SHARES, _COUNTRY_SLOPES = np.array(list(_COUNTRIES.values())).T


class _Occupation(NamedTuple):
    """An occupation: its share of the people, and the effects of the latents s1 and s2 on it."""

    share: float
    slope1: float
    slope2: float


_OCCUPATIONS: dict[str, _Occupation] = {
    "actor": _Occupation(0.46, 0.2, -0.6),
    "singer": _Occupation(0.14, 0.4, 0.2),
    "television presenter": _Occupation(0.06, 0.5, 0.0),
    "politician": _Occupation(0.06, -0.9, 0.7),
    "model": _Occupation(0.06, 1.3, 0.3),
    "association football player": _Occupation(0.05, -1.2, 1.1),
    "musician": _Occupation(0.05, -0.4, -0.2),
    "film director": _Occupation(0.03, -0.7, -0.4),
    "journalist": _Occupation(0.03, 0.3, 0.1),
    "writer": _Occupation(0.03, 0.0, 0.3),
    "businessperson": _Occupation(0.02, -0.6, 0.2),
    "other": _Occupation(0.01, 0.0, 0.0),
}
OCCUPATIONS = tuple(_OCCUPATIONS)

_DAYS = np.array([31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def _league(of: ColumnInputs) -> Shaped[np.ndarray, " n"]:
    share, slope = np.array(list(_LEAGUES.values()))[:, :2].T
    league = _draw_category(np.log(share) + np.outer(of["s2"], slope), of.rng)
    return np.asarray(np.array(LEAGUES, dtype=object)[league])


def _league_facts(league: Shaped[np.ndarray, " n"]) -> Float[np.ndarray, "n 4"]:
    """(n, 4) mean and sd of height, mean and sd of body mass index."""
    return np.array([_LEAGUES[name][2:] for name in league])


def _athlete_height(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    mean, spread = _league_facts(of["League"])[:, :2].T
    body = 0.35 * of["zimage5"] + np.sqrt(1 - 0.35**2) * of.rng.standard_normal(of.n)
    return _rounded(mean + spread * body, 160.0, 229.0)


def _athlete_weight(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    mean, spread = _league_facts(of["League"])[:, 2:].T
    body = 0.55 * of["zimage2"] + np.sqrt(1 - 0.55**2) * of.rng.standard_normal(of.n)
    return _rounded((mean + spread * body) * (of["Height"] / 100) ** 2, 55.0, 175.0)


def _country(of: ColumnInputs) -> Int[np.ndarray, " n"]:
    return _draw_category(np.log(_COUNTRY_SHARES) + np.outer(of["s2"], _COUNTRY_SLOPES), of.rng)


def _latitude(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    return np.asarray(_LATITUDES[of["country"]])


def _longitude(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    return np.asarray(_LONGITUDES[of["country"]])


def _birth_month(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    return of.rng.integers(1, 13, of.n).astype(float)


def _birthday(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    return np.asarray(np.floor(of.rng.uniform(0, _DAYS[of["Birthmonth"].astype(int) - 1])) + 1)


def _athlete_year(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    return _rounded(1996.5 + 2.2 * of["s1"] + 3.6 * of.rng.standard_normal(of.n), 1974.0, 2007.0)


def _celeb_year(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    # Skewed to the left: many are in their thirties, a few were born long before.
    age = of.rng.gamma(4.0, 6.5, of.n) * np.exp(-0.25 * of["s3"])
    return _rounded(1995 - age, 1890.0, 2002.0)


def _gender(of: ColumnInputs) -> Shaped[np.ndarray, " n"]:
    female = of["s1"] * 1.6 + 0.25 + of.rng.logistic(size=of.n) > 0
    return np.where(female, "female", "male").astype(object)


def _occupation(of: ColumnInputs) -> Shaped[np.ndarray, " n"]:
    share, first, second = np.array(list(_OCCUPATIONS.values())).T
    logits = np.log(share) + np.outer(of["s1"], first) + np.outer(of["s2"], second)
    return np.asarray(np.array(OCCUPATIONS, dtype=object)[_draw_category(logits, of.rng)])


def _celeb_height(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    mean = np.where(of["Gender"] == "female", 168.5, 181.5)
    return _rounded(mean + 7.2 * of.rng.standard_normal(of.n))


def _celeb_weight(of: ColumnInputs) -> Float[np.ndarray, " n"]:
    mean = np.where(of["Gender"] == "female", 20.4, 24.6)
    index = mean + 1.3 * of["zimage2"] + 2.0 * of.rng.standard_normal(of.n)
    return _rounded(index * (of["Height"] / 100) ** 2, 36.0, 190.0)


def _draw_face(
    latent: str, share: float, weight: float = 1.3, by_gender: float = 0.0
) -> Callable[[ColumnInputs], Float[np.ndarray, " n"]]:
    """A face attribute that a share `share` of the people have, by logistic regression on an image latent."""

    def draw(of: ColumnInputs) -> Float[np.ndarray, " n"]:
        logit = weight * of[latent] + of.rng.logistic(size=of.n)
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
    Drawn("Arched_Eyebrows", ("zimage6", "Gender"), _draw_face("zimage6", 0.27, by_gender=0.6)),
    Drawn("Big_Nose", ("zimage4",), _draw_face("zimage4", 0.23)),
    Drawn("Pointy_Nose", ("zimage8",), _draw_face("zimage8", 0.28)),
    Drawn("Bushy_Eyebrows", ("zimage3",), _draw_face("zimage3", 0.14)),
    Drawn("Big_Lips", ("zimage2",), _draw_face("zimage2", 0.24)),
    Drawn("Oval_Face", ("zimage7",), _draw_face("zimage7", 0.28)),
    Drawn("Double_Chin", ("zimage1",), _draw_face("zimage1", 0.05)),
    Drawn("Receding_Hairline", ("zimage4", "Gender"), _draw_face("zimage4", 0.08, by_gender=-0.7)),
    Drawn("Narrow_Eyes", ("zimage9",), _draw_face("zimage9", 0.12)),
    Drawn("High_Cheekbones", ("zimage10",), _draw_face("zimage10", 0.46)),
)
