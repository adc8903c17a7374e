"""Big Five scores: which columns hold them, what their cells mean, and how raters are put together.

A language model answers 1, 2 or 3 (low, medium, high) for each trait, or 0 for "insufficient information"
(paper §3): 0 is a missing value here, never a number. The aggregated score of a person is the median over
the models after the 0s have been dropped, so that half steps (1.5, 2.5) occur.
"""

import ast
import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np
import pandas as pd

from personax.tables.schema import TRAITS, plain

Aggregate = Literal["median", "majority", "mean"]

LOWEST, HIGHEST, INSUFFICIENT = 1.0, 3.0, 0.0

# DeepSeek scored the older draft of the celebrity table (columns DS_o ... DS_n); it is kept under its own
# name, for it is not the third model of the published table.
RATERS: dict[str, tuple[str, ...]] = {
    "aggregated": ("aggregated", "aggregate", "aggregatedbigfive", "final", "median", "consensus"),
    "chatgpt": ("chatgpt", "gpt", "gpt4o", "chatgpt4o", "chatgpt4olatest", "4o"),
    "gemini": ("gemini", "gemini25pro", "gemini20flash"),
    "llama": ("llama", "llama4", "llama4maverick"),
    "deepseek": ("deepseek", "deepseekv3", "ds"),
}
_TRAIT_ALIASES: dict[str, tuple[str, ...]] = {
    "Openness": ("openness", "opennesstoexperience", "o"),
    "Conscientiousness": ("conscientiousness", "c"),
    "Extraversion": ("extraversion", "extroversion", "e"),
    "Agreeableness": ("agreeableness", "a"),
    "Neuroticism": ("neuroticism", "n"),
}
_PACKED = ("score", "scores", "bigfive", "bigfivescore", "bigfivescores", "traits", "traitscores")


def _score_names() -> dict[str, tuple[str | None, str | None]]:
    """Plain column name -> (rater, trait). No trait: all five are packed in a cell. No rater: the column is
    one trait's, and holds the aggregated score or every rater's."""
    names: dict[str, tuple[str | None, str | None]] = {}
    for rater, aliases in RATERS.items():
        for alias, suffix in product(aliases, _PACKED):
            names[alias + suffix] = (rater, None)
        for alias, (trait, traits) in product(aliases, _TRAIT_ALIASES.items()):
            for spelling, link in product(traits, ("", "score")):
                names[alias + link + spelling] = (rater, trait)
                names[spelling + link + alias] = (rater, trait)
            names[alias + traits[0] + "score"] = (rater, trait)
    for trait, traits in _TRAIT_ALIASES.items():
        # A single letter alone is no evidence of a trait.
        for spelling in (word for word in traits if len(word) > 1):
            names |= {spelling: (None, trait), spelling + "score": (None, trait)}
    return names


SCORE_NAMES = _score_names()


def trait_of(word: str) -> str | None:
    """The trait that `word` (a name or an initial) stands for, or None."""
    return next((trait for trait, aliases in _TRAIT_ALIASES.items() if plain(word) in aliases), None)


def rater_of(word: str) -> str | None:
    """The rater that `word` stands for, or None."""
    spelled = plain(word).removesuffix("score")
    return next((rater for rater, aliases in RATERS.items() if spelled in aliases), None)


def _unpack(cell: Any) -> Any:
    """The list or dict that a string cell spells in JSON, Python or with commas; other cells unchanged."""
    if not isinstance(cell, str):
        return cell.tolist() if isinstance(cell, np.ndarray) else cell
    text = cell.strip()
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError):
            continue
    words = re.split(r"[\s,;]+", text.strip("[]() "))
    numeric = all(re.fullmatch(r"[+-]?[\d.]+|nan|", word, flags=re.IGNORECASE) for word in words)
    return words if len(words) > 1 and numeric else text


def split_cell(cell: Any, keys: Sequence[str], key_of: Any) -> dict[str, Any]:
    """A packed cell as {key: value}: a list in the order of `keys`, or a dict whose keys `key_of` reads.

    Raises ValueError with what was expected.
    """
    value = _unpack(cell)
    if isinstance(value, Mapping):
        named = {key_of(str(key)): item for key, item in value.items()}
        if None in named or len(named) != len(value):
            raise ValueError(f"{value} where the keys {', '.join(keys)} are expected")
        return named
    if isinstance(value, list | tuple):
        if len(value) != len(keys):
            raise ValueError(f"{len(value)} values where {len(keys)} are expected ({', '.join(keys)})")
        return dict(zip(keys, value, strict=True))
    raise ValueError(f"{cell!r} where a list or dict of {', '.join(keys)} is expected")


def is_packed(cell: Any) -> bool:
    """Whether a cell holds several scores."""
    return isinstance(_unpack(cell), Mapping | list | tuple)


def aggregate_scores(scores: Mapping[str, pd.DataFrame], how: Aggregate = "median") -> pd.DataFrame:
    """One score per person and trait from several raters, missing ones dropped.

    Args:
        scores: rater -> (n, 5) scores, NaN = missing; at least one.
        how: "median" (the paper's), "majority" (the commonest score; the median of those that tie) or "mean".

    Returns:
        (n, 5) float; NaN where no rater gave a score.
    """
    frames = list(scores.values())
    cube = np.stack([frame.to_numpy(float) for frame in frames])  # (raters, n, 5)
    # In sorted order NaNs come last; `count` says how many are real.
    ordered, count = np.sort(cube, axis=0), np.isfinite(cube).sum(axis=0)
    if how == "mean":
        result = np.where(count > 0, np.nansum(cube, axis=0) / np.maximum(count, 1), np.nan)
    elif how == "median":
        result = _median(ordered, count)
    else:
        votes = (ordered[:, None] == ordered[None]).sum(axis=0).astype(float)
        most = votes.max(axis=0, initial=0)
        winners = np.sort(np.where((votes == most) & np.isfinite(ordered), ordered, np.nan), axis=0)
        result = _median(winners, np.isfinite(winners).sum(axis=0))
    return pd.DataFrame(result, columns=list(TRAITS), index=frames[0].index)


def _median(ordered: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Median of the first `count` entries along axis 0 of sorted values; NaN where `count` is 0."""
    below = np.maximum(count - 1, 0) // 2
    above = np.minimum(count // 2, len(ordered) - 1)
    low = np.take_along_axis(ordered, below[None], axis=0)[0]
    high = np.take_along_axis(ordered, above[None], axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan)
