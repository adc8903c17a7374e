"""Phase 1: mini-batches, schedule, clipping, early stopping, checkpoints; resumes bit for bit."""

import logging
import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from personax.crl.config import Phase1Config
from personax.crl.model import Batch, MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Terms, representation_terms
from personax.runs.errors import InputError
from personax.runs.files import atomic_path

log = logging.getLogger(__name__)


class TrainingDiverged(InputError):
    """The loss is no longer finite; the message says where and what to try."""


def warm_up_then_cosine(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: linear over the first tenth, then a cosine to zero."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def train_representation(
    vae: MultiViewVAE,
    prior: CausalPrior,
    train: Batch,
    validation: Batch,
    config: Phase1Config,
    *,
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: Callable[[list[dict[str, Any]]], None] | None = None,
) -> list[dict[str, Any]]:
    """Minimise Eq. (1) on `train`; leave `vae` and `prior` at the epoch with the best validation objective.

    Args:
        seed: seed of batch order, latents, noise and edges.
        checkpoint: file that holds the state after each epoch; if it exists, training goes on from there,
            with the same bits as without the interruption (same machine, same thread count).
        on_epoch: called with the history after each epoch.

    Returns:
        One dict per epoch: epoch, the terms on training and validation rows, learning rate.
        Raises TrainingDiverged when a loss is not finite.
    """
    device = next(vae.parameters()).device
    vae.accelerate(mixed_precision=config.mixed_precision, compiled=config.compile)
    parameters = [*vae.parameters(), *prior.parameters()]
    both = nn.ModuleList([vae, prior])
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    batches = max(1, len(train) // config.batch_size)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_up_then_cosine(step, config.epochs * batches)
    )
    generator = torch.Generator(device).manual_seed(seed)
    history: list[dict[str, Any]] = []
    best, best_state = math.inf, deepcopy(both.state_dict())

    if checkpoint is not None and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        both.load_state_dict(saved["modules"])
        optimiser.load_state_dict(saved["optimiser"])
        schedule.load_state_dict(saved["schedule"])
        generator.set_state(saved["generator"].cpu())
        history, best, best_state = saved["history"], saved["best"], saved["best_state"]
        log.info("continuing after epoch %d", len(history))

    bar = tqdm(total=config.epochs, initial=len(history), desc="representation", unit="epoch", disable=None)
    while len(history) < config.epochs and not _stale(history, config):
        vae.train()
        weights = _warmed_up(config, len(history))
        sums: Terms | None = None
        order = torch.randperm(len(train), generator=generator, device=device)
        for step in range(batches):
            rows = order[step * config.batch_size : (step + 1) * config.batch_size]
            terms = representation_terms(vae, prior, train.rows(rows), generator)
            loss = terms.total(weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(parameters, config.clip)
            if not torch.isfinite(norm):
                raise TrainingDiverged(
                    f"the loss or its gradient is not finite in epoch {len(history) + 1}, step {step + 1} "
                    f"({_describe(terms)}); lower model.phase1.learning_rate or check the data's scale"
                )
            optimiser.step()
            schedule.step()
            values = Terms(*(term.detach() for term in terms))
            sums = values if sums is None else Terms(*(a + b for a, b in zip(sums, values, strict=True)))
        assert sums is not None
        means = Terms(*(value / batches for value in sums))
        held_out = validation_terms(vae, prior, validation, config.batch_size, seed)
        objective = held_out.total(config).item()
        history.append(
            {
                "phase": "representation",
                "epoch": len(history) + 1,
                "learning_rate": schedule.get_last_lr()[0],
                "beta": weights.beta,
                "train": means.total(config).item(),
                "validation": objective,
                **{f"train_{name}": value.item() for name, value in means._asdict().items()},
                **{f"validation_{name}": value.item() for name, value in held_out._asdict().items()},
            }
        )
        log.debug("epoch %d: train %.4g, validation %.4g", len(history), history[-1]["train"], objective)
        if objective < best and weights.beta == config.beta:
            best, best_state = objective, deepcopy(both.state_dict())
        if checkpoint is not None:
            with atomic_path(checkpoint) as temporary:
                torch.save(
                    {
                        "modules": both.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(),
                        "generator": generator.get_state(),
                        "history": history,
                        "best": best,
                        "best_state": best_state,
                    },
                    temporary,
                )
        if on_epoch is not None:
            on_epoch(history)
        bar.update()
        bar.set_postfix(validation=f"{objective:.1f}")
    bar.close()
    vae.accelerate(mixed_precision=False, compiled=False)
    both.load_state_dict(best_state)
    return history


def _warmed_up(config: Phase1Config, epoch: int) -> Phase1Config:
    """The weights of an epoch (counted from 0): the KL's rises linearly over the warm-up."""
    warm = config.kl_warm_up * config.epochs
    return replace(config, beta=config.beta * min(1.0, (epoch + 1) / warm)) if warm > 1 else config


def _stale(history: list[dict[str, Any]], config: Phase1Config) -> bool:
    """True once the last `patience` epochs after the warm-up brought no better validation objective."""
    losses = [row["validation"] for row in history if row["beta"] == config.beta]
    recent, before = losses[-config.patience :], losses[: -config.patience]
    return bool(before) and min(recent) > min(before)


def _describe(terms: Terms) -> str:
    return ", ".join(f"{name} {value.item():.3g}" for name, value in terms._asdict().items())


@torch.no_grad()
def validation_terms(
    vae: MultiViewVAE, prior: CausalPrior, validation: Batch, batch_size: int, seed: int
) -> Terms:
    """Mean terms over batches of `batch_size` (contrastive terms depend on it), the same draws every time."""
    vae.eval()
    generator = torch.Generator(next(vae.parameters()).device).manual_seed(seed)
    chunks = [chunk for chunk in validation.in_chunks(batch_size) if len(chunk) == batch_size]
    parts = [representation_terms(vae, prior, chunk, generator) for chunk in chunks or [validation]]
    return Terms(*(torch.stack(values).mean() for values in zip(*parts, strict=True)))
