"""The training loop: weights, patience, clipping, the best epoch and checkpoints."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from personax.learning.optimisation import OptimisationConfig
from personax.learning.training import (
    Checkpoint,
    History,
    Plan,
    SingleModel,
    Weights,
    clip_each,
    minimise,
    out_of_patience,
)
from personax.runs.errors import InputError, TrainingDiverged

CONFIG = OptimisationConfig(epochs=12, batch_size=20, learning_rate=0.1, patience=12)
PLAN = Plan(Weights({"error": 1.0, "size": 0.1}, {"size": 0.5}, CONFIG.passes))


@dataclass(frozen=True)
class Pairs:
    """Rows (x, y), (n,) each, of which y is to be predicted from x."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, index: Tensor) -> "Pairs":
        return Pairs(self.x[index], self.y[index])


def line(slope: float, n: int = 100) -> Pairs:
    x = torch.randn(n, generator=torch.Generator().manual_seed(0))
    return Pairs(x, slope * x)


class Slope(nn.Module):
    """y = w x, with noise on x while terms are computed, so that the generator matters."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def terms(self, pairs: Pairs, generator: torch.Generator) -> dict[str, Tensor]:
        x = pairs.x + 0.01 * torch.randn(len(pairs), generator=generator)
        return {"error": (self.w * x - pairs.y).square().mean(), "size": self.w.square()}


def trained(
    train: Pairs, held_out: Pairs, *, checkpoint: Path | None = None, kill_after: int = 99
) -> tuple[Slope, History]:
    model = Slope()

    def kill(_: int, history: History) -> None:
        if len(history) == kill_after:
            raise KeyboardInterrupt

    (history,) = minimise(
        SingleModel(model, model.terms),
        train,
        held_out,
        CONFIG,
        PLAN,
        seeds=[0],
        checkpoint=None if checkpoint is None else Checkpoint(checkpoint, {"data": str(train.y.sum())}),
        on_epoch=kill,
    )
    return model, history


def test_a_weight_rises_linearly_and_is_then_full() -> None:
    weights = Weights({"a": 2.0, "b": 3.0}, {"a": 0.5}, epochs=8)
    assert [weights.at(epoch)["a"] for epoch in range(6)] == [0.5, 1.0, 1.5, 2.0, 2.0, 2.0]
    assert {weights.at(epoch)["b"] for epoch in range(6)} == {3.0}
    assert [weights.are_full(epoch) for epoch in range(6)] == [False, False, False, True, True, True]


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_rise_that_does_not_end_within_the_epochs_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="warm-up of a"):
        Weights({"a": 1.0}, {"a": share}, epochs=8)


def test_patience_counts_epochs_under_full_weights_only() -> None:
    history = [{"epoch": k, "validation": value} for k, value in enumerate([1.0, 5.0, 4.0, 4.5, 4.6], 1)]
    constant, rising = Weights({"a": 1.0}, {}, 10), Weights({"a": 1.0}, {"a": 0.2}, 10)
    assert out_of_patience(history, constant, 4)  # no epoch was better than the first one
    assert not out_of_patience(history, rising, 3)  # which does not count while a weight rises
    assert out_of_patience(history, rising, 2)


def test_the_weighted_sum_is_learned_and_the_history_says_so() -> None:
    model, history = trained(line(2.0), line(2.0))
    assert float(model.w.detach()) == pytest.approx(2 / 1.1, abs=0.15)  # ridge of 0.1 on inputs of variance 1
    assert [row["epoch"] for row in history] == list(range(1, len(history) + 1))
    assert history[0]["weight_size"] < history[-1]["weight_size"] == 0.1
    last = history[-1]
    assert last["validation"] == pytest.approx(last["validation_error"] + 0.1 * last["validation_size"])


def test_the_model_is_left_at_its_best_epoch_on_held_out_rows() -> None:
    model, history = trained(line(2.0), line(1.0))  # on its way from 0 to 2 the slope passes 1
    full = [row for row in history if row["weight_size"] == 0.1]
    best = min(full, key=lambda row: row["validation"])
    assert best is not full[-1]
    assert float(model.w.detach().square()) == pytest.approx(best["validation_size"])


def test_a_killed_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole, history = trained(line(2.0), line(2.0))
    with pytest.raises(KeyboardInterrupt):
        trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt", kill_after=5)
    resumed, other_history = trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")
    assert other_history == history
    assert torch.equal(resumed.w, whole.w)


class Map(nn.Module):
    """Two numbers that are x times a row of a matrix, and a shift."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.zeros(2, 2))
        self.shift = nn.Parameter(torch.zeros(2))

    def terms(self, pairs: Pairs, _: torch.Generator) -> dict[str, Tensor]:
        inputs = torch.stack([pairs.x, pairs.x.square() - 1], 1)
        wanted = torch.stack([pairs.y, 0.01 * (pairs.x.square() - 1)], 1)
        return {"error": (inputs @ self.matrix + self.shift - wanted).square().mean()}


