"""Ways of obfuscation, and tables of people whose vectors are obfuscated in one of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32

from personax.embeddings.obfuscation_key import new_key
from personax.embeddings.obfuscation_map import add_noise, map_of
from personax.runs.errors import InputError
from personax.runs.files import sha256_text
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable

PLAIN = "plain"
MOST_STRETCH = 1e4  # as in the command obfuscate


@dataclass(frozen=True)
class Release:
    """One way of obfuscation.

    Attributes:
        name: how it is called in tables; without blanks it is the name of a folder.
        method: plain, orthogonal or general.
        condition: condition number.
        noise: in typical standard deviations of a coordinate.
    """

    name: str
    method: str
    condition: float = 1.0
    noise: float = 0.0

    @property
    def folder(self) -> str:
        """The name as that of a folder."""
        return self.name.replace(" ", "_")

    def apply(
        self, vectors: Float[np.ndarray, "n d"], seen: Bool[np.ndarray, " n"], seed: int, where: str
    ) -> Float32[np.ndarray, "n d"]:
        """(n, d) obfuscated vectors; rows that are not `seen` stay zeros.

        Args:
            vectors: (n, d) plain vectors.
            seen: (n,) False where a vector is missing.
            seed: seed of key and noise.
            where: name of the column; each has its own map and noise.
        """
        out = np.zeros(vectors.shape, dtype=np.float32)
        if self.method == PLAIN:
            out[seen] = vectors[seen]
            return out
        key = new_key(self.method, self.condition, self.noise, {where: vectors.shape[1]}, seed)
        scale = self.noise * float(np.sqrt(vectors[seen].var(axis=0, dtype=np.float64).mean()))
        hidden = map_of(key, where)(vectors[seen])
        out[seen] = add_noise(hidden, scale, numpy_rng(seed, f"obfuscation/{where}/noise"))
        return out


def releases(conditions: str, noises: str) -> list[Release]:
    """A rotation; general maps; rotations with noise. Raises InputError for what is no list of numbers."""
    found = [Release("orthogonal", "orthogonal")]
    found += [
        Release(f"general {value:g}", "general", value) for value in _numbers("conditions", conditions, 1.0)
    ]
    found += [
        Release(f"noise {value:g}", "orthogonal", noise=value) for value in _numbers("noises", noises, 0)
    ]
    return found


def _numbers(option: str, text: str, least: float) -> Sequence[float]:
    """Different numbers from `least` to MOST_STRETCH, separated by commas; none for "none"."""
    if text.strip() == "none":
        return []
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"{option} {text[:40]!r}: write numbers, as 10,100, or none") from error
    for value in values:
        if not math.isfinite(value) or not least <= value <= MOST_STRETCH or values.count(value) > 1:
            raise InputError(
                f"{option} {text[:40]!r}: different numbers from {least:g} to {MOST_STRETCH:,.0f}"
            )
    return values


def obfuscated_table(table: PeopleTable, release: Release, seed: int) -> PeopleTable:
    """The same people with obfuscated vectors; every measurement has a key and noise of its own."""
    if release.method == PLAIN:
        return table
    hidden = {
        modality: [
            release.apply(array, seen, seed, f"{modality} {number}")
            for number, (array, seen) in enumerate(zip(arrays, table.observed[modality].T, strict=True))
        ]
        for modality, arrays in table.embeddings.items()
    }
    return replace(
        table,
        embeddings=hidden,
        source=f"{table.source}, obfuscated ({release.name})",
        sha256=sha256_text(f"{table.sha256} {release} {seed}"),
    )
