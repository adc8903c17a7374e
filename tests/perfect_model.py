"""Evidence of a perfect model with chosen flaws, for the tests of the diagnostics."""

from functools import cache

import numpy as np
import pandas as pd

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics.findings import Evidence, Finding
from personax.views import MultiViewData, Truth

NAMES = ["z11", "z12", "z21", "z22"]
BLOCKS = {"a": NAMES[:2], "b": NAMES[2:]}
GRAPH = np.zeros((4, 4), dtype=int)
GRAPH[0, 1] = GRAPH[0, 2] = GRAPH[2, 3] = 1
TRAIN, TEST = 700, 200


@cache
def evidence(
    *, seed: int = 0, style: str = "own", claimed: str = "own", links: str = "one", lean: float = 0.0
) -> Evidence:
    """A perfect model of two modalities with two latents and two measurements each, apart from chosen flaws.

    Args:
        seed: seed of all random numbers.
        style: "own" noise eta in every measurement, or one that all measurements of a person "shared".
        claimed: the same for the eta that the model reports.
        links: "one" (z11 -> z21; z12 and z22 have no children), "both" (also z12 -> z22), or "none".
        lean: cosine between the directions in which two latents of a block change x.
    """
    rng = np.random.default_rng(seed)
    n = TRAIN + TEST
    eps = rng.standard_normal((n, 4))
    z = _latents(eps, links)
    etas = {m: [rng.standard_normal((n, 1)) for _ in range(2)] for m in "ab"}
    if style == "shared":
        etas = {m: [values[0]] * 2 for m, values in etas.items()}
    fresh = {m: [rng.standard_normal((n, 1)) for _ in range(2)] for m in "ab"}
    reported = etas if claimed == style else fresh
    coordinates = {"a": z[:, :2], "b": z[:, 2:]}
    x = {m: [_pictures(coordinates[m], eta, lean) for eta in etas[m]] for m in "ab"}
    content = {m: [coordinates[m] + 0.1 * rng.standard_normal((n, 2)) for _ in range(2)] for m in "ab"}
    table = pd.DataFrame(z, columns=NAMES)
    whole = Encoding(table, pd.DataFrame(eps, columns=NAMES), coordinates, content, reported)
    data = MultiViewData(x, np.arange(n), truth=Truth(table, BLOCKS))
    train, test = np.arange(TRAIN), np.arange(TRAIN, n)
    return Evidence(
        rows_of(whole, train),
        rows_of(whole, test),
        data.rows(train),
        data.rows(test),
        BLOCKS,
        GRAPH,
        0.98 * GRAPH,
    )


def _latents(eps: np.ndarray, links: str) -> np.ndarray:
    """(n, 4) latents with these exogenous noises."""
    z = np.empty_like(eps)
    z[:, 0] = eps[:, 0]
    z[:, 1] = np.sin(1.5 * z[:, 0]) + 0.6 * eps[:, 1] if links != "both" else eps[:, 1]
    z[:, 2] = (1.1 * np.tanh(z[:, 0]) if links != "none" else 0.0) + 0.7 * eps[:, 2]
    effect = 1.1 * np.tanh(z[:, 1]) if links == "both" else -np.sin(1.5 * z[:, 2])
    z[:, 3] = effect + 0.6 * eps[:, 3]
    return z


def _pictures(z: np.ndarray, eta: np.ndarray, lean: float) -> np.ndarray:
    """(n, 4): z along two directions, and noise along two others, of a size that depends on z."""
    axes = np.array([[2.0, lean], [0.0, np.sqrt(1 - lean**2)], [0.0, 0.0], [0.0, 0.0]])
    noise = np.exp(0.5 * z[:, :1]) * eta * np.array([0.0, 0.0, 0.8, 0.2])
    return np.asarray((z @ axes.T + noise).astype(np.float32))


def rows_of(encoding: Encoding, rows: np.ndarray) -> Encoding:
    """The given rows."""
    return Encoding(
        encoding.z.iloc[rows].reset_index(drop=True),
        encoding.eps.iloc[rows].reset_index(drop=True),
        {b: values[rows] for b, values in encoding.coordinates.items()},
        {m: [values[rows] for values in members] for m, members in encoding.content.items()},
        {m: [values[rows] for values in members] for m, members in encoding.eta.items()},
    )


def verdicts(findings: list[Finding]) -> dict[str, str]:
    """Key of a finding -> its verdict."""
    return {finding.key: finding.verdict for finding in findings}
