"""Estimate a graph from latents: one function for PC, FCI and GES of causal-learn, all settings explicit.

The skeleton of a graph is its edges without directions. A separating set of two nodes is a set of other nodes
given which the two are independent. A collider is a node into which two arrows point: a -> c <- b. A CPDAG
shows which directions independences determine, a PAG also allows for hidden common causes (pag.py).
"""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import atanh, sqrt
from typing import Any, SupportsIndex

import numpy as np
from causallearn.graph.Endpoint import Endpoint
from causallearn.graph.GraphNode import GraphNode
from causallearn.search.ConstraintBased.FCI import removeByPossibleDsep, reorientAllWith, rule0
from causallearn.search.ConstraintBased.PC import pc
from causallearn.search.ScoreBased.GES import ges
from causallearn.utils.cit import RCIT, CIT_Base, register_ci_test
from causallearn.utils.FAS import fas
from causallearn.utils.PCUtils.BackgroundKnowledge import BackgroundKnowledge
from jaxtyping import Bool, Float, Int
from scipy.stats import norm

from personax.graphs.choices import DiscoveryMethod, Test
from personax.graphs.graph import ARROW, NONE, marks_from_causal_learn
from personax.graphs.knowledge import orient_by_knowledge
from personax.graphs.pag import pag_marks
from personax.independence.conditional_cache import ManyKci
from personax.runs.errors import InputError


@dataclass(frozen=True)
class Discovery:
    """How a graph is estimated.

    Attributes:
        method: pc returns a CPDAG and assumes that there are no hidden common causes; fci returns a PAG and
            allows them; ges optimises the BIC score and returns a CPDAG.
        test: conditional independence test of pc and fci. fisherz: linear and Gaussian. rcit: random Fourier
            features (Strobl et al. 2019), nonlinear. kci: kernels (Zhang et al. 2011), nonlinear, in time
            linear in n.
        alpha: level of each test, in (0, 1).
        max_conditioning: largest size of a conditioning set in pc and fci; -1 for no limit.
        forbidden: (d, d), True where i -> j is known to be impossible; None if nothing is known.
    """

    method: DiscoveryMethod = "pc"
    test: Test = "fisherz"
    alpha: float = 0.05
    max_conditioning: int = 4
    forbidden: Bool[np.ndarray, "d d"] | None = None


class _LimitedTest(CIT_Base):  # type: ignore[misc]  # causal-learn has no types
    """A conditional independence test in the form that causal-learn calls: p = test(X, Y, condition_set).

    Conditioning sets with more than `max_conditioning` variables are never tested: p is 0, so they separate
    no nodes. causal-learn's own limit applies only while it searches for the skeleton.
    """

    def __init__(self, data: Float[np.ndarray, "n d"], *, kind: Test, max_conditioning: int) -> None:
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


def _rcit(data: Float[np.ndarray, "n d"]) -> PValue:
    """RCIT of causal-learn."""
    test = RCIT(data)
    return lambda x, y, given: float(test(x, y, given))


def _kci(data: Float[np.ndarray, "n d"]) -> PValue:
    """KCI in linear time, with and without a conditioning set."""
    return ManyKci(data).pvalue


REGISTERED_TEST = "personax"  # causal-learn finds our test under this name
register_ci_test(REGISTERED_TEST, _LimitedTest)

# How causal-learn's PC finds colliders, and which one it keeps if two contradict each other. The mean SHD to
# the true CPDAG over 12 random linear-Gaussian graphs (12 and 18 nodes, n = 4,000) is 1.9 with these two
# settings and 8.3 with causal-learn's defaults.
MAX_P, STRONGEST_FIRST = 1, 4


