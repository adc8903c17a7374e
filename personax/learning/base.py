"""What every estimator shares: fit and transform, seeds, batches, and the names of the latents.

Latents are the hidden causes of the measurements. A block is the set of latents of one modality, or the set
"s" that all modalities share.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, get_type_hints

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from personax.learning.batches import Batch, varying_channels
from personax.learning.checks import (
    check_finite,
    check_fit_arguments,
    check_given_people,
    check_model_arguments,
)
from personax.learning.inputs import Inputs
from personax.learning.mapped_people import MappedPeople, PeopleReader, sample_of_rows, stays_in_files
from personax.learning.standardisation import Standardisation
from personax.learning.tensor_files import save_tensors
from personax.learning.training import Checkpoint, History
from personax.runs.bounds import Between, Natural, Width, check_bounds
from personax.runs.described import Described, listed
from personax.runs.device import resolve_device
from personax.runs.errors import InputError, NotFittedError, advising
from personax.runs.files import read_yaml, sha256_each, sha256_text, write_yaml
from personax.runs.processor import threads_unless_chosen
from personax.runs.run_folder import MODEL, WEIGHTS
from personax.runs.run_records import MAKE_ANEW, read_tensors
from personax.runs.seeds import derived_seed, numpy_rng
from personax.views import MultiViewData, Split, split_rows

THREADS_OF_TORCH = torch.get_num_threads()  # at import, so mostly what torch chooses by itself
ROWS_AT_ONCE = 8192  # number of people whose latents are computed in one pass

EstimatorConfig = TypeVar("EstimatorConfig")
OnProgress = Callable[[History], None]
"""Called with the history so far, after every epoch."""


@dataclass(frozen=True)
class SavedShapes:
    """What model.yaml says about the measurements: modality -> for each, its shape and its channels."""

    seed: Annotated[int, Between(0, 2**64)]  # of Python's callers, who may take larger ones than commands
    shapes: dict[str, list[list[Width]]]
    channels: dict[str, list[list[Natural]]]

    def __post_init__(self) -> None:
        """Raise ValueError if shapes and channels are of other measurements."""
        widths = {modality: [shape[0] for shape in shapes] for modality, shapes in self.shapes.items()}
        if widths != {modality: list(map(len, used)) for modality, used in self.channels.items()}:
            raise ValueError("shapes and channels are not of the same measurements")


def _has_nan(saved: Any) -> bool:
    """Whether a tensor in these containers holds NaN."""
    if isinstance(saved, torch.Tensor):
        return saved.is_floating_point() and bool(saved.isnan().any())
    parts = saved.values() if isinstance(saved, Mapping) else saved if isinstance(saved, list | tuple) else ()
    return any(map(_has_nan, parts))


def _check_estimator(described: Any, expected: str, path: Path) -> None:
    """Raise InputError if `described`, from model.yaml, is of another class; version 0.2.0 wrote none."""
    saved = described.get("estimator", expected) if isinstance(described, Mapping) else expected
    if saved != expected:
        raise InputError(
            f"{path}: a model of the class {saved!r}, not {expected!r}; load it with its own class"
        )


class Estimator(Described, ABC, Generic[EstimatorConfig]):
    """A method that learns latents: ours and every baseline.

    Attributes:
        config: the configuration, as given; `fit` does not change it.
        seed: all randomness of the fit comes from it.
        device: the device (CPU or GPU) that holds the networks.
        history: one row per epoch; empty before the fit.
        split: the rows for training, validation and test that the fit used; None before it.
        configuration: class of `config`.
        reads_files: whether measurements that are mapped into memory (numpy.load with mmap_mode="r") stay in
            their files during the fit; others are read first.
    """

    configuration: ClassVar[type[Any]]
    reads_files: ClassVar[bool] = False

    def __init__(self, config: EstimatorConfig, *, seed: int = 0, device: str = "auto") -> None:
        """Keep the configuration, whose latents must name every modality of the data.

        Raises InputError for a configuration or a seed of another type, and a device that does not exist.
        """
        check_model_arguments(type(self).__name__, config, seed)
        self.config = config
        self.seed = seed
        self.device = resolve_device(device)
        self.history: History = []
        self.split: Split | None = None
        self._inputs: Inputs | None = None
        self._shapes: dict[str, list[list[int]]] = {}
        self._channels: dict[str, list[list[int]]] = {}
        self._standardisation = Standardisation({})

    @threads_unless_chosen(THREADS_OF_TORCH)
    def fit(
        self,
        data: MultiViewData,
        split: Split | None = None,
        *,
        checkpoint: Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> Self:
        """Learn on the training rows; choose the best epoch on the validation rows.

        Embeddings are standardised first (standardisation.py). The means and scales are those of the training
        rows. Training uses one thread, unless OMP_NUM_THREADS or torch.set_num_threads chooses otherwise
        (runs/processor.py).

        Args:
            data: people with at least one modality. True latents are used only by methods that need
                them (supervised CausalVAE).
            split: the test rows are not used. If it is left out, 80 % of the people are drawn for training
                and 10 % each for validation and test, by the model's seed; `self.split` then tells which.
            checkpoint: file that the state is saved to after every epoch. If it exists, training goes on
                from there. A second and third training of our model have files beside it
                (`remove_checkpoint` removes all). A file of other data, configuration or seed is refused.
            on_progress: called with the history so far.

        Raises InputError for data that do not fit the configuration, TrainingDiverged for a loss that is no
        longer finite.
        """
        check_fit_arguments(data, split)
        if split is None:
            split = split_rows(len(data), numpy_rng(self.seed, "split"))
        train, validation = self._prepare(data, split)
        kept = None if checkpoint is None else Checkpoint(checkpoint, self._fingerprint(train, validation))
        self._learn(train, validation, kept, on_progress)
        return self

    @abstractmethod
    def transform(self, data: MultiViewData) -> pd.DataFrame:
        """Latents (n, d), one named column each, of any people with the measurements of the fit.

        A person's missing measurements are left out. Columns of data frames are found by their names if the
        model was fitted to data frames, too. Raises InputError if number, shapes or names of the measurements
        differ from those of the fit, and for NaN or inf in a measurement that a person has; NotFittedError
        before `fit`.
        """

    def save(self, folder: Path | str) -> None:
        """Write the class and its configuration (model.yaml), and the weights (weights.pt, tensors only).

        Raises NotFittedError before `fit`.
        """
        tensors = self._state() | {"standardisation": self._standardisation.stored()}
        described = {
            "estimator": type(self).__name__,
            "config": asdict(self.config),  # type: ignore[call-overload]  # a dataclass, see `configuration`
            "seed": self.seed,
            "inputs": self._inputs and self._inputs.described(),
            "shapes": self._shapes,
            "channels": self._channels,
        }
        write_yaml(Path(folder) / MODEL, described)
        save_tensors(Path(folder) / WEIGHTS, tensors)

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "auto") -> Self:
        """Read what `save` wrote.

        Raises InputError if files are missing, do not belong together, or are those of another class.
        """
        with advising(MAKE_ANEW):
            described = read_yaml(Path(folder) / MODEL)
        _check_estimator(described, cls.__name__, Path(folder) / MODEL)
        try:
            config = config_from(cls.configuration, described["config"])
            model = cls(config, seed=described["seed"], device=device)
            if described.get("inputs"):  # version 0.2.0 did not write them
                model._inputs = Inputs(**described["inputs"])
            model._shapes, model._channels = described["shapes"], described["channels"]
            check_bounds(SavedShapes(model.seed, model._shapes, model._channels))
            check_bounds(config, "config.")
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            where = f"{Path(folder) / MODEL}: is not what `save` writes"
            raise InputError(f"{where} ({reason}); {MAKE_ANEW}") from error
        saved = read_tensors(Path(folder) / WEIGHTS, model.device)
        if _has_nan(saved):
            raise InputError(f"{Path(folder) / WEIGHTS}: has weights that are no numbers (NaN); {MAKE_ANEW}")
        try:
            with torch.random.fork_rng(devices=[]):  # weights are drawn here and replaced at once
                model._restore(saved)
            # models that were saved before estimators standardised have none
            model._standardisation = Standardisation.from_stored(saved.get("standardisation", {}))
        except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
            where = f"{folder}: {MODEL} and {WEIGHTS}"
            raise InputError(f"{where} do not belong together; {MAKE_ANEW}") from error
        return model

    @property
    @abstractmethod
    def blocks(self) -> dict[str, list[str]]:
        """Block (the modalities, and "s" if there are shared latents) -> names of its latents."""

    @property
    @abstractmethod
    def graph(self) -> Int[np.ndarray, "d d"] | None:
        """(d, d) of 0 and 1, A[i, j] = 1 meaning names[i] -> names[j]; None if the method has none."""

    @property
    def names(self) -> list[str]:
        """Names of all latents, in the order of `transform`'s columns and of the graph."""
        return [name for names in self.blocks.values() for name in names]

    @abstractmethod
    def _check(self, data: MultiViewData, split: Split) -> None:
        """Raise InputError for a configuration that cannot be trained, or that does not fit the data."""

    def _standardise(self, data: MultiViewData, split: Split) -> Standardisation:
        """How embeddings are written before they are learned from; learned on the training rows."""
        return Standardisation.fit(data, split.train)

    @abstractmethod
    def _build(self) -> None:
        """Make the networks for measurements of the shapes in `_shapes`. May raise InputError."""

    @abstractmethod
    def _state(self) -> dict[str, Any]:
        """All that has been learned, tensors in plain containers. Raises NotFittedError before the fit."""

    @abstractmethod
    def _restore(self, state: Mapping[str, Any]) -> None:
        """Make the networks and give them what `_state` returned."""

    @abstractmethod
    def _learn(
        self, train: Batch, validation: Batch, checkpoint: Checkpoint | None, on_progress: OnProgress | None
    ) -> None:
        """Train the networks; set `history`."""

    def _people(self, data: MultiViewData) -> Batch:
        """Any people on the device: embeddings standardised as in the fit, and the channels of the fit."""
        return Batch.of(self._standardisation(data), self.device, self._channels)

    def _prepare(self, data: MultiViewData, split: Split) -> tuple[Batch, Batch]:
        """Make fresh networks for the data; return training and validation rows on the device."""
        self._check(data, split)
        self.split = split
        self._inputs = Inputs.of(data)
        mapped = self.reads_files and stays_in_files(data)
        seen = split
        if mapped:
            seen = replace(split, train=sample_of_rows(split.train, numpy_rng(self.seed, "sample")))
        self._standardisation = self._standardise(data, seen)
        self._channels = varying_channels(self._standardisation(data.rows(seen.train)))
        people = self._mapped_people if mapped else self._people_of_rows
        train, validation = (people(data, rows) for rows in (split.train, split.validation))
        first = train.rows(slice(0, 1)).x
        self._shapes = {m: [list(x.shape[1:]) for x in tensors] for m, tensors in first.items()}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._derived("networks"))
            self._build()
        return train, validation

    def _people_of_rows(self, data: MultiViewData, rows: Int[np.ndarray, " rows"]) -> Batch:
        return self._people(data.rows(rows))

    def _mapped_people(self, data: MultiViewData, rows: Int[np.ndarray, " rows"]) -> Batch:
        reader = PeopleReader(data, self._standardisation, self._channels)
        return MappedPeople.of_rows(reader, rows, self.device, self._derived("mapped people"))

    def _fingerprint(self, train: Batch, validation: Batch) -> dict[str, str]:
        """What identifies a fit: checksums of its data and of its configuration, and its seed."""
        arrays = (tensor.cpu().numpy() for part in (train, validation) for tensor in part.tensors())
        described = repr((type(self).__name__, self.config))
        return {
            "data": sha256_text(repr(self._channels) + sha256_each(arrays)),
            "configuration": sha256_text(described),
            "seed": str(self.seed),
        }

    def _batches(self, data: MultiViewData) -> Iterator[Batch]:
        """Consecutive people on the device, as `Estimator._people` makes them, with the columns of the fit.

        Raises InputError for nobody, and for people with other measurements than those of the fit.
        """
        check_given_people(data)
        data = data if self._inputs is None else self._inputs.matched(data)
        check_finite(data)
        for start in range(0, len(data), ROWS_AT_ONCE):
            rows = data.rows(np.arange(start, min(start + ROWS_AT_ONCE, len(data))))
            with np.errstate(over="ignore", invalid="ignore"):  # `_table` refuses what comes of it
                batch = Estimator._people(self, rows)  # a subclass may add labels, which only a fit needs
            yield batch

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {
            "latents": ", ".join(f"{len(names)} of {block}" for block, names in self.blocks.items()),
            "seed": self.seed,
            "device": self.device,
        }
        try:
            graph = self.graph
        except NotFittedError:
            return facts | {"fitted": "no"}
        if graph is None:
            return facts | {"fitted": "yes"}
        edges = [f"{self.names[i]} -> {self.names[j]}" for i, j in np.argwhere(graph).tolist()]
        return facts | {"fitted": "yes", "edges": listed(edges)}

    def _table(self, latents: Float[np.ndarray, "n d"]) -> pd.DataFrame:
        """Latents (n, d) as `transform` returns them. Raises InputError where they are not finite."""
        finite = np.isfinite(latents).all(1)
        if not finite.all():
            row = int(np.flatnonzero(~finite)[0]) + 1
            raise InputError(
                f"row {row}: its latents are not finite, since its values are far out of the range of the "
                "fit; correct them, or mark the measurement unobserved"
            )
        return pd.DataFrame(latents, columns=self.names)

    def _derived(self, name: str) -> int:
        """The seed for one purpose, such as "networks"; every purpose has a different seed."""
        return derived_seed(self.seed, name)


def config_from(kind: type[Any], described: Mapping[str, Any]) -> Any:
    """The configuration, a dataclass, that `dataclasses.asdict` has turned into plain values.

    Raises TypeError or AttributeError for values that are no such configuration.
    """
    kinds = get_type_hints(kind)
    values = {
        name: config_from(kinds[name], value) if is_dataclass(kinds.get(name)) else value
        for name, value in described.items()
    }
    return kind(**values)
