"""The supervised ceiling: what the same encoders reach when they are given the true latents."""

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from personax.learning.batches import Batch, varying_channels
from personax.learning.encoders import make_encoder
from personax.learning.optimisation import warm_up_then_cosine
from personax.learning.standardisation import Standardisation
from personax.views import MultiViewData, Split

LEARNING_RATE, BATCH_SIZE, WEIGHT_DECAY = 4e-3, 256, 1e-3


def supervised_ceiling(
    data: MultiViewData, split: Split, *, hidden: int, epochs: int, seed: int, device: torch.device
) -> dict[str, dict[str, float]]:
    """R2 on the test rows, for each true latent, of encoders that are trained to predict the true latents.

    Every measurement gets its own encoder. It is trained on the training rows, for a fixed number of epochs,
    to predict the latents of its modality. Nothing is chosen on the test rows.

    Args:
        data: people whose true latents are known.
        split: training rows for the encoders, test rows for R2.
        hidden: width of the hidden layers.
        epochs: number of passes over the training rows.
        seed: seed of the networks and of the order of the batches.
        device: where the encoders are trained.

    Returns:
        Two dicts of latent -> R2. `r2_per_latent`: the prediction is the mean over the modality's
        measurements. A model sees all of these, too. `r2_per_latent_one_measurement`: the prediction is that
        of the first measurement alone.
    """
    pooled: dict[str, float] = {}
    single: dict[str, float] = {}
    data = Standardisation.fit(data, split.train)(data)
    channels = varying_channels(data.rows(split.train))
    train, test = (Batch.of(data.rows(rows), device, channels) for rows in (split.train, split.test))
    for modality in data.modalities:
        names = list(data.known_truth.blocks[modality])
        truth = data.true_latents[names].to_numpy()
        mean, sd = truth[split.train].mean(0), truth[split.train].std(0)
        target = torch.from_numpy(((truth[split.train] - mean) / sd).astype(np.float32)).to(device)
        held_out = (truth[split.test] - mean) / sd
        predictions = [
            _supervised(x, target, x_test, hidden=hidden, epochs=epochs, seed=seed)
            for x, x_test in zip(train.x[modality], test.x[modality], strict=True)
        ]
        pooled |= dict(zip(names, _r2(np.mean(predictions, 0), held_out), strict=True))
        single |= dict(zip(names, _r2(predictions[0], held_out), strict=True))
    return {"r2_per_latent": pooled, "r2_per_latent_one_measurement": single}


def _supervised(
    x: Float[torch.Tensor, "n *shape"],
    target: Float[torch.Tensor, "n d"],
    x_test: Float[torch.Tensor, "n_test *shape"],
    *,
    hidden: int,
    epochs: int,
    seed: int,
) -> Float[np.ndarray, "n_test d"]:
    """Train an encoder on x (n, ...) and target (n, k); return what it predicts for x_test, (n', k)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make_encoder(list(x.shape[1:]), target.shape[1], hidden).to(x.device)
    generator = torch.Generator(x.device).manual_seed(seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    batches = max(1, len(x) // BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_up_then_cosine(step, epochs * batches)
    )
    for _ in range(epochs):
        order = torch.randperm(len(x), generator=generator, device=x.device)
        for step in range(batches):
            rows = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            loss = functional.mse_loss(net(x[rows]), target[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        return torch.cat([net(chunk) for chunk in x_test.split(4096)]).cpu().numpy()


def _r2(predicted: Float[np.ndarray, "n d"], truth: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    """(n, k) predictions and truth -> (k,) R2 of each column."""
    return np.asarray(1 - np.square(predicted - truth).mean(0) / truth.var(0))
