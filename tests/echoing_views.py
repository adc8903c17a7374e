"""People whose one modality repeats a latent of the other; used in the tests of criteria and of tuning."""

import numpy as np
import pandas as pd

from personax.views import MultiViewData, Split, Truth, split_rows


def echoing_views(n: int = 400) -> tuple[MultiViewData, Split]:
    """A modality of three views and one of a single view that echoes its first latent."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 2))
    echo = z[:, :1] + 0.1 * rng.standard_normal((n, 1))

    def seen(latents: np.ndarray) -> np.ndarray:
        mixed = latents @ rng.standard_normal((latents.shape[1], 5))
        return (mixed + 0.1 * rng.standard_normal((n, 5))).astype(np.float32)

    data = MultiViewData(
        {"a": [seen(z) for _ in range(3)], "b": [seen(echo)]},
        np.arange(n),
        truth=Truth(
            pd.DataFrame(np.c_[z, echo], columns=["z11", "z12", "z21"]), {"a": ["z11", "z12"], "b": ["z21"]}
        ),
    )
    return data, split_rows(n, rng)
