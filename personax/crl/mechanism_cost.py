"""How well additive mechanisms with noise that is not normal explain latents: nats per row, lower is better.

A latent z_k has the model

    z_k = sum_j f_kj(z_j) + sum_i g_ki(s_i) + exp(scale_k(s)) e_k

with f and g sums of a line, hinges and a tanh, which least squares fits, and log scale a sum of the same
functions of s. The entropy of e_k is that of the generalised normal distribution exp(-|e|^p) that fits best,
p between 0.8 (heavy tails) and 6 (nearly uniform). The cost is the entropy of z_k given its causes, minus
that of a Laplace distribution of mean absolute value 1. Lines alone cost the same in every causal order;
bends do not, and these show the order (Hoyer et al. 2009).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln

POWERS = np.array([0.8, 1.0, 1.4, 2.0, 3.0, 6.0])  # p of the generalised normal distribution
# entropy of exp(-|e|^p) with mean |e|^p of 1, minus that of a Laplace distribution
ENTROPIES = gammaln(1 + 1 / POWERS) + np.log(POWERS) / POWERS + 1 / POWERS - 1
KNOTS = (-0.8, 0.0, 0.8)  # of the hinges, in standard deviations
FUNCTIONS = len(KNOTS) + 2  # functions of one cause
RIDGE, SCALE_RIDGE = 1e-6, 1e-3  # of the regressions of the mean and of the log scale


def bends(x: Float[np.ndarray, " n"], knots: Sequence[float] = KNOTS) -> Float[np.ndarray, "n parts"]:
    """(n,) standardised cause -> (n, knots + 2): the line, the hinges at the knots and a tanh."""
    return np.column_stack([x, *(np.maximum(x - knot, 0) for knot in knots), np.tanh(2 * x)])


def standardise(z: Float[np.ndarray, "n *d"]) -> Float[np.ndarray, "n *d"]:
    """Columns of mean 0 and standard deviation 1."""
    standard: np.ndarray = (z - z.mean(0)) / np.maximum(z.std(0), 1e-12)
    return standard


def noise_cost(log_size: Float[np.ndarray, " n"]) -> float:
    """Entropy of noise e in nats, minus that of a Laplace distribution of mean |e| 1.

    log_size: log |e| of every row.
    """
    moments = np.log(np.exp(POWERS[:, None] * log_size).mean(1)) / POWERS
    return float((ENTROPIES + moments).min())


class SharedGiven:
    """The shared latents s of n people, and costs of mechanisms given s.

    Attributes:
        design: (n, 1 + FUNCTIONS k) a constant and the functions of each s.
    """

    def __init__(self, s: Float[np.ndarray, "n k"]) -> None:
        columns = [bends(s[:, i]) for i in range(s.shape[1])]
        self.design = np.column_stack([np.ones(len(s)), *columns])
        gram = self.design.T @ self.design / len(s) + SCALE_RIDGE * np.eye(self.design.shape[1])
        self.smoother = np.linalg.solve(gram, self.design.T / len(s))  # log |residual| -> weights

    def cost(self, y: Float[np.ndarray, " n"], causes: Sequence[Float[np.ndarray, "n parts"]]) -> float:
        """Cost of y (n,) explained by s and the given functions of other causes."""
        design = np.column_stack([self.design, *causes])
        gram = design.T @ design / len(design) + RIDGE * np.eye(design.shape[1])
        return self.cost_of_rest(y - design @ np.linalg.solve(gram, design.T @ y / len(design)))

    def cost_of_rest(self, rest: Float[np.ndarray, " n"]) -> float:
        """Cost of residuals, once their scale is made to depend on s."""
        scale = self.design @ (self.smoother @ np.log(np.abs(rest) + 1e-3 * rest.std()))
        return noise_cost(np.log(np.abs(rest) + 1e-12) - (scale - scale.mean()))


class Mechanisms:
    """Costs of latents (n, d) in fixed coordinates for any causes, from one table of products."""

    def __init__(self, z: Float[np.ndarray, "n d"], given: SharedGiven) -> None:
        standard = standardise(z)
        functions = [bends(standard[:, j]) for j in range(z.shape[1])]
        self._z, self._given = z, given
        self._design = np.column_stack([given.design, *functions])
        self._gram = self._design.T @ self._design / len(z)
        self._moments = self._design.T @ z / len(z)
        self._of_s = given.design.shape[1]

    @property
    def shared(self) -> int:
        """Number k of shared latents."""
        return int(self._of_s - 1) // FUNCTIONS

    def cost(self, child: int, causes: Sequence[int], *, bent: bool = True) -> float:
        """Cost of a latent given causes: 0 .. k-1 are the shared latents, k + j is latent j.

        With `bent` False other latents of the modalities have lines only; s keeps its bends.
        """
        columns = [0]
        for cause in causes:
            parts = FUNCTIONS if bent or cause < self.shared else 1
            columns += range(1 + FUNCTIONS * cause, 1 + FUNCTIONS * cause + parts)
        gram = self._gram[np.ix_(columns, columns)] + RIDGE * np.eye(len(columns))
        weights = np.linalg.solve(gram, self._moments[columns, child])
        return self._given.cost_of_rest(self._z[:, child] - self._design[:, columns] @ weights)


def eliminate(mechanisms: Mechanisms, child: int, prices: Mapping[int, float]) -> list[int]:
    """The causes that are left when one after another is taken out, as long as that lowers cost and price."""
    kept = list(prices)

    def total(causes: list[int]) -> float:
        return mechanisms.cost(child, causes) + sum(prices[cause] for cause in causes)

    value = total(kept)
    while kept:
        fewer = [[cause for cause in kept if cause != out] for out in kept]
        values = [total(causes) for causes in fewer]
        if min(values) > value:
            break
        value = min(values)
        kept = fewer[values.index(value)]
    return kept
