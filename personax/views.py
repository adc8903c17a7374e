"""MultiViewData is the one type that data sources hand to learning.

Terms that the whole project uses: a person (or scene) is seen through several modalities (text, image), and
each modality through one or more measurements (three texts about the same person). Latents are the hidden
causes of the measurements. A block is the set of latents of one modality, or the set that all modalities
share.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped

from personax.runs.described import Described, listed
from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays

SHARED = "s"  # the name of the block of latents that all modalities share
# Names of modalities become names of files, of networks and of words in pictures.
MODALITY_NAME = re.compile(r"\w[\w -]*")
_ROW_NUMBERS = np.arange(0)  # stands for identifiers that were left out


@dataclass(frozen=True, repr=False)
class Truth(Described):
    """What a simulation knows about the people it has made. Only evaluation may look at it.

    Attributes:
        latents: (n, k) true latents, with their names as columns.
        blocks: block -> names of its latents. The blocks are the modalities and possibly `SHARED`.
        graph: (k, k) adjacency matrix over the columns of `latents`, or None. A[i, j] = 1 means i -> j.
    """

    latents: pd.DataFrame
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    graph: Shaped[np.ndarray, "k k"] | None = None

    def _facts(self) -> dict[str, object]:
        edges = "unknown" if self.graph is None else int(np.asarray(self.graph).sum())
        return {"latents": listed(list(self.latents.columns)), "edges": edges}

    def __post_init__(self) -> None:
        """Raise InputError for a graph over another number of latents."""
        k = self.latents.shape[1]
        if self.graph is not None and self.graph.shape != (k, k):
            raise InputError(f"true graph: shape {self.graph.shape}, must be {(k, k)}")

    def rows(self, index: Int[np.ndarray, " rows"]) -> "Truth":
        """The truth about the people with these row numbers."""
        return Truth(self.latents.iloc[index].reset_index(drop=True), self.blocks, self.graph)


@dataclass(frozen=True, repr=False)
class MultiViewData(Described):
    """n people (or scenes), each seen through the measurements of several modalities.

    Attributes:
        measurements: modality -> list of float32 arrays (n, ...), one per measurement. Images are
            (n, channels, height, width) in [0, 1], embeddings (n, d). A data frame of numbers becomes an
            array (n, d), whose names are kept in `columns`; one number a person, (n,), becomes (n, 1).
            A modality is named with letters, digits, spaces, - and _; it is not called "s".
        ids: (n,) identifiers, in the order of the rows; 0 to n - 1 if left out.
        observed: modality -> bool (n, measurements). False means that a person lacks a measurement; its row
            in `measurements` is then ignored. All True if left out. Integers 0 and 1 are
            taken as False and True.
        truth: the true latents and their graph, or None if they are unknown.
        source: where the data came from; it is written into the manifest of a run.
        columns: modality -> for each measurement the names of its d columns, or None if they have none. Only
            modalities with names are in it. Give {} to forget the names.
        known_units: the size of noise in the embeddings is known, as in coordinates of the compression, where
            its variance is 1. Estimators take such embeddings as they are; others they standardise.

    Raises InputError for measurements that are not numbers or have other shapes, if numbers of rows differ,
    and for masks and names that do not fit the measurements.

    Examples:
        >>> table = pd.DataFrame({"height": [1.7, 1.8], "weight": [60.0, 70.0]})
        >>> data = MultiViewData({"body": [table]}, observed={"body": np.array([[1], [0]])})
        >>> data
        MultiViewData(people: 2, body: 1 measurement of 2 numbers (1 of 2 values missing), truth: unknown)
        >>> data.measurements["body"][0].shape, data.columns["body"], data.observed["body"].tolist()
        ((2, 2), [('height', 'weight')], [[True], [False]])
    """

    measurements: Mapping[str, Sequence[Shaped[np.ndarray, "_ ..."]]]  # `__post_init__` checks n
    ids: Shaped[np.ndarray, " n"] = field(default_factory=lambda: _ROW_NUMBERS)
    observed: Mapping[str, Bool[np.ndarray, "n _"]] = field(default_factory=dict)
    truth: Truth | None = None
    source: str = ""
    columns: Mapping[str, Sequence[Sequence[str] | None]] = field(default_factory=dict)
    known_units: bool = False

    def __post_init__(self) -> None:
        _check_modalities(self.measurements)
        ids = _row_numbers(self.measurements) if self.ids is _ROW_NUMBERS else np.asarray(self.ids)
        if ids.ndim != 1:
            raise InputError(f"ids: shape {ids.shape}; one identifier for each person, (n,)")
        n = len(ids)
        counted = f"the first measurement has {n}" if self.ids is _ROW_NUMBERS else f"{n} ids"
        measurements: dict[str, list[np.ndarray]] = {}
        named: dict[str, list[tuple[str, ...] | None]] = {}
        for modality, given in dict[str, Any](self.measurements).items():
            if not isinstance(given, list | tuple) or not given:
                raise InputError(f"{modality}: must be a list of one or more measurements, as [array]")
            wheres = [f"{modality}, measurement {number}" for number in range(1, len(given) + 1)]
            measurements[modality] = [
                _as_array(x, n, where, counted) for x, where in zip(given, wheres, strict=True)
            ]
            named[modality] = [_frame_columns(x, where) for x, where in zip(given, wheres, strict=True)]
        if self.truth is not None and len(self.truth.latents) != n:
            raise InputError(f"true latents: {len(self.truth.latents)} rows, but {n} ids")
        full = {modality: np.ones((n, len(arrays)), dtype=bool) for modality, arrays in measurements.items()}
        masks = {
            modality: _as_mask(mask, modality, full.get(modality), list(full))
            for modality, mask in self.observed.items()
        }
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "measurements", measurements)
        object.__setattr__(self, "observed", full | masks)
        object.__setattr__(self, "columns", _all_columns(named, self.columns, measurements))

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"people": len(self)}
        facts |= {modality: self._phrase(modality) for modality in self.modalities}
        facts["truth"] = "unknown" if self.truth is None else listed(list(self.truth.latents.columns))
        return facts | ({"source": self.source} if self.source else {})

    def _phrase(self, modality: str) -> str:
        """How many measurements a modality has, of which shapes, and how much of them is missing."""
        arrays, mask = self.measurements[modality], self.observed[modality]
        shapes = dict.fromkeys(
            f"{' x '.join(map(str, array.shape[1:]))} {'numbers' if array.ndim == 2 else 'pixels'}"
            for array in arrays
        )
        missing = f" ({(~mask).sum()} of {mask.size} values missing)" if not mask.all() else ""
        return f"{len(arrays)} measurement{'s' * (len(arrays) > 1)} of {' or '.join(shapes)}{missing}"

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in their order."""
        return list(self.measurements)

    @property
    def known_truth(self) -> Truth:
        """The truth. Raises ValueError if it is unknown."""
        if self.truth is None:
            raise ValueError("the truth about these data is unknown")
        return self.truth

    @property
    def true_latents(self) -> pd.DataFrame:
        """(n, k) true latents. Raises ValueError if they are unknown."""
        return self.known_truth.latents

    def rows(self, index: Int[np.ndarray, " rows"]) -> "MultiViewData":
        """The same data, but only the people with these row numbers."""
        return replace(
            self,
            measurements={m: [array[index] for array in arrays] for m, arrays in self.measurements.items()},
            ids=self.ids[index],
            observed={m: mask[index] for m, mask in self.observed.items()},
            truth=None if self.truth is None else self.truth.rows(index),
        )

    def seen(self, modality: str) -> Bool[np.ndarray, " n"]:
        """(n,) bool: whether a person has at least one measurement of the modality."""
        return np.asarray(self.observed[modality].any(1))