def rescaled(data: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Multiply each column by a power of two, so that its largest absolute value is between 0.5 and 1.

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


def constant_columns(data: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " d"]:
    """Which latents are constant: their values differ by at most 1e-12 of the largest absolute value."""
    scaled = rescaled(data)
    return np.asarray(np.ptp(scaled, axis=0) <= 1e-12 * np.abs(scaled).max(0))


def check_latents(data: Float[np.ndarray, "n d"], names: list[str]) -> None:
    """Raise InputError if a graph over these latents cannot be estimated.

    There must be at least d + 4 people, and the latents must be finite, not constant, and not collinear.
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
    for name, constant in zip(names, constant_columns(data), strict=True):
        if constant:
            raise InputError(f"latent {name}: the same value for everybody; leave it out")
    correlation = np.corrcoef(rescaled(data).T).reshape(d, d)
    for k in range(1, d):
        if np.linalg.eigvalsh(correlation[: k + 1, : k + 1])[0] < 1e-10:
            raise InputError(f"latent {names[k]}: a linear combination of those before it; leave it out")


# BIC finds false edges in small samples: GES joins 11 to 26 % of all pairs of independent latents of 9 to 20
# people, 6 to 10 % with 30, 5 to 7 % with 50 and 3 to 5 % with 100. The tests of PC and FCI keep their level.
LEAST_PEOPLE: dict[DiscoveryMethod, int] = {"pc": 0, "fci": 0, "ges": 100}
NEARLY_A_COPY = 0.99  # above this |correlation|, one of two latents can hide the edges of the other


def check_sample_size(n: int, d: int, method: DiscoveryMethod, *, resamples: bool) -> None:
    """Raise InputError if n people are too few for a graph over d latents, or for resamples of them.

    A resample of half of the people must be large enough by itself; a resample with replacement contains
    about 63 % of them.
    """
    least = max(d + 4, LEAST_PEOPLE[method])
    if n < least:
        raise InputError(f"{n} people; {method} over {d} latents needs at least {least}")
    if resamples and n < 2 * least:
        raise InputError(
            f"{n} people; resamples for {method} over {d} latents need at least {2 * least}; "
            "give --resamples 0"
        )


def near_copies(data: Float[np.ndarray, "n d"]) -> list[tuple[int, int]]:
    """Pairs of latents with |correlation| above `NEARLY_A_COPY`.

    Given one of the two, the other adds nothing that a test could detect, so both can lose a true edge.
    """
    correlation = np.abs(np.corrcoef(standardised(data).T)).reshape(data.shape[1], -1)
    return [(int(i), int(j)) for i, j in np.argwhere(np.triu(correlation > NEARLY_A_COPY, 1))]


@contextlib.contextmanager
def _seeded_global_numpy(seed: int) -> Iterator[None]:
    """Seed numpy's global generator inside the with statement, then restore it.

    causal-learn's RCIT draws its random numbers from it.
    """
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def _background(names: list[str], forbidden: Bool[np.ndarray, "d d"]) -> BackgroundKnowledge:
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

    PC uses the background knowledge (`how.forbidden`) during the search, FCI after it (`fci_marks`). GES
    searches without it; afterwards undirected edges get the allowed direction and edges that are forbidden
    in both directions are removed, but arrows that contradict the knowledge may remain. `seed` has an effect
    with rcit only. PC finds colliders by the largest p-value (Ramsey 2016) and orients the most
    certain ones first; this is not causal-learn's default. A latent that is the same for everybody has no
    edges, since nothing can depend on it. (This can happen in a resample if few people differ in a latent.)
    Sources: Spirtes, Glymour & Scheines 2000 (PC, FCI); Chickering 2002 (GES).
    """
    d = data.shape[1]
    forbidden = np.zeros((d, d), dtype=bool) if how.forbidden is None else how.forbidden
    varying = np.ptp(data, axis=0) > 0
    if not varying.all():
        marks = np.full((d, d), NONE)
        if varying.sum() > 1:
            among = np.ix_(varying, varying)
            marks[among] = discover(data[:, varying], replace(how, forbidden=forbidden[among]), seed=seed)
        return marks
    names = [f"X{i + 1}" for i in range(d)]
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
            test = _LimitedTest(latents, kind=how.test, max_conditioning=limit)
            return fci_marks(test, how.alpha, forbidden, depth=limit)
        else:
            found = ges(latents, "local_score_BIC_from_cov", node_names=names)["G"].graph
    return orient_by_knowledge(marks_from_causal_learn(found), forbidden)


def fci_marks(
    test: CIT_Base, alpha: float, forbidden: Bool[np.ndarray, "d d"], *, depth: int = -1
) -> Int[np.ndarray, "d d"]:
    """Endpoint marks of the PAG that FCI finds with a conditional independence test.

    causal-learn finds the skeleton and the separating sets; the marks are ours (`pag_marks`). Given "z does
    not cause s", causal-learn's own FCI would write the edge as s -> z, which excludes a hidden common cause
    that the knowledge does not exclude (its issue 266); here it is s o-> z or s <-> z. For the same reason
    an edge that is forbidden in both directions becomes <-> and is not removed.

    Args:
        test: called as p = test(x, y, conditioning_set) with column numbers; `test.data` is (n, d).
        alpha: level of each test, in (0, 1).
        forbidden: True where i -> j is known to be impossible.
        depth: largest conditioning set of the first part of the search; -1 for no limit.
    """
    nodes = [GraphNode(f"X{i + 1}") for i in range(len(forbidden))]
    graph, separating, _ = fas(test.data, nodes, test, alpha, depth=depth, show_progress=False)
    reorientAllWith(graph, Endpoint.CIRCLE)
    rule0(graph, nodes, separating, None, verbose=False)
    removeByPossibleDsep(graph, test, alpha, separating)
    by_pair = {(int(a), int(b)): {int(node) for node in nodes} for (a, b), nodes in separating.items()}
    return pag_marks(np.asarray(graph.graph) != 0, by_pair, forbidden)


def linear_weights(data: Float[np.ndarray, "n d"], marks: Int[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """How strong each edge is in a linear model; 0 where there is no edge.

    For i -> j and i o-> j, entry [i, j] is the standardised coefficient of i in the regression of j on all
    its parents (the nodes with such an edge into j), and entry [j, i] is 0. Any other edge has no direction,
    so both entries get a number without direction: the partial correlation of i and j given the parents of
    both. These numbers are not effect sizes of a nonlinear model.
    """
    latents = standardised(data)
    into = (marks == ARROW) & (marks.T != ARROW)
    weights = np.zeros(marks.shape)
    for j in range(len(marks)):
        parents = np.flatnonzero(into[:, j])
        weights[parents, j] = _coefficients(latents, parents, [j])[:, 0]
    for i, j in np.argwhere(np.triu((marks != NONE) & ~into & ~into.T)).tolist():
        parents = np.flatnonzero(into[:, i] | into[:, j])
        pair = latents[:, [i, j]]
        rest = pair - latents[:, parents] @ _coefficients(latents, parents, [i, j])
        weights[i, j] = weights[j, i] = np.corrcoef(rest.T)[0, 1]
    return weights


def _coefficients(
    data: Float[np.ndarray, "n d"], parents: Int[np.ndarray, " parents"], children: list[int]
) -> Float[np.ndarray, "parents children"]:
    """(parents, children) coefficients of the regression of each child on all parents."""
    return np.asarray(np.linalg.lstsq(data[:, parents], data[:, children], rcond=None)[0])
