"""Big Five scores: which columns hold them, what their cells mean, and how raters' scores are combined.

A rater is a language model, or "aggregated" for the combination of several. A language model answers 1, 2 or
3 (low, medium, high) for each trait, or 0 for "insufficient information" (paper §3). Here 0 is a missing
value, never a number. The aggregated score of a person is the median over the models without the 0s, so
values such as 1.5 and 2.5 occur.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from personax.runs.documents import parse_json
from personax.tables.schema import TRAITS, plain

Aggregate = Literal["median", "majority", "mean"]
AGGREGATES: tuple[Aggregate, ...] = get_args(Aggregate)

# DeepSeek scored an older draft of the celebrity table (columns DS_o ... DS_n). It is a separate rater,
# because it is not the third model of the published table.
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


class ScoreMeaning(NamedTuple):
    """What a column of scores holds.

    Attributes:
        rater: whose scores they are. None (only with a trait) means the aggregated score, or those of all
            raters.
        trait: the trait that is scored. None means that all five traits are packed in a cell.
    """

    rater: str | None
    trait: str | None


def _score_names() -> dict[str, ScoreMeaning]:
    """Plain column name -> meaning."""
    names: dict[str, ScoreMeaning] = {}
    for rater, aliases in RATERS.items():
        for alias, suffix in product(aliases, _PACKED):
            names[alias + suffix] = ScoreMeaning(rater, None)
        for alias, (trait, traits) in product(aliases, _TRAIT_ALIASES.items()):
            for spelling, link in product(traits, ("", "score")):
                names[alias + link + spelling] = ScoreMeaning(rater, trait)
                names[spelling + link + alias] = ScoreMeaning(rater, trait)
            names[alias + traits[0] + "score"] = ScoreMeaning(rater, trait)
    for trait, traits in _TRAIT_ALIASES.items():
        # A single letter alone may mean anything.
        for spelling in (word for word in traits if len(word) > 1):
            names |= dict.fromkeys((spelling, spelling + "score"), ScoreMeaning(None, trait))
    return names


SCORE_NAMES = _score_names()


def trait_of(word: str) -> str | None:
    """The trait that `word` (a name or an initial) stands for, or None."""
    return next((trait for trait, aliases in _TRAIT_ALIASES.items() if plain(word) in aliases), None)


def rater_of(word: str) -> str | None:
    """The rater that `word` stands for, or None."""
    spelled = plain(word).removesuffix("score")
    return next((rater for rater, aliases in RATERS.items() if spelled in aliases), None)


LONGEST_CELL = 1000  # characters of a cell with the scores of one person


def _unpack(cell: Any) -> Any:
    """The list or dict in a text cell (in JSON, in Python or with commas); other cells stay as they are.

    A text that is too long for the scores of a person stays a text.
    """
    if not isinstance(cell, str):
        return cell.tolist() if isinstance(cell, np.ndarray) else cell
    text = cell.strip()
    if len(text) > LONGEST_CELL or re.search("[0-9]{21}", text):
        return text
    for parse in (partial(parse_json, where="cell"), ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):  # of brackets in brackets
            continue
    words = re.split(r"[\s,;]+", text.strip("[]() "))
    numeric = all(re.fullmatch(r"[+-]?[\d.]+|nan|", word, flags=re.IGNORECASE) for word in words)
    return words if len(words) > 1 and numeric else text


def split_cell(cell: Any, keys: Sequence[str], key_of: Callable[[str], str | None]) -> dict[str, Any]:
    """A packed cell as {key: value}.

    Args:
        cell: a list in the order of `keys`, a dict, or a text of one of them.
        keys: the expected keys.
        key_of: translates a key of a dict; None if it is unknown.

    Raises:
        ValueError: the cell holds something else; the message names what is expected.

    Examples:
        >>> split_cell("{'chatgpt': 2, 'Llama_score': 3}", ("chatgpt", "gemini", "llama"), rater_of)
        {'chatgpt': 2, 'llama': 3}
    """
    value = _unpack(cell)
    if isinstance(value, Mapping):
        translated = [(key_of(str(key)), item) for key, item in value.items()]
        named = {key: item for key, item in translated if key is not None}
        if len(named) != len(value):
            raise ValueError(f"{value} where the keys {', '.join(keys)} are expected")
        return named
    if isinstance(value, list | tuple):
        if len(value) != len(keys):
            raise ValueError(f"{len(value)} values where {len(keys)} are expected ({', '.join(keys)})")
        return dict(zip(keys, value, strict=True))
    raise ValueError(f"{str(cell)[:60]!r} where a list or dict of {', '.join(keys)} is expected")


def is_packed(cell: Any) -> bool:
    """Whether a cell holds several scores."""
    return isinstance(_unpack(cell), Mapping | list | tuple)


def aggregate_scores(scores: Mapping[str, pd.DataFrame], how: Aggregate = "median") -> pd.DataFrame:
    """Combine the scores of several raters, without the missing ones.

    Args:
        scores: rater -> (n, 5) scores, NaN where missing. There must be at least one rater.
        how: "median" (as in the paper), "majority" (the most frequent score, or the median of the most
            frequent ones if several tie) or "mean".

    Returns:
        (n, 5) float, NaN where no rater gave a score.
    """
    frames = list(scores.values())
    cube = np.stack([frame.to_numpy(float) for frame in frames])  # (raters, n, 5)
    with warnings.catch_warnings():
        # numpy warns where nobody gave a score; NaN is the right answer there.
        warnings.simplefilter("ignore", RuntimeWarning)
        if how == "mean":
            result = np.nanmean(cube, axis=0)
        elif how == "median":
            result = np.nanmedian(cube, axis=0)
        else:
            votes = (cube[:, None] == cube[None]).sum(axis=0)
            result = np.nanmedian(np.where(votes == votes.max(axis=0), cube, np.nan), axis=0)
    return pd.DataFrame(result, columns=list(TRAITS), index=frames[0].index)
