"""A graph from latents: PC, FCI and GES of causal-learn behind one function with explicit settings."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atanh, sqrt
from typing import Any, Literal

import numpy as np
from causallearn.graph.GraphNode import GraphNode
from causallearn.search.ConstraintBased.FCI import fci
from causallearn.search.ConstraintBased.PC import pc
from causallearn.search.ScoreBased.GES import ges
from causallearn.utils.cit import RCIT, CIT_Base, KCI_CInd, register_ci_test
from causallearn.utils.PCUtils.BackgroundKnowledge import BackgroundKnowledge
from scipy.stats import norm

from personax.graphs.graph import ARROW, CIRCLE, NONE, TAIL
from personax.graphs.knowledge import orient_by_knowledge
from personax.independence import kci
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng

Method = Literal["pc", "fci", "ges"]
Test = Literal["fisherz", "rcit", "kci"]


@dataclass(frozen=True)
class Discovery:
    """How a graph is estimated.

    Attributes:
        method: pc (a CPDAG; no hidden common causes), fci (a PAG; hidden ones allowed), ges (BIC score).
        test: conditional independence test of pc and fci. fisherz: linear-Gaussian. rcit: random Fourier
            features (Strobl et al. 2019), nonlinear. kci: kernels (Zhang et al. 2011), nonlinear, O(n) here
            when nothing is conditioned on, O(n^3) otherwise.
        alpha: level of each test, in (0, 1).
        max_conditioning: largest conditioning set of pc and fci; -1 for no limit.
        forbidden: (d, d) bool, True where i -> j is known not to be.
    """

    method: Method = "pc"
    test: Test = "fisherz"
    alpha: float = 0.05
    max_conditioning: int = 4
    forbidden: np.ndarray | None = None


class _LimitedTest(CIT_Base):
    """A conditional independence test in causal-learn's protocol: p = test(X, Y, condition_set).

    Sets larger than `max_conditioning` are not tested and count as not separating (p = 0), wherever in the
    search they come up. causal-learn's own limit holds for the skeleton only.
    """

    def __init__(self, data: np.ndarray, *, kind: Test, max_conditioning: int) -> None:
        super().__init__(data)
        self.check_cache_method_consistent(f"personax_{kind}", "")
        self.max_conditioning = max_conditioning
        self.p_value = {"fisherz": _fisher_z, "rcit": _rcit, "kci": _kci}[kind](data)

    def __call__(self, X: int, Y: int, condition_set: Any = None) -> float:
        (x,), (y,), given, key = self.get_formatted_XYZ_and_cachekey(X, Y, condition_set)
        if 0 <= self.max_conditioning < len(given):
            return 0.0
        if key not in self.pvalue_cache:
            self.pvalue_cache[key] = float(self.p_value(x, y, given))
        return self.pvalue_cache[key]


PValue = Callable[[int, int, list[int]], float]


def _fisher_z(data: np.ndarray) -> PValue:
    """Fisher's z test of the partial correlation; the upper tail is computed directly, no 0 too early."""
    correlation, n = np.corrcoef(data.T), len(data)

    def p_value(x: int, y: int, given: list[int]) -> float:
        chosen = [x, y, *given]
        precision = np.linalg.inv(correlation[np.ix_(chosen, chosen)])
        r = -precision[0, 1] / sqrt(precision[0, 0] * precision[1, 1])
        r = min(max(r, -1 + 1e-15), 1 - 1e-15)
        return float(2 * norm.sf(abs(atanh(r)) * sqrt(n - len(given) - 3)))

    return p_value


def _rcit(data: np.ndarray) -> PValue:
    test = RCIT(data)
    return lambda x, y, given: test(x, y, given)


def _kci(data: np.ndarray) -> PValue:
    """KCI: on features, in linear time, where nothing is conditioned on; causal-learn's otherwise."""
    conditional = KCI_CInd()

    def p_value(x: int, y: int, given: list[int]) -> float:
        if given:
            return float(conditional.compute_pvalue(data[:, [x]], data[:, [y]], data[:, given])[0])
        return kci(data[:, x], data[:, y], rng=numpy_rng(0, f"kci-{x}-{y}")).pvalue

    return p_value


TEST = "personax"  # the name under which causal-learn finds the test
register_ci_test(TEST, _LimitedTest)

# How causal-learn's PC finds colliders and settles conflicts between them. Mean SHD to the true CPDAG over 12
# random linear-Gaussian graphs (12 and 18 nodes, n = 4,000): 1.9 with these two, 8.3 with its defaults.
MAX_P, STRONGEST_FIRST = 1, 4

