"""PeopleTable: what loading and simulation both return."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays
from personax.tables.agreement import agreement_table
from personax.tables.embeddings import load_embeddings
from personax.tables.schema import Kind
from personax.views import MultiViewData


@dataclass(frozen=True)
class Truth:
    """What is known of a simulated table.

    Attributes:
        latents: (n, k) shared latents s1.. and those of the modalities zimage1.., ztext1..
        blocks: "s", "image", "text" -> names of their latents.
        graph: (k, k) int adjacency over the columns of `latents`; A[i, j] = 1 means i -> j.
        dependent: (traits x features) bool; True where the two are d-connected in the generating graph.
    """

    latents: pd.DataFrame
    blocks: dict[str, list[str]]
    graph: np.ndarray
    dependent: pd.DataFrame


@dataclass(frozen=True)
class LoadReport:
    """What a loader made of a file. `str(report)` is a short readable text.

    Attributes:
        recognised: column of the file -> what it was taken for.
        ignored: columns that were left aside.
        missing: what the schema declares and the file lacks.
        warnings: sentences that a reader of results should know.
    """

    recognised: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        columns_of: dict[str, list[str]] = {}
        for column, meaning in self.recognised.items():
            columns_of.setdefault(meaning, []).append(column)
        renamed = [
            f"{_span(columns)} = {meaning}" for meaning, columns in columns_of.items() if columns != [meaning]
        ]
        lines = [f"{len(self.recognised)} columns recognised{_listed(renamed, ': ')}"]
        if self.ignored:
            lines.append(f"{len(self.ignored)} columns ignored{_listed(self.ignored, ': ')}")
        if self.missing:
            lines.append(f"missing{_listed(self.missing, ': ')}")
        lines.extend(f"warning: {warning}" for warning in self.warnings)
        return "\n".join(lines)


def _span(columns: list[str]) -> str:
    """One column by its name, many by the first and the last."""
    return columns[0] if len(columns) == 1 else f"{columns[0]} ... {columns[-1]}"


def _listed(names: list[str] | tuple[str, ...], before: str, most: int = 12) -> str:
    """`names` joined by commas after `before`, shortened to the first `most`; "" if there are none."""
    if not names:
        return ""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return before + ", ".join(names[:most]) + more


@dataclass(frozen=True)
class PeopleTable:
    """n people with features, trait scores and, where there are any, embeddings.

    Attributes:
        name: "athlete", "celeb" or the stem of the file.
        ids: (n,) identifiers, all different.
        features: (n, features); numbers, or labels where nominal; NaN = missing.
        kinds: feature -> continuous, ordinal, nominal or circular.
        periods: circular feature -> length of its circle (12 months, 365.25 days).
        scores: "aggregated", "chatgpt", "gemini", "llama" (those present) -> (n, 5) traits in the order of
            `schema.TRAITS`; scores 1..3, half steps in the aggregated one; NaN = missing (never 0).
        embeddings: "image", "text" -> list of (n, d) float32 arrays, one per measurement; empty if none.
        observed: modality -> (n, measurements) bool; where False the embedding's row is 0 and means nothing.
        simulated: whether these people were made up. Every file and figure made from them must say so.
        source: where the table came from, for the manifest.
        sha256: checksum of the file(s), or of the arrays of a simulated table.
        revision: commit of the hub's repository, or None.
        truth: latents, graph and dependences of a simulated table, or None.
        report: what was recognised, ignored and missing.
    """

    name: str
    ids: np.ndarray
    features: pd.DataFrame
    kinds: dict[str, Kind]
    periods: dict[str, float]
    scores: dict[str, pd.DataFrame]
    embeddings: dict[str, list[np.ndarray]]
    observed: dict[str, np.ndarray]
    simulated: bool
    source: str
    sha256: str
    revision: str | None
    truth: Truth | None
    report: LoadReport

    def __len__(self) -> int:
        return len(self.ids)

    def with_embeddings(self, folder: Path | str) -> "PeopleTable":
        """The same people with the embeddings of a folder of `.npy` files instead (`load_embeddings`)."""
        embeddings, observed = load_embeddings(folder, self.ids)
        arrays = sha256_arrays(*(array for views in embeddings.values() for array in views))
        return replace(
            self,
            embeddings=embeddings,
            observed=observed,
            source=f"{self.source}, embeddings of {folder}",
            sha256=hashlib.sha256((self.sha256 + arrays).encode()).hexdigest(),
        )

    def views(self) -> MultiViewData:
        """The embeddings, with the truth where known, as the data that learning takes.

        Raises InputError if the table carries no embeddings.
        """
        if not self.embeddings:
            raise InputError(
                f"{self.source}: no embeddings; latents need image or text embeddings "
                "(columns of the table, or .npy files given with --embeddings)"
            )
        truth = self.truth
        return MultiViewData(
            measurements=self.embeddings,
            ids=self.ids,
            observed=self.observed,
            latents=None if truth is None else truth.latents,
            blocks={} if truth is None else truth.blocks,
            graph=None if truth is None else truth.graph,
            source=self.source,
        )

    def agreement(self) -> pd.DataFrame:
        """Agreement between the language models per trait: quadratic weighted kappa per pair, ICC(2,1), n."""
        return agreement_table({r: frame for r, frame in self.scores.items() if r != "aggregated"})
