"""PeopleTable: the type of tables that are loaded or simulated."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int, Shaped

from personax.independence.columns import Kind
from personax.independence.grid import Variables
from personax.runs.described import Described, listed
from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays
from personax.tables.agreement import agreement_table
from personax.tables.column_map import TARGETS
from personax.tables.declarations import LLM_SCALE, ScoreScale
from personax.tables.embedding_files import load_embeddings
from personax.tables.marks import marks_text
from personax.views import MultiViewData, Truth


@dataclass(frozen=True)
class LoadReport:
    """What was found in a file when it was loaded. `str(report)` is a short readable text.

    Attributes:
        recognised: column of the file -> what it holds.
        ignored: columns that are not used.
        missing: what the schema declares but the file lacks.
        lines: lines of a `--columns` file that would take in ignored columns.
        marks: feature or target -> cells that meant "no value" -> how many there were (marks.py).
        warnings: sentences that everybody who reads the results should know.
        matching: how files with embeddings were matched to the people; "" if there are none.
        embedding_warnings: sentences about who lacks an embedding, and about equal embeddings.
    """

    recognised: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    marks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    matching: str = ""
    embedding_warnings: tuple[str, ...] = ()

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
        if self.lines:
            lines.append(
                "to take them in, write in a --columns file (run_independence_tests.py --columns auto writes "
                "one), under features:"
            )
            lines.extend(f"  {line}" for line in self.lines)
        if self.missing:
            lines.append(f"missing{_listed(self.missing, ': ')}")
        counted = [f"{name} {marks_text(counts)}" for name, counts in self.marks.items() if counts]
        if counted:
            lines.append(f"cells without a value{_listed(counted, ': ', between='; ')}")
        if self.matching:
            lines.append(f"embeddings: {self.matching}")
        lines.extend(f"warning: {warning}" for warning in (*self.warnings, *self.embedding_warnings))
        return "\n".join(lines)


def _span(columns: list[str]) -> str:
    """The name of a single column, or the first and the last name of several."""
    return columns[0] if len(columns) == 1 else f"{columns[0]} ... {columns[-1]}"


def _listed(names: list[str] | tuple[str, ...], before: str, most: int = 12, between: str = ", ") -> str:
    """`before` and the first `most` names joined by commas; "" if there are no names."""
    if not names:
        return ""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return before + between.join(names[:most]) + more


@dataclass(frozen=True, repr=False)
class PeopleTable(Described):
    """n people with features, trait scores and possibly embeddings.

    Attributes:
        name: "athlete", "celeb" or the stem of the file.
        ids: (n,) identifiers, all different.
        features: (n, features) numbers, or labels if the feature is nominal; NaN where missing.
        kinds: feature or target -> continuous, ordinal, nominal or circular.
        periods: circular feature or target -> length of its circle (12 months, 365.25 days).
        scores: rater (those of "aggregated", "chatgpt", "gemini" and "llama" that the table has, and raters
            named by hand) -> (n, 5) scores of the traits in the order of `schema.TRAITS`. Scores are 1 to 3,
            with half steps in the aggregated one, or on the scale that was declared; NaN where missing.
        embeddings: modality ("image", "text") -> list of (n, d) float32 arrays, one per measurement. Empty if
            there are none.
        observed: modality -> (n, measurements) bool. Where it is False, the row of the embedding is 0 and has
            no meaning.
        simulated: True if these people are made up. Every file and figure made from them must be marked as
            simulated.
        source: where the table came from, for the manifest of a run.
        sha256: checksum of the file or files, or of the arrays of a simulated table.
        revision: commit of the hub's repository, or None.
        truth: the true latents and graph of a simulated table, or None.
        dependent: (traits, features) bool, or None if unknown. True where the trait and the feature are
            d-connected (and so dependent) in the graph of a simulated table.
        report: what was recognised, ignored and missing.
        targets: (n, targets) columns that are tested against the features in place of traits, as `features`;
            without columns if there are none.
        scales: rater -> the scale of the scores, for raters with another one than language models.
    """

    name: str
    ids: Shaped[np.ndarray, " n"]
    features: pd.DataFrame
    kinds: dict[str, Kind]
    periods: dict[str, float]
    scores: dict[str, pd.DataFrame]
    embeddings: dict[str, list[Float32[np.ndarray, "n _"]]]
    observed: dict[str, Bool[np.ndarray, "n _"]]
    simulated: bool
    source: str
    sha256: str
    revision: str | None
    truth: Truth | None
    dependent: pd.DataFrame | None
    report: LoadReport
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)
    scales: dict[str, ScoreScale] = field(default_factory=dict)

    def _facts(self) -> dict[str, object]:
        embeddings = [f"{len(arrays)} of {modality}" for modality, arrays in self.embeddings.items()]
        facts: dict[str, object] = {
            "name": self.name,
            "people": f"{len(self)}{', simulated' if self.simulated else ''}",
            "features": listed([f"{name} ({kind})" for name, kind in self.kinds.items()]),
            "scores": listed(list(self.scores)),
            "embeddings": listed(embeddings),
        }
        return facts | {"source": self.source}

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, index: Int[np.ndarray, " rows"]) -> "PeopleTable":
        """The same table, but only the people with these row numbers; the checksum stays that of all."""

        def some(frame: pd.DataFrame) -> pd.DataFrame:
            return frame.iloc[index].reset_index(drop=True) if len(frame.columns) else frame

        return replace(
            self,
            ids=self.ids[index],
            features=some(self.features),
            scores={rater: some(frame) for rater, frame in self.scores.items()},
            embeddings={m: [array[index] for array in arrays] for m, arrays in self.embeddings.items()},
            observed={m: mask[index] for m, mask in self.observed.items()},
            truth=None if self.truth is None else self.truth.rows(index),
            targets=some(self.targets),
        )

    def provenance(self) -> dict[str, Any]:
        """The entries of a run's manifest that say which people it is about (`open_run`)."""
        return {
            "data_source": self.source,
            "data_sha256": self.sha256,
            "data_revision": self.revision,
            "simulated": self.simulated,
            "people": len(self),
        }

    def with_embeddings(self, folder: Path | str) -> "PeopleTable":
        """The same people with the embeddings from a file, or a folder of files (see `load_embeddings`)."""
        loaded = load_embeddings(folder, self.ids)
        arrays = sha256_arrays(*(array for views in loaded.views.values() for array in views))
        return replace(
            self,
            embeddings=loaded.views,
            observed=loaded.observed,
            source=f"{self.source}, embeddings of {folder}",
            sha256=hashlib.sha256((self.sha256 + arrays).encode()).hexdigest(),
            report=replace(self.report, matching=loaded.matching, embedding_warnings=loaded.warnings),
        )

    def views(self) -> MultiViewData:
        """The embeddings, and the truth if it is known, as data for learning.

        Raises:
            InputError: the table has no embeddings.
        """
        if not self.embeddings:
            raise InputError(
                f"{self.source}: no embeddings; latents need image or text embeddings "
                "(columns of the table, or files given with --embeddings)"
            )
        return MultiViewData(
            measurements=self.embeddings,
            ids=self.ids,
            observed=self.observed,
            truth=self.truth,
            source=self.source,
        )

    def to_test(self) -> dict[str, Variables]:
        """What is tested against the features: "targets", if there are any, then the traits of each rater."""
        own = (
            {TARGETS: Variables(self.targets, self.kinds, self.periods)} if len(self.targets.columns) else {}
        )
        return own | {
            rater: Variables(frame, dict.fromkeys(map(str, frame.columns), self.scale(rater).kind))
            for rater, frame in self.scores.items()
        }

    def scale(self, rater: str) -> ScoreScale:
        """The scale of a rater's scores."""
        return self.scales.get(rater, LLM_SCALE)

    def agreement(self) -> pd.DataFrame:
        """Agreement for each trait between the raters on the scale of the first (`agreement_table`)."""
        raters = [rater for rater in self.scores if rater != "aggregated"]
        same = [rater for rater in raters if self.scale(rater) == self.scale(raters[0])]
        return agreement_table({rater: self.scores[rater] for rater in same})