# causal-learn: G[j, i] is the mark at j of the edge between i and j.
_FROM_CAUSAL_LEARN = {0: NONE, -1: TAIL, 1: ARROW, 2: CIRCLE}


def marks_from_causal_learn(graph: np.ndarray) -> np.ndarray:
    """causal-learn's (d, d) endpoint matrix, where G[i, j] = -1 and G[j, i] = 1 mean i -> j, as ours."""
    return np.vectorize(_FROM_CAUSAL_LEARN.__getitem__, otypes=[int])(np.asarray(graph).T.astype(int))


def check_latents(data: np.ndarray, names: list[str]) -> None:
    """Raise InputError unless (n, d) latents can be tested: enough people, finite, varying, not collinear."""
    n, d = data.shape
    if n < d + 4:
        raise InputError(f"{n} people and {d} latents; a graph needs at least {d + 4} people")
    bad = np.argwhere(~np.isfinite(data))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"latent {names[column]}, row {row}: not a finite number; remove the person or the latent"
        )
    for name, column in zip(names, data.T, strict=True):
        if np.ptp(column) <= 1e-12 * max(1.0, float(np.abs(column).max())):
            raise InputError(f"latent {name}: the same value for everybody; leave it out")
    correlation = np.corrcoef(data.T).reshape(d, d)
    for k in range(1, d):
        if np.linalg.eigvalsh(correlation[: k + 1, : k + 1])[0] < 1e-10:
            raise InputError(f"latent {names[k]}: a linear combination of those before it; leave it out")


@contextlib.contextmanager
def _seeded_global_numpy(seed: int) -> Iterator[None]:
    """causal-learn's RCIT and KCI draw from numpy's global state: set it for the block, then restore it."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _background(names: list[str], forbidden: np.ndarray) -> BackgroundKnowledge:
    """Arrows forbidden in one direction. Edges forbidden in both are dropped after the search instead:

    causal-learn would take such a pair for separated by the empty set, and every common neighbour for a
    collider.
    """
    nodes = [GraphNode(name) for name in names]
    knowledge = BackgroundKnowledge()
    for i, j in np.argwhere(forbidden & ~forbidden.T):
        knowledge.add_forbidden_by_node(nodes[i], nodes[j])
    return knowledge


def discover(data: np.ndarray, how: Discovery, *, seed: int = 0) -> np.ndarray:
    """Estimate the graph behind latents (n, d) and return its (d, d) endpoint marks (see Graph.marks).

    PC and FCI use the knowledge in the search. GES searches without it; the knowledge then turns undirected
    edges and removes those forbidden both ways, but arrows against it may stay. `seed`
    matters to rcit and kci only. Deterministic otherwise. PC orients colliders by the largest p-value
    (Ramsey 2016), the surest first, instead of causal-learn's default.
    Sources: Spirtes, Glymour & Scheines 2000 (PC, FCI); Chickering 2002 (GES).
    """
    d = data.shape[1]
    names = [f"X{i + 1}" for i in range(d)]
    forbidden = np.zeros((d, d), dtype=bool) if how.forbidden is None else how.forbidden
    standardised = (data - data.mean(0)) / data.std(0)
    limit = how.max_conditioning
    with _seeded_global_numpy(seed), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if how.method == "pc":
            found = pc(
                standardised,
                how.alpha,
                TEST,
                background_knowledge=_background(names, forbidden),
                uc_rule=MAX_P,
                uc_priority=STRONGEST_FIRST,
                show_progress=False,
                node_names=names,
                max_k=None if limit < 0 else limit,
                kind=how.test,
                max_conditioning=limit,
            ).G.graph
        elif how.method == "fci":
            found = fci(
                standardised,
                TEST,
                how.alpha,
                depth=limit,
                background_knowledge=_background(names, forbidden),
                show_progress=False,
                node_names=names,
                kind=how.test,
                max_conditioning=limit,
            )[0].graph
        else:
            found = ges(standardised, "local_score_BIC_from_cov", node_names=names)["G"].graph
    return orient_by_knowledge(marks_from_causal_learn(found), forbidden)


def linear_weights(data: np.ndarray, adjacency: np.ndarray) -> np.ndarray:
    """(d, d) standardised coefficients: [i, j] is that of i in the regression of j on all i with A[i, j] = 1.

    Zero where there is no edge. A linear reading of each edge's strength, not an effect size of a
    nonlinear model.
    """
    standardised = (data - data.mean(0)) / data.std(0)
    weights = np.zeros(adjacency.shape)
    for j in range(len(adjacency)):
        parents = np.flatnonzero(adjacency[:, j])
        if len(parents):
            weights[parents, j] = np.linalg.lstsq(standardised[:, parents], standardised[:, j], rcond=None)[0]
    return weights