def _check_modalities(measurements: object) -> None:
    """Raise InputError unless there are modalities, each with a name that can be used everywhere."""
    if not isinstance(measurements, Mapping):
        raise InputError(
            f"measurements: {type(measurements).__name__}, must map each modality to a list of arrays, "
            "as {'text': [array]}"
        )
    if not measurements:
        raise InputError("no modality; give at least one, as {'text': [array]}")
    for name in measurements:
        if not isinstance(name, str) or not MODALITY_NAME.fullmatch(name):
            raise InputError(f"modality {name!r}: a name has letters, digits, spaces, - and _; rename it")
        if name == SHARED:
            raise InputError(f"modality {name!r}: this is the name of the latents that all share; rename it")


def _row_numbers(measurements: Mapping[str, Sequence[Any]]) -> Int[np.ndarray, " n"]:
    """(n,) 0 to n - 1 for as many people as the first measurement has rows."""
    first = next(iter(measurements.values()))
    return np.arange(len(first[0]) if isinstance(first, list | tuple) and first and np.ndim(first[0]) else 0)


def _as_array(given: object, n: int, where: str, counted: str) -> Shaped[np.ndarray, "n ..."]:
    """A measurement as an array of numbers (n, ...). InputError names `where`; `counted` says what n is."""
    if isinstance(given, np.ma.MaskedArray):
        raise InputError(f"{where}: a masked array; say with `observed` who lacks it")
    if isinstance(given, pd.DataFrame | pd.Series):
        frame = given.to_frame() if isinstance(given, pd.Series) else given
        for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
            if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
                raise InputError(f"{where}: column {name!r} is {dtype}, not numbers; leave it out")
        array = frame.to_numpy(dtype=np.float32, na_value=np.nan)
    else:
        array = np.asarray(given)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{where}: {array.dtype}, not numbers; convert it, as array.astype(np.float32)")
    if array.ndim == 0 or len(array) != n:
        raise InputError(f"{where}: {len(array) if array.ndim else 'no'} rows, but {counted}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim not in (2, 4) or 0 in array.shape[1:]:
        raise InputError(
            f"{where}: shape {array.shape}; embeddings are (n, d), images (n, channels, height, width)"
        )
    return array


def _frame_columns(given: object, where: str) -> tuple[str, ...] | None:
    """Names of the columns of a data frame; None for an array. Raises InputError if a name occurs twice."""
    if not isinstance(given, pd.DataFrame):
        return None
    names = tuple(str(name) for name in given.columns)
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{where}: column {twice[0]!r} occurs twice; every column needs its own name")
    return names


def _all_columns(
    named: Mapping[str, Sequence[Sequence[str] | None]],
    given: Mapping[str, Sequence[Sequence[str] | None]],
    measurements: Mapping[str, Sequence[Shaped[np.ndarray, "_ ..."]]],
) -> dict[str, list[Sequence[str] | None]]:
    """Names of all columns: those of data frames, else those that were given.

    Raises InputError if the given names do not fit the measurements.
    """
    for modality, names in given.items():
        widths = [array.shape[1] for array in measurements.get(modality, [])]
        if len(names) != len(widths) or any(
            each is not None and len(each) != width for each, width in zip(names, widths, strict=True)
        ):
            raise InputError(
                f"columns of {modality!r}: they do not fit the measurements; give columns={{}} without names"
            )
    found = {
        modality: [own or other for own, other in zip(of_frames, given.get(modality, of_frames), strict=True)]
        for modality, of_frames in named.items()
    }
    return {modality: names for modality, names in found.items() if any(names)}


def _as_mask(
    given: object, modality: str, full: Bool[np.ndarray, "n measurements"] | None, modalities: Sequence[str]
) -> Bool[np.ndarray, "n measurements"]:
    """A mask as bool (n, measurements), like the mask `full` of people who have everything.

    Raises InputError for a modality that does not exist (`full` is None), another shape and other values.
    """
    if full is None:
        raise InputError(f"observed: no modality {modality!r}; the modalities are {list(modalities)}")
    mask = np.asarray(given)
    if mask.shape != full.shape:
        raise InputError(
            f"observed of {modality!r}: shape {mask.shape}, must be {full.shape}: people, measurements"
        )
    if mask.dtype.kind in "iu" and ((mask == 0) | (mask == 1)).all():
        mask = mask.astype(bool)
    if mask.dtype != np.bool_:
        raise InputError(
            f"observed of {modality!r}: {mask.dtype}, must be True and False, or integers 0 and 1"
        )
    return mask


@dataclass(frozen=True)
class Split:
    """Row numbers of three parts.

    Attributes:
        train: the model is fitted to these rows.
        validation: choices (when to stop, which start to keep) are made on these rows.
        test: these rows are only for reports.
    """

    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]

    def labels(self, n: int) -> Shaped[np.ndarray, " n"]:
        """(n,) array of "train", "validation" or "test", one for each row."""
        names = np.full(n, "train", dtype=object)
        names[self.validation] = "validation"
        names[self.test] = "test"
        return names


