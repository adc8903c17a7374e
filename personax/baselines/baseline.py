"""The parts of every baseline: a configuration, a network with its objective, and the shared training."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes
from personax.learning.base import Estimator, OnProgress
from personax.learning.batches import Batch
from personax.learning.checks import check_fit
from personax.learning.latent_names import latent_names
from personax.learning.optimisation import OptimisationConfig, warm_up_then_cosine
from personax.learning.training import Checkpoint, Plan, SingleModel, Weights, minimise
from personax.runs.bounds import check_bounds
from personax.runs.errors import NotFittedError
from personax.views import MultiViewData, Split


class BaselineNetwork(nn.Module, ABC):
    """The part that differs between methods: parameters, objective, and how latents are computed."""

    @abstractmethod
    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """The terms of the objective on a batch, without their weights: one scalar each."""

    @abstractmethod
    def weights(self) -> dict[str, float]:
        """The weight of each term."""

    @abstractmethod
    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """(n, d) latents of all modalities, one modality after the other."""

    def adjacency(self) -> Int[np.ndarray, "d d"] | None:
        """(d, d) of 0 and 1, where A[i, j] = 1 means i -> j; None for a method without a graph."""
        return None

    def warm_up(self) -> dict[str, float]:
        """Term -> share of the epochs during which its weight rises from 0; by default no weight rises."""
        return {}


BaselineSettings = TypeVar("BaselineSettings", bound=BaselineConfig)


class Baseline(Estimator[BaselineSettings]):
    """A method with `fit` and `transform`. Training and early stopping are the same as for our model."""

    configuration: ClassVar[type[BaselineConfig]]
    _network: BaselineNetwork | None = None

    @abstractmethod
    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        """The method's network for measurements of these shapes; may raise InputError."""

    def _training(self, rows: int) -> tuple[OptimisationConfig, Callable[[int, int], float]]:
        """How to train on this number of rows: the options, and the schedule of the learning rate."""
        return self._budget(rows), warm_up_then_cosine

    def _budget(self, rows: int) -> OptimisationConfig:
        """The options of the training, with the epochs of our own phase 1 if nobody has chosen any."""
        return self.config.training.for_latents(sum(self.config.latents.values()), rows)

    def _check(self, data: MultiViewData, split: Split) -> None:
        check_fit(data, split, self.config.latents)
        check_bounds(self.config)

    def _build(self) -> None:
        self._network = self._make_network(self._shapes).to(self.device)

    def _state(self) -> dict[str, Any]:
        return {"network": self._fitted().state_dict()}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._build()
        self._fitted().load_state_dict(state["network"])
        self._fitted().eval()

    def _learn(
        self, train: Batch, validation: Batch, checkpoint: Checkpoint | None, on_progress: OnProgress | None
    ) -> None:
        network = self._fitted()
        training, schedule = self._training(len(train))
        plan = Plan(
            Weights(network.weights(), network.warm_up(), training.passes),
            phase=type(self).__name__,
            schedule=schedule,
        )
        self._accelerate(mixed_precision=training.mixed_precision, compiled=training.compile)
        (self.history,) = minimise(
            SingleModel(network, network.terms),
            train,
            validation,
            training,
            plan,
            seeds=[self._derived("training")],
            checkpoint=checkpoint,
            on_epoch=None if on_progress is None else lambda _, history: on_progress(history),
        )
        self._accelerate(mixed_precision=False, compiled=False)
        network.eval()

    @torch.no_grad()
    def transform(self, data: MultiViewData) -> pd.DataFrame:
        """Latents (n, d), one named column each. Measurements that a person lacks are left out.

        Raises InputError for measurements that do not match those of the fit, NotFittedError before `fit`.
        """
        network = self._fitted()
        parts = [network.latents(batch).cpu().numpy() for batch in self._batches(data)]
        return self._table(np.concatenate(parts))

    @property
    def blocks(self) -> dict[str, list[str]]:
        """Modality -> names of its latents."""
        return latent_names({m: self.config.latents[m] for m in self._channels or self.config.latents})

    @property
    def graph(self) -> Int[np.ndarray, "d d"] | None:
        """(d, d) of 0 and 1, where A[i, j] = 1 means names[i] -> names[j]; None without a graph."""
        return self._fitted().adjacency()

    def _accelerate(self, *, mixed_precision: bool, compiled: bool) -> None:
        for module in self._fitted().modules():
            if isinstance(module, Networks):
                module.accelerate(mixed_precision=mixed_precision, compiled=compiled)

    def _fitted(self) -> BaselineNetwork:
        if self._network is None:
            raise NotFittedError("this model has learned nothing yet; call fit or load first")
        return self._network
