"""A small example of arrays in files, simulated, with a description and the truth about it."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_yaml

EXAMPLE_ROWS = 1200
EXAMPLE_LATENTS = ["z11", "z12", "z21", "z22"]
NUMBERS = 12  # of each measurement


def write_example(folder: Path | str, *, n: int = EXAMPLE_ROWS, seed: int = 0) -> Path:
    """Write arrays of two modalities, three measurements each, and example.yaml, which describes them.

    A face has the latents z11 and z12, a voice z21 and z22. z11 causes z12 and z21; z21 causes z22. Each
    measurement is a bent mixture of its modality's latents with noise of its own. A tenth of the people lack
    the third measurement of the voice.

    Returns:
        The path of example.yaml. Raises InputError if the folder exists.
    """
    folder = Path(folder).expanduser()
    if folder.exists():
        raise InputError(f"{folder}: exists; give a folder that does not")
    rng = np.random.default_rng(seed)
    z = _drawn_latents(rng, n)
    face, voice = ([_mixed(rng, block) for _ in range(3)] for block in (z[:, :2], z[:, 2:]))
    voice[2][rng.random(n) < 0.1] = np.nan
    columns = [f"voice{k}_{i:02d}" for k in (1, 2) for i in range(1, NUMBERS + 1)]
    table = pd.DataFrame(np.hstack(voice[:2]), columns=columns)
    table.insert(0, "id", [f"p{row:04d}" for row in range(1, n + 1)])
    graph = np.zeros((4, 4), dtype=int)
    graph[0, 1] = graph[0, 2] = graph[2, 3] = 1
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        np.savez(temporary / "faces.npz", front=face[0], left=face[1], right=face[2])
        table.to_csv(temporary / "people.csv", index=False)
        np.save(temporary / "voice_3.npy", voice[2])
        pd.DataFrame(z, columns=EXAMPLE_LATENTS).to_parquet(temporary / "truth.parquet", index=False)
        np.save(temporary / "graph.npy", graph)
        write_yaml(
            temporary / "example.yaml",
            {
                "simulated": True,
                "measurements": {
                    "face": ["faces.npz:front", "faces.npz:left", "faces.npz:right"],
                    "voice": ["people.csv:voice1_*", "people.csv:voice2_*", "voice_3.npy"],
                },
                "ids": "people.csv:id",
                "truth": {
                    "latents": {"face": "truth.parquet:z11,z12", "voice": "truth.parquet:z21,z22"},
                    "graph": "graph.npy",
                },
            },
        )
    return folder / "example.yaml"


def _drawn_latents(rng: np.random.Generator, n: int) -> Float[np.ndarray, "n 4"]:
    """(n, 4) latents with Laplace noise."""
    noise = rng.laplace(size=(n, 4)) / np.sqrt(2)
    z11 = noise[:, 0]
    z12 = np.tanh(1.5 * z11) + 0.7 * noise[:, 1]
    z21 = np.tanh(1.5 * z11) + 0.7 * noise[:, 2]
    z22 = -np.tanh(1.5 * z21) + 0.7 * noise[:, 3]
    return np.column_stack([z11, z12, z21, z22])


def _mixed(rng: np.random.Generator, block: Float[np.ndarray, "n k"]) -> Float32[np.ndarray, "n d"]:
    """(n, NUMBERS) float32: the block's latents in a slightly bent mixture of orthogonal directions."""
    directions = np.linalg.qr(rng.standard_normal((NUMBERS, block.shape[1])))[0].T
    bent = block / block.std(0) + 0.1 * (block / block.std(0)) ** 2
    noise = 0.2 * rng.standard_normal((len(block), NUMBERS))
    return np.asarray(bent @ directions + noise, dtype=np.float32)
