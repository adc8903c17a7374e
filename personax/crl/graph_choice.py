"""The graph that explains latents best in the coordinates that they have: a search over causal orders.

A latent z_k given its causes has the model

    z_k = sum_j f_kj(z_j) + sigma_k e_k,    e_k normal,

each f a sum of a line, hinges and a tanh, which least squares fits. Its cost is log sigma_k and a price for
every cause (Eq. 6), in nats per row. For an order of the latents each one has the causes among those before
it that are worth their price. The order is the cheapest that moves of single latents reach. Everything is
computed from one table of products, so a graph of four latents takes milliseconds.

Phase 2 chooses graphs in this way because gates that are learned by gradients close too early: as long as the
mechanism of an edge has not been learned, the edge costs its price and gains nothing. If an effect is
symmetric, such as a cosine, its mechanism is learned slowly, and without the edge the coordinates then bend
until the dependence is hidden.

Rows have weights. Networks have seen few unusual people, and read their latents badly. Then a child of the
same cause tells something about the cause that the reading misses, and with equal weights such an edge, which
is not there, can save more than its price: 0.10 nats in scenes with a fork. It saves 0.03 if rows count in
proportion to the trust in them (geometry.py). In eight tuning scenes other false edges lost likewise, and
true ones did not.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from personax.crl.mechanism_cost import bends, standardise
from personax.crl.order_search import climb

HINGES = (-1.6, -0.8, 0.0, 0.8, 1.6)  # knots, in standard deviations
BENT_PARTS = len(HINGES) + 2  # functions of one cause
LEAST_SHARE, SMALL_RIDGE = 1e-6, 1e-5  # of the variance that is left over; of the regression
# With more latents, the causes of a latent are sought among those that are worth this share of their price
# beside all other latents: its parents, its children and their other parents. Else a choice takes minutes.
MANY, SHARE_OF_PRICE = 8, 0.25
RANDOM_ORDERS = 5  # of `graph_of_latents`


class GraphChoice:
    """Costs of causes of the latents (n, d), and the search for the cheapest graph.

    Attributes:
        candidates: for each latent those that may be its causes.
    """

    candidates: list[set[int]]

    def __init__(
        self,
        z: Float[np.ndarray, "n d"],
        prices: Float[np.ndarray, "d d"],
        trust: Float[np.ndarray, " n"] | None = None,
    ) -> None:
        """Compute the table of products.

        Args:
            z: latents.
            prices: [i, j] price of the edge i -> j in nats per row; inf where it must not be.
            trust: weights of the rows; equal ones if left out.
        """
        standard = standardise(z)
        weights = np.ones(len(z)) if trust is None else trust
        share = (weights / weights.sum())[:, None]
        parts = [bends(standard[:, j], HINGES) for j in range(z.shape[1])]
        design = np.column_stack([np.ones(len(z)), *parts])
        self._gram = design.T @ (share * design) + SMALL_RIDGE * np.eye(design.shape[1])
        self._moments = design.T @ (share * standard)
        self._size = (share * standard**2).sum(0)
        self._prices = prices
        self._best: dict[tuple[int, frozenset[int]], tuple[float, list[int]]] = {}
        d = z.shape[1]
        allowed = [
            set(np.flatnonzero(np.isfinite(prices[:, child])).tolist()) - {child} for child in range(d)
        ]
        if d > MANY:
            allowed = [set(self._worth(child, sorted(allowed[child]), SHARE_OF_PRICE)) for child in range(d)]
        self.candidates = allowed

    def cost(self, child: int, causes: Sequence[int]) -> float:
        """Cost of a latent given these causes, with their prices."""
        columns = [0, *(column for cause in causes for column in self._parts(cause))]
        moments = self._moments[columns, child]
        explained = moments @ np.linalg.solve(self._gram[np.ix_(columns, columns)], moments)
        left = _at_least(float(self._size[child] - explained))
        return 0.5 * float(np.log(left)) + float(sum(self._prices[cause, child] for cause in causes))

    def causes(self, child: int, earlier: Iterable[int]) -> tuple[float, list[int]]:
        """The cost of a latent, and its causes among earlier ones."""
        key = child, frozenset(self.candidates[child].intersection(earlier))
        if key not in self._best:
            kept = self._worth(child, sorted(key[1]))
            self._best[key] = self.cost(child, kept), kept
        return self._best[key]

    def _worth(self, child: int, kept: list[int], share: float = 1.0) -> list[int]:
        """Those of the given causes that are worth this share of their price.

        One after another is taken out, as long as that lowers the cost. Without the parts p of a cause the
        sum of squares grows by b_p (I_pp)^-1 b_p, where b are the coefficients and I is the inverse of the
        table of products.
        """
        columns = np.array([0, *(column for cause in kept for column in self._parts(cause))])
        inverse = np.linalg.inv(self._gram[np.ix_(columns, columns)])
        slopes = inverse @ self._moments[columns, child]
        left = float(self._size[child] - self._moments[columns, child] @ slopes)
        while kept:
            blocks = [slice(1 + BENT_PARTS * k, 1 + BENT_PARTS * (k + 1)) for k in range(len(kept))]
            cores = [np.linalg.solve(inverse[b, b], slopes[b]) for b in blocks]
            more = [left + float(slopes[b] @ core) for b, core in zip(blocks, cores, strict=True)]
            gains = [
                share * self._prices[cause, child] - 0.5 * float(np.log(_at_least(grown) / _at_least(left)))
                for cause, grown in zip(kept, more, strict=True)
            ]
            out = int(np.argmax(gains))
            if gains[out] < 0:
                break
            block, rest = blocks[out], np.r_[0 : blocks[out].start, blocks[out].stop : len(columns)]
            bridge = np.linalg.solve(inverse[block, block], inverse[block][:, rest])
            slopes = slopes[rest] - inverse[rest][:, block] @ cores[out]
            inverse = inverse[np.ix_(rest, rest)] - inverse[rest][:, block] @ bridge
            columns, left = columns[rest], more[out]
            kept = kept[:out] + kept[out + 1 :]
        return kept

    @staticmethod
    def _parts(cause: int) -> range:
        """The columns of a cause in the table."""
        return range(1 + BENT_PARTS * cause, 1 + BENT_PARTS * (cause + 1))

    def cost_of_order(self, order: Sequence[int]) -> float:
        """The sum of the costs of all latents in an order, causes first."""
        total, earlier = 0.0, set[int]()
        for child in order:
            total += self.causes(child, earlier)[0]
            earlier.add(child)
        return total

    def climbed(self, order: Sequence[int]) -> list[int]:
        """The order after the best moves of one latent, as long as they lower the cost."""
        return climb(self.cost_of_order, list(order), _moved)

    def graph(self, order: Sequence[int]) -> Int[np.ndarray, "d d"]:
        """(d, d) of 0 and 1, [i, j] = 1 for i -> j: the causes that are worth their price in this order."""
        edges = np.zeros((len(order), len(order)), dtype=int)
        for place, child in enumerate(order):
            edges[self.causes(child, order[:place])[1], child] = 1
        return edges


def graph_of_latents(
    z: Float[np.ndarray, "n d"], prices: Float[np.ndarray, "d d"], *, seed: int
) -> tuple[Bool[np.ndarray, "d d"], list[int]]:
    """The cheapest graph that is reached from some random orders, [i, j] for i -> j, and its order.

    Arguments are those of `GraphChoice`; `seed` draws the orders.
    """
    choice, rng = GraphChoice(z, prices), np.random.default_rng(seed)
    orders = [choice.climbed(rng.permutation(z.shape[1]).tolist()) for _ in range(RANDOM_ORDERS)]
    best = min(orders, key=choice.cost_of_order)
    return choice.graph(best).astype(bool), best


def _at_least(share: float) -> float:
    return max(share, LEAST_SHARE)


def _moved(order: list[int]) -> Iterator[list[int]]:
    """All orders with one latent at another place."""
    for i, latent in enumerate(order):
        rest = order[:i] + order[i + 1 :]
        for j in range(len(order)):
            if j not in (i, i - 1):
                yield [*rest[:j], latent, *rest[j:]]
