"""Estimate a graph from latents: one function for PC, FCI and GES of causal-learn, all settings explicit."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import atanh, sqrt
from typing import Any, Literal, SupportsIndex

import numpy as np
from causallearn.graph.GraphNode import GraphNode
from causallearn.search.ConstraintBased.FCI import fci
from causallearn.search.ConstraintBased.PC import pc
from causallearn.search.ScoreBased.GES import ges
from causallearn.utils.cit import RCIT, CIT_Base, KCI_CInd, register_ci_test
from causallearn.utils.PCUtils.BackgroundKnowledge import BackgroundKnowledge
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import norm

from personax.graphs.graph import ARROW, CIRCLE, NONE, TAIL
from personax.graphs.knowledge import orient_by_knowledge
from personax.independence import kci
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng

DiscoveryMethod = Literal["pc", "fci", "ges"]
Test = Literal["fisherz", "rcit", "kci"]


@dataclass(frozen=True)
class Discovery:
    """How a graph is estimated.

    Attributes:
        method: pc returns a CPDAG and assumes that there are no hidden common causes; fci returns a PAG and
            allows them; ges optimises the BIC score and returns a CPDAG.
        test: conditional independence test of pc and fci. fisherz: linear and Gaussian. rcit: random Fourier
            features (Strobl et al. 2019), nonlinear. kci: kernels (Zhang et al. 2011), nonlinear; its cost
            is O(n) here with an empty conditioning set, O(n^3) otherwise.
        alpha: level of each test, in (0, 1).
        max_conditioning: largest size of a conditioning set in pc and fci; -1 for no limit.
        forbidden: (d, d), True where i -> j is known to be impossible; None: nothing is known.
    """

    method: DiscoveryMethod = "pc"
    test: Test = "fisherz"
    alpha: float = 0.05
    max_conditioning: int = 4
    forbidden: Bool[np.ndarray, "d d"] | None = None


class _LimitedTest(CIT_Base):  # type: ignore[misc]  # causal-learn has no types
    """A conditional independence test as causal-learn calls it: p = test(X, Y, condition_set).

    Conditioning sets with more than `max_conditioning` variables are never tested: p is 0, so they separate
    nothing. causal-learn's own limit holds only while it searches for the skeleton.
    """

    def __init__(self, data: np.ndarray, *, kind: Test, max_conditioning: int) -> None:
        super().__init__(data)
        self.check_cache_method_consistent(f"personax_{kind}", "")
        self.max_conditioning = max_conditioning
        self.p_value = {"fisherz": fisher_z_test, "rcit": _rcit, "kci": _kci}[kind](data)

    def __call__(self, X: SupportsIndex, Y: SupportsIndex, condition_set: Any = None) -> float:
        (x,), (y,), given, key = self.get_formatted_XYZ_and_cachekey(X, Y, condition_set)
        if 0 <= self.max_conditioning < len(given):
            return 0.0
        if key not in self.pvalue_cache:
            self.pvalue_cache[key] = float(self.p_value(x, y, given))
        return float(self.pvalue_cache[key])


PValue = Callable[[int, int, list[int]], float]


def fisher_z_test(data: Float[np.ndarray, "n d"]) -> PValue:
    """Fisher's z test of partial correlations: a function of two columns and a conditioning set.

    The upper tail is computed directly; as 1 - CDF, a small p-value would be rounded to 0.
    """
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
    return lambda x, y, given: float(test(x, y, given))


def _kci(data: np.ndarray) -> PValue:
    """KCI: ours, in linear time, if the conditioning set is empty; else causal-learn's."""
    conditional = KCI_CInd()

    def p_value(x: int, y: int, given: list[int]) -> float:
        if given:
            return float(conditional.compute_pvalue(data[:, [x]], data[:, [y]], data[:, given])[0])
        return kci(data[:, x], data[:, y], rng=numpy_rng(0, f"kci-{x}-{y}")).pvalue

    return p_value


REGISTERED_TEST = "personax"  # causal-learn finds our test under this name
register_ci_test(REGISTERED_TEST, _LimitedTest)

# How causal-learn's PC finds colliders, and which one it keeps if two contradict each other. The mean SHD to
# the true CPDAG over 12 random linear-Gaussian graphs (12 and 18 nodes, n = 4,000) is 1.9 with these two
# settings and 8.3 with causal-learn's defaults.
MAX_P, STRONGEST_FIRST = 1, 4

# causal-learn: G[j, i] is the mark at j of the edge between i and j.
_FROM_CAUSAL_LEARN = {0: NONE, -1: TAIL, 1: ARROW, 2: CIRCLE}