def map_trained(checkpoint: Path, epochs: int, batch: int, kill_after: int = 99) -> Map:
    """A map whose matrix is changed by Muon."""
    model = Map()

    def kill(_: int, history: History) -> None:
        if len(history) == kill_after:
            raise KeyboardInterrupt

    config = replace(CONFIG, epochs=epochs, batch_size=batch, weight_decay=0.0)
    plan = Plan(Weights({"error": 1.0}, {}, epochs), matrices=[model.matrix], matrix_rate=0.5)
    minimise(
        SingleModel(model, model.terms),
        line(2.0),
        line(2.0),
        config,
        plan,
        seeds=[0],
        checkpoint=Checkpoint(checkpoint, {}),
        on_epoch=kill,
    )
    return model


def test_matrices_get_steps_of_equal_size_in_all_directions(tmp_path: Path) -> None:
    """The gradient is 200 times as large in one direction as in the other."""
    once = map_trained(tmp_path / "once.pt", epochs=1, batch=100)
    sizes = torch.linalg.svdvals(once.matrix.detach())
    assert float(sizes[1] / sizes[0]) > 0.5
    assert float(once.shift.detach().abs().max()) == pytest.approx(CONFIG.learning_rate, rel=1e-3)  # AdamW's


def test_a_killed_training_with_matrices_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = map_trained(tmp_path / "whole.pt", epochs=12, batch=20)
    assert float(whole.matrix[0, 0].detach()) == pytest.approx(2.0, abs=0.2)
    with pytest.raises(KeyboardInterrupt):
        map_trained(tmp_path / "c.pt", epochs=12, batch=20, kill_after=5)
    resumed = map_trained(tmp_path / "c.pt", epochs=12, batch=20)
    assert torch.equal(resumed.matrix, whole.matrix)
    assert torch.equal(resumed.shift, whole.shift)


def test_a_checkpoint_of_other_data_or_of_nothing_is_refused(tmp_path: Path) -> None:
    trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")
    before = (tmp_path / "c.pt").read_bytes()
    with pytest.raises(InputError, match=r"c\.pt: a checkpoint of other data; remove the file"):
        trained(line(3.0), line(3.0), checkpoint=tmp_path / "c.pt")
    assert (tmp_path / "c.pt").read_bytes() == before
    torch.save({"trainee": {}}, tmp_path / "old.pt")
    (tmp_path / "broken.pt").write_bytes(b"broken")
    for name in ("old.pt", "broken.pt"):
        with pytest.raises(InputError, match=r"\.pt: .*remove the file"):
            trained(line(2.0), line(2.0), checkpoint=tmp_path / name)


@pytest.mark.parametrize(
    "change",
    [
        {"histories": None},
        {"histories": [3]},
        {"histories": [[{"epoch": 1}]]},
        {"best": 3.0},
        {"best": [None]},
        {"best": []},
        {"schedule": {"last_epoch": "x"}},
        {"generators": []},
        {"trainee": {"now": {"_model.w": torch.ones(())}, "best": {}}},
    ],
)
def test_a_checkpoint_of_another_form_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")
    saved = torch.load(tmp_path / "c.pt", weights_only=True)
    torch.save({**saved, "state": saved["state"] | change}, tmp_path / "c.pt")
    with pytest.raises(InputError, match=r"c\.pt: a damaged checkpoint.*remove the file"):
        trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")


@pytest.mark.parametrize("moments", [{}, {"step": 1.0, "exp_avg": None, "exp_avg_sq": None}])
def test_a_checkpoint_without_moments_is_refused(tmp_path: Path, moments: dict[str, Any]) -> None:
    trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")
    saved = torch.load(tmp_path / "c.pt", weights_only=True)
    saved["state"]["optimiser"]["state"][0] = moments
    torch.save(saved, tmp_path / "c.pt")
    with pytest.raises(InputError, match=r"c\.pt: a damaged checkpoint"):
        trained(line(2.0), line(2.0), checkpoint=tmp_path / "c.pt")


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    broken = replace(line(2.0), y=torch.full((100,), torch.nan))
    with pytest.raises(TrainingDiverged, match="epoch 1, step 1"):
        trained(broken, line(2.0))
    with pytest.raises(TrainingDiverged, match="never finite"):
        trained(line(2.0), broken)


def test_gradients_are_clipped_model_by_model() -> None:
    rng = torch.Generator().manual_seed(0)
    parameters = [torch.zeros(6, 5, requires_grad=True), torch.zeros(6, 2, 3, requires_grad=True)]
    gradients = [torch.randn(p.shape, generator=rng) for p in parameters]
    for groups in (1, 2, 3):
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.clone()
        norms = clip_each(parameters, groups, 4.0)
        for group in range(groups):
            part = slice(group * 6 // groups, (group + 1) * 6 // groups)
            alike = [torch.zeros_like(p[part], requires_grad=True) for p in parameters]
            for one, gradient in zip(alike, gradients, strict=True):
                one.grad = gradient[part].clone()
            torch.testing.assert_close(norms[group], torch.nn.utils.clip_grad_norm_(alike, 4.0))
            for one, parameter in zip(alike, parameters, strict=True):
                assert parameter.grad is not None
                torch.testing.assert_close(parameter.grad[part], one.grad)
