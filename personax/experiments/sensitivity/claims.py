"""The table of a sensitivity analysis: every claim of the base run, its states, verdict, and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from personax.experiments.sensitivity.level_one import CELL
from personax.experiments.sensitivity.matching import (
    BACKWARD,
    FORWARD,
    OPEN,
    EdgeClaim,
    Partner,
    Recovered,
    claims_of,
    own_partners,
    partners_of,
    read_backwards,
)
from personax.experiments.sensitivity.plan import Variant
from personax.experiments.sensitivity.verdicts import (
    CLAIM_HOLDS,
    LEAST_MATCH,
    LOST,
    NOT_CHECKED,
    as_adjacency,
    cell_state,
    edge_state,
    verdict_of,
)
from personax.graphs.graph import Graph

EDGE, CELL_LEVEL = "edge", "cell"
DESCRIBED = ("level", "first", "second", "test", "base", "positive")
FIXED = (*DESCRIBED, "verdict", "adjacent", "held", "asked", "fails", "true")
SIGNS = {1: " (+)", -1: " (-)", 0: ""}
NO_EDGE_TEXT, DEPENDENT, NOT_SHOWN = "no edge", "dependent", "no dependence shown"


class VariantWord(NamedTuple):
    """What a variant says about a claim of the base run.

    Attributes:
        state: whether the claim holds (verdicts.py).
        said: the claim of the variant itself in a few signs, as "-> (+)"; "" if it says nothing.
    """

    state: str
    said: str = ""


@dataclass(frozen=True, eq=False)
class VariantResult:
    """What a variant has found.

    Attributes:
        variant: which one.
        recovered: latents and graph; None if they were not learned.
        cells: the tests of Level I; None if they were not made.
        refused: why it could not be done, or "".
    """

    variant: Variant
    recovered: Recovered | None
    cells: pd.DataFrame | None
    refused: str = ""


@dataclass(frozen=True, eq=False)
class KnownTruth:
    """What is known of simulated people.

    Attributes:
        graph: the true graph under the names of the base run's latents, or None.
        dependent: (traits, features) bool, or None.
    """

    graph: Graph | None
    dependent: pd.DataFrame | None


def claims_table(base: VariantResult, variants: Sequence[VariantResult], truth: KnownTruth) -> pd.DataFrame:
    """One row per claim of the base run: the columns `FIXED`, and two for each variant.

    The column with the name of a variant has the state of the claim there, that of `says_column` what the
    variant itself says, with direction and sign.
    Edges come first, then the pairs of latents without an edge, then the tests of Level I. `positive` is True
    for edges and dependences. `adjacent` is the verdict if direction and sign of an edge do not count. `held`
    of `asked` variants agree; `fails` names the others. `true` is whether the claim is true of simulated
    people, NaN if that is unknown.
    """
    rows = [*edge_rows(base, variants, truth.graph), *cell_rows(base, variants, truth.dependent)]
    names = [found.variant.name for found in variants]
    return pd.DataFrame(rows, columns=[*FIXED, *names, *map(says_column, names)])


def says_column(variant: str) -> str:
    """The name of the column with what a variant says."""
    return f"{variant} says"


def row_of(
    described: Mapping[str, Any],
    words: Mapping[str, VariantWord],
    variants: Sequence[VariantResult],
    true: float,
) -> dict[str, Any]:
    """A row of the table; `words` are those of each variant."""
    states = {name: word.state for name, word in words.items()}
    groups = {found.variant.name: found.variant.group for found in variants}
    asked = [state for state in states.values() if state != NOT_CHECKED]
    whole = described["level"] == EDGE and described["positive"]
    adjacent = verdict_of(as_adjacency(states), groups) if whole else ""
    return {
        **described,
        "verdict": verdict_of(states, groups),
        "adjacent": adjacent,
        "held": asked.count(CLAIM_HOLDS),
        "asked": len(asked),
        "fails": failures_text(states),
        "true": true,
        **states,
        **{says_column(name): word.said for name, word in words.items()},
    }


def failures_text(states: Mapping[str, str]) -> str:
    """The variants in which a claim fails, each with its state.

    >>> failures_text({"seed 1": "holds", "half 1": "absent", "half 2": "reversed"})
    'half 1 (absent); half 2 (reversed)'
    """
    failing = [
        f"{name} ({state})" for name, state in states.items() if state not in (CLAIM_HOLDS, NOT_CHECKED)
    ]
    return "; ".join(failing)


def edge_rows(
    base: VariantResult, variants: Sequence[VariantResult], truth: Graph | None
) -> list[dict[str, Any]]:
    """A row for every pair of latents, edges first."""
    if base.recovered is None:
        return []
    claims = claims_of(base.recovered, own_partners(base.recovered))
    words = {found.variant.name: edge_words(base.recovered, claims, found.recovered) for found in variants}
    rows = []
    for pair, claim in sorted(claims.items(), key=lambda item: not item[1].mark):
        first, second = pair if claim.mark != BACKWARD else pair[::-1]
        described = {
            "level": EDGE,
            "first": first,
            "second": second,
            "test": "",
            "base": edge_text(claim),
            "positive": bool(claim.mark),
        }
        of_pair = {name: found[pair] for name, found in words.items()}
        rows.append(row_of(described, of_pair, variants, edge_truth(truth, first, second, claim)))
    return rows


def edge_text(claim: EdgeClaim) -> str:
    """A claim of the base run in a few signs, read from cause to effect.

    >>> edge_text(EdgeClaim("<-", 1))
    '-> (+)'
    """
    return said_text(claim._replace(mark=FORWARD) if claim.mark == BACKWARD else claim)


def said_text(claim: EdgeClaim) -> str:
    """A claim in a few signs, read from its first latent to its second."""
    return f"{claim.mark}{SIGNS[claim.sign]}" if claim.mark else NO_EDGE_TEXT


def edge_truth(truth: Graph | None, first: str, second: str, claim: EdgeClaim) -> float:
    """1 if the claim about two latents is true, 0 if not, NaN if that is unknown; signs are not compared."""
    if truth is None or first not in truth.names or second not in truth.names:
        return np.nan
    a, b = truth.names.index(first), truth.names.index(second)
    forward, backward = bool(truth.adjacency[a, b]), bool(truth.adjacency[b, a])
    if not claim.mark:
        return float(not (forward or backward))
    return float(forward or (claim.mark == OPEN and backward))


def edge_words(
    base: Recovered, claims: Mapping[tuple[str, str], EdgeClaim], variant: Recovered | None
) -> dict[tuple[str, str], VariantWord]:
    """Pair of latents -> what the variant says about the base run's claim about it.

    It is read in the direction of the base run's edge.
    """
    if variant is None:
        return dict.fromkeys(claims, VariantWord(NOT_CHECKED))
    partners = partners_of(base, variant)
    others = claims_of(variant, partners)
    return {pair: _word_on_pair(pair, claim, partners, others) for pair, claim in claims.items()}


def _word_on_pair(
    pair: tuple[str, str],
    claim: EdgeClaim,
    partners: Mapping[str, Partner],
    others: Mapping[tuple[str, str], EdgeClaim],
) -> VariantWord:
    if any(name not in partners for name in pair):
        return VariantWord(NOT_CHECKED)
    if any(abs(partners[name].correlation) < LEAST_MATCH or not partners[name].name for name in pair):
        return VariantWord(LOST)
    # the variant's blocks can come in another order
    other = others[pair] if pair in others else read_backwards(others[pair[::-1]])
    said = read_backwards(other) if claim.mark == BACKWARD else other
    return VariantWord(edge_state(claim, other), said_text(said))


def cell_rows(
    base: VariantResult, variants: Sequence[VariantResult], dependent: pd.DataFrame | None
) -> list[dict[str, Any]]:
    """A row for every test of Level I that has a p-value in the base run, dependences first."""
    if base.cells is None or base.cells.empty:
        return []
    tested = verdicts_of_cells(base.cells)
    others = {
        found.variant.name: {} if found.cells is None else verdicts_of_cells(found.cells)
        for found in variants
    }
    rows = []
    for cell, verdict in sorted(tested.items(), key=lambda item: not item[1][0]):
        scores, trait, feature, test = cell
        described = {
            "level": CELL_LEVEL,
            "first": trait if scores == next(iter(tested))[0] else f"{trait} ({scores})",
            "second": feature,
            "test": test,
            "base": cell_text(verdict),
            "positive": verdict[0],
        }
        words = {
            name: VariantWord(cell_state(verdict, found[cell]), cell_text(found[cell]))
            if cell in found
            else VariantWord(NOT_CHECKED)
            for name, found in others.items()
        }
        rows.append(row_of(described, words, variants, cell_truth(dependent, trait, feature, verdict[0])))
    return rows


def cell_text(verdict: tuple[bool, int]) -> str:
    """What a run says about a trait and a feature: (rejected, sign) in words.

    >>> cell_text((True, -1)), cell_text((False, 1))
    ('dependent (-)', 'no dependence shown')
    """
    return f"{DEPENDENT}{SIGNS[verdict[1]]}" if verdict[0] else NOT_SHOWN


def verdicts_of_cells(cells: pd.DataFrame) -> dict[tuple[str, str, str, str], tuple[bool, int]]:
    """(scores, trait, feature, test) -> whether independence is rejected, and the sign."""
    known = cells[cells["pvalue"].notna()]
    keys = zip(*(known[key].astype(str) for key in CELL), strict=True)
    values = zip(known["rejected"].astype(bool), known["sign"].astype(int), strict=True)
    return dict(zip(keys, values, strict=True))


def cell_truth(dependent: pd.DataFrame | None, trait: str, feature: str, rejected: bool) -> float:
    """1 if the claim about a trait and a feature is true, 0 if not, NaN if that is unknown."""
    if dependent is None or trait not in dependent.index or feature not in dependent.columns:
        return np.nan
    return float(bool(dependent.loc[trait, feature]) == rejected)


def variants_table(
    base: VariantResult, variants: Sequence[VariantResult], claims: pd.DataFrame
) -> pd.DataFrame:
    """One row per variant: its kind, people, the match of its latents, and how many positive claims hold."""
    rows = []
    for found in variants:
        name, partners = found.variant.name, {}
        if base.recovered is not None and found.recovered is not None:
            partners = partners_of(base.recovered, found.recovered)
        match = np.abs([partner.correlation for partner in partners.values()])
        row: dict[str, Any] = {
            "variant": name,
            "kind": found.variant.group,
            "people": 0 if found.recovered is None else len(found.recovered.latents),
            "mean match": float(match.mean()) if len(match) else np.nan,
            "least match": float(match.min()) if len(match) else np.nan,
        }
        for level, title in ((EDGE, "edges"), (CELL_LEVEL, "dependences")):
            states = claims.loc[(claims["level"] == level) & claims["positive"].astype(bool), name]
            asked = states[states != NOT_CHECKED]
            row[title] = f"{(asked == CLAIM_HOLDS).sum()} of {len(asked)}" if len(asked) else ""
        rows.append(row | {"not done": found.refused})
    return pd.DataFrame(rows)