def marks_from_causal_learn(graph: Shaped[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Translate causal-learn's matrix, where G[i, j] = -1 and G[j, i] = 1 mean i -> j, into endpoint marks.

    >>> marks_from_causal_learn(np.array([[0, -1], [1, 0]]))  # an arrowhead (2) at 1 and a tail (3) at 0
    array([[0, 2],
           [3, 0]])
    """
    translate = np.vectorize(_FROM_CAUSAL_LEARN.__getitem__, otypes=[int])
    marks: np.ndarray = translate(np.asarray(graph).T.astype(int))
    return marks


def rescaled(data: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Each column times a power of two, so that its largest absolute value is between 0.5 and 1.

    Such a factor only changes the exponents of the numbers and rounds nothing. Afterwards squares neither
    overflow nor vanish, however large or small the numbers were. A column of zeros stays as it is.

    >>> rescaled(np.array([[1.0, 0.03], [5.0, -0.06]]))
    array([[ 0.125,  0.48 ],
           [ 0.625, -0.96 ]])
    """
    _, exponents = np.frexp(np.abs(data).max(0))
    scaled: np.ndarray = np.ldexp(data, -exponents)
    return scaled


def standardised(data: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Columns with mean 0 and standard deviation 1; the scale of a column does not matter.

    The columns must be finite and not constant; `check_latents` makes sure of this.
    """
    scaled = rescaled(data)
    columns: np.ndarray = (scaled - scaled.mean(0)) / scaled.std(0)
    return columns


def check_latents(data: Float[np.ndarray, "n d"], names: list[str]) -> None:
    """Raise InputError if a graph over these latents cannot be estimated.

    There must be enough people, and the latents must be finite, not constant, and not collinear. A latent
    counts as constant if its values differ by less than 1e-12 of the largest absolute value.
    """
    n, d = data.shape
    if n < d + 4:
        raise InputError(f"{n} people and {d} latents; a graph needs at least {d + 4} people")
    bad = np.argwhere(~np.isfinite(data))
    if len(bad):
        row, column = bad[0]
        raise InputError(
            f"latent {names[column]}, row {row}: not a finite number; remove the person or the latent"
        )
    for name, column in zip(names, rescaled(data).T, strict=True):
        if np.ptp(column) <= 1e-12 * np.abs(column).max():
            raise InputError(f"latent {name}: the same value for everybody; leave it out")
    correlation = np.corrcoef(rescaled(data).T).reshape(d, d)
    for k in range(1, d):
        if np.linalg.eigvalsh(correlation[: k + 1, : k + 1])[0] < 1e-10:
            raise InputError(f"latent {names[k]}: a linear combination of those before it; leave it out")


@contextlib.contextmanager
def _seeded_global_numpy(seed: int) -> Iterator[None]:
    """Seed numpy's global generator inside the with statement, then restore it.

    causal-learn's RCIT and KCI draw their random numbers from it.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _background(names: list[str], forbidden: np.ndarray) -> BackgroundKnowledge:
    """The arrows that are forbidden in one direction only, in causal-learn's form.

    Edges that are forbidden in both directions are removed after the search instead. causal-learn would
    treat such a pair as separated by the empty set, and so turn each of its common neighbours into a
    collider.
    """
    nodes = [GraphNode(name) for name in names]
    knowledge = BackgroundKnowledge()
    for i, j in np.argwhere(forbidden & ~forbidden.T):
        knowledge.add_forbidden_by_node(nodes[i], nodes[j])
    return knowledge


def discover(data: Float[np.ndarray, "n d"], how: Discovery, *, seed: int = 0) -> Int[np.ndarray, "d d"]:
    """Estimate the graph behind n people's d latents and return its endpoint marks (see Graph.marks).

    PC and FCI use the background knowledge (`how.forbidden`) during the search. GES searches without it;
    afterwards undirected edges get the allowed direction and edges that are forbidden in both directions are
    removed, but arrows that contradict the knowledge may remain. `seed` has an effect with rcit and kci
    only. PC and GES are otherwise deterministic; causal-learn's FCI goes through sets of texts, so some of
    its marks can differ between processes unless the environment variable PYTHONHASHSEED is set. PC finds
    colliders by the largest p-value (Ramsey 2016) and orients the surest first; this is not causal-learn's
    default.
    Sources: Spirtes, Glymour & Scheines 2000 (PC, FCI); Chickering 2002 (GES).
    """
    d = data.shape[1]
    names = [f"X{i + 1}" for i in range(d)]
    forbidden = np.zeros((d, d), dtype=bool) if how.forbidden is None else how.forbidden
    latents = standardised(data)
    limit = how.max_conditioning
    with _seeded_global_numpy(seed), contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if how.method == "pc":
            found = pc(
                latents,
                how.alpha,
                REGISTERED_TEST,
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
                latents,
                REGISTERED_TEST,
                how.alpha,
                depth=limit,
                background_knowledge=_background(names, forbidden),
                show_progress=False,
                node_names=names,
                kind=how.test,
                max_conditioning=limit,
            )[0].graph
        else:
            found = ges(latents, "local_score_BIC_from_cov", node_names=names)["G"].graph
    return orient_by_knowledge(marks_from_causal_learn(found), forbidden)


def linear_weights(
    data: Float[np.ndarray, "n d"], adjacency: Int[np.ndarray, "d d"]
) -> Float[np.ndarray, "d d"]:
    """Standardised regression coefficients for the edges of a graph; 0 where there is no edge.

    Latent j is regressed on all latents i with A[i, j] = 1, and entry [i, j] is the coefficient of i. This
    measures how strong an edge is in a linear model; it is no effect size of a nonlinear model.
    """
    latents = standardised(data)
    weights = np.zeros(adjacency.shape)
    for j in range(len(adjacency)):
        parents = np.flatnonzero(adjacency[:, j])
        if len(parents):
            weights[parents, j] = np.linalg.lstsq(latents[:, parents], latents[:, j], rcond=None)[0]
    return weights
