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

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from personax.crl.mechanism_cost import bends, standardise
from personax.crl.order_search import climb

HINGES = (-1.6, -0.8, 0.0, 0.8, 1.6)  # knots, in standard deviations
BENT_PARTS = len(HINGES) + 2  # functions of one cause
LEAST_SHARE, SMALL_RIDGE = 1e-6, 1e-5  # of the variance that is left over; of the regression
MANY = 8  # with more latents only neighbours in the order change places, since all moves would take minutes


class GraphChoice:
    """Costs of causes of the latents (n, d), and the search for the cheapest graph."""

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

    def cost(self, child: int, causes: Sequence[int]) -> float:
        """Cost of a latent given these causes, with their prices."""
        columns = [0, *(1 + BENT_PARTS * cause + part for cause in causes for part in range(BENT_PARTS))]
        moments = self._moments[columns, child]
        explained = moments @ np.linalg.solve(self._gram[np.ix_(columns, columns)], moments)
        left = max(float(self._size[child] - explained), LEAST_SHARE)
        return 0.5 * float(np.log(left)) + float(sum(self._prices[cause, child] for cause in causes))

    def causes(self, child: int, earlier: Sequence[int]) -> tuple[float, list[int]]:
        """The cost of a latent, and its causes among earlier ones.

        One after another is taken out, as long as that lowers the cost.
        """
        key = child, frozenset(earlier)
        if key not in self._best:
            kept = [cause for cause in sorted(earlier) if np.isfinite(self._prices[cause, child])]
            value = self.cost(child, kept)
            while kept:
                fewer = [[cause for cause in kept if cause != out] for out in kept]
                costs = [self.cost(child, causes) for causes in fewer]
                if min(costs) > value:
                    break
                value = min(costs)
                kept = fewer[costs.index(value)]
            self._best[key] = value, kept
        return self._best[key]

    def cost_of_order(self, order: Sequence[int]) -> float:
        """The sum of the costs of all latents in an order, causes first."""
        return sum(self.causes(child, order[:place])[0] for place, child in enumerate(order))

    def climbed(self, order: Sequence[int]) -> list[int]:
        """The order after the best moves of one latent, as long as they lower the cost."""
        return climb(self.cost_of_order, list(order), _moved)

    def graph(self, order: Sequence[int]) -> Int[np.ndarray, "d d"]:
        """(d, d) of 0 and 1, [i, j] = 1 for i -> j: the causes that are worth their price in this order."""
        edges = np.zeros((len(order), len(order)), dtype=int)
        for place, child in enumerate(order):
            edges[self.causes(child, order[:place])[1], child] = 1
        return edges


def _moved(order: list[int]) -> Iterator[list[int]]:
    """All orders with one latent at another place; of more than MANY, with two neighbours exchanged."""
    for i, latent in enumerate(order):
        rest = order[:i] + order[i + 1 :]
        places = range(len(order)) if len(order) <= MANY else [i + 1]
        for j in places:
            if j not in (i, i - 1) and j < len(order):
                yield [*rest[:j], latent, *rest[j:]]