def split_rows(n: int, rng: np.random.Generator, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """Shuffle the rows 0 to n - 1 and cut them into three sorted parts that are not empty.

    Args:
        n: number of rows, at least 3.
        rng: source of randomness.
        validation: share of n for validation, in (0, 1).
        test: share of n for the test, in (0, 1).

    Raises:
        InputError: there are fewer than 3 rows, or none is left for training.

    Examples:
        >>> split = split_rows(10, np.random.default_rng(0))
        >>> len(split.train), len(split.validation), len(split.test)
        (8, 1, 1)
        >>> sorted([*split.train, *split.validation, *split.test]) == list(range(10))
        True
    """
    if n < 3:
        raise InputError(f"{n} rows cannot be split in three; at least 3 are needed")
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise InputError(f"{name} {share}: a share of the rows, between 0 and 1")
    order = rng.permutation(n)
    n_test, n_validation = max(1, round(n * test)), max(1, round(n * validation))
    if n_test + n_validation >= n:
        raise InputError(
            f"validation {validation} and test {test} take all {n} rows; none are left for training"
        )
    return Split(
        train=np.sort(order[n_test + n_validation :]),
        validation=np.sort(order[n_test : n_test + n_validation]),
        test=np.sort(order[:n_test]),
    )


def checksum_with_truth(data: MultiViewData) -> str:
    """SHA-256 of the true latents and of every measurement of simulated data."""
    measurements = (array for arrays in data.measurements.values() for array in arrays)
    return sha256_arrays(data.true_latents.to_numpy(), *measurements)
