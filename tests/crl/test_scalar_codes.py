"""One number per modality that tells most of the other."""

import math
from dataclasses import replace

import numpy as np
import torch

from personax.crl.picture_readings import LEAST_INFORMATION
from personax.crl.scalar_codes import (
    ScalarCodes,
    one_measurement,
    seen_in_all,
    told_information,
    train_scalar_codes,
    train_to_read,
    two_measurements,
)
from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder


def two_modalities(n: int, seed: int) -> tuple[Batch, np.ndarray]:
    """Vectors of 5: a latent that the other modality knows of and four styles, mixed; and the two latents."""
    rng = np.random.default_rng(seed)
    z1 = rng.standard_normal(n)
    z2 = 1.1 * np.tanh(z1) + 0.2 * rng.standard_normal(n)
    z = np.stack([z1, z2], 1)
    mixing = np.random.default_rng(99).standard_normal((2, 5, 5))
    x = {
        name: [torch.from_numpy(np.c_[z[:, k], rng.standard_normal((n, 4))] @ mixing[k]).float()]
        for k, name in enumerate(("a", "b"))
    }
    return Batch(x, {name: torch.ones(n, 1, dtype=torch.bool) for name in x}, complete=True), z


def of_strangers(people: Batch) -> Batch:
    """The vectors b are those of another person."""
    return replace(people, x={"a": people.x["a"], "b": [people.x["b"][0].roll(1, 0)]})


def test_the_latents_that_cross_are_found_among_styles() -> None:
    (train, _), (validation, _), (test, z) = (two_modalities(n, n) for n in (3000, 1000, 1001))
    torch.manual_seed(0)
    codes = ScalarCodes({"a": (5,), "b": (5,)}, hidden=16)
    train_scalar_codes(codes, train, validation, epochs=60, seed=0)
    for k, name in enumerate(("a", "b")):
        f = codes.encoders[name](test.x[name][0])[:, 0].detach().numpy()
        assert abs(np.corrcoef(f, z[:, k])[0, 1]) > 0.9
    told = told_information(codes, test, seed=0)
    # Mutual information of the latents: log(sd of z2 / sd of its noise) if both were normal.
    assert 0.5 < told < np.log(z[:, 1].std() / 0.2) + 0.1
    several_parts = told_information(codes, two_modalities(3000, 5)[0], seed=0)
    assert abs(several_parts - told) < 0.15
    train, validation, test = (of_strangers(batch) for batch in (train, validation, test))
    assert told_information(codes, test, seed=0) < 0
    train_scalar_codes(codes, train, validation, epochs=20, seed=0)
    assert told_information(codes, test, seed=0) < LEAST_INFORMATION / 2


def test_an_encoder_learns_to_read_what_is_wanted() -> None:
    (train, _), (validation, _), (test, _) = (two_modalities(n, n) for n in (3000, 1000, 1001))
    torch.manual_seed(0)
    encoder = make_encoder((5,), 1, 16)
    train_to_read(encoder, lambda x: torch.tanh(x[:, 0]), "a", train, validation, epochs=40, seed=0)
    read = encoder(test.x["a"][0])[:, 0].detach()
    assert float((read - torch.tanh(test.x["a"][0][:, 0])).square().mean()) < 0.01


def test_without_information_the_loss_is_that_of_guessing() -> None:
    codes = ScalarCodes({"a": (5,), "b": (5,)}, hidden=8)
    for critic in codes.critics.values():
        for parameter in critic.parameters():
            torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        loss = codes.missing_information({"a": torch.randn(64, 5), "b": torch.randn(64, 5)})
    assert math.isclose(float(loss), math.log(64), rel_tol=1e-5)


def test_only_measurements_that_a_row_has_are_drawn() -> None:
    x = [torch.full((400, 2), float(k)) for k in range(3)]
    observed = torch.tensor([[True, False, True], [False, True, False]]).repeat(200, 1)
    drawn = one_measurement(Batch({"a": x}, {"a": observed}), "a", torch.Generator().manual_seed(0))
    assert set(drawn[::2].flatten().tolist()) == {0.0, 2.0}
    assert set(drawn[1::2].flatten().tolist()) == {1.0}


def test_two_measurements_of_a_row_are_different_if_it_has_two() -> None:
    x = [torch.full((400, 2), float(k)) for k in range(3)]
    observed = torch.tensor([[True, False, True], [False, True, False]]).repeat(200, 1)
    people = Batch({"a": x}, {"a": observed})
    first, second = two_measurements(people, "a", torch.Generator().manual_seed(0))
    assert torch.equal(first, one_measurement(people, "a", torch.Generator().manual_seed(0)))
    assert set(first[::2].flatten().tolist()) == {0.0, 2.0}
    assert torch.equal(first[::2] + second[::2], torch.full((200, 2), 2.0))
    assert torch.equal(first[1::2], second[1::2])


def test_rows_without_any_measurement_of_a_modality_are_not_seen_in_all() -> None:
    observed = {
        "a": torch.tensor([[True, False], [False, False]]),
        "b": torch.tensor([[True], [True]]),
    }
    x = {"a": [torch.zeros(2, 1)] * 2, "b": [torch.zeros(2, 1)]}
    assert seen_in_all(Batch(x, observed)).tolist() == [True, False]
