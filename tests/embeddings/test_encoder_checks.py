from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from personax.embeddings.encoder_checks import (
    LEAST_FOUND,
    SENTENCES,
    check_picture_encoder,
    check_text_encoder,
    known_pictures,
)
from personax.embeddings.picture_encoders import PictureEncoder
from personax.embeddings.text_encoders import TextEncoder
from personax.runs.errors import InputError


def test_a_good_encoder_finds_every_sentence_with_the_same_meaning(minilm: TextEncoder) -> None:
    found = check_text_encoder(minilm)
    assert found["same_meaning_found"] == found["of"] == len(SENTENCES) > LEAST_FOUND


def without_layers(transformer: Any) -> None:
    transformer.encoder.layer = transformer.encoder.layer[:0]


def with_mixed_up_weights(transformer: Any) -> None:
    torch.manual_seed(0)
    for weights in transformer.encoder.parameters():
        weights.data = weights.data.flatten()[torch.randperm(weights.numel())].view_as(weights)


def with_random_weights(transformer: Any) -> None:
    torch.manual_seed(0)
    for weights in transformer.parameters():
        torch.nn.init.normal_(weights, std=0.02)


def without_attention(transformer: Any) -> None:
    for layer in transformer.encoder.layer:
        torch.nn.init.zeros_(layer.attention.self.value.weight)


def in_training_mode(transformer: Any) -> None:
    torch.manual_seed(0)
    for module in transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    transformer.train = lambda mode=True: transformer  # encode would switch it off
    for module in transformer.modules():
        module.training = True


def with_numbers_that_are_none(transformer: Any) -> None:
    next(transformer.encoder.parameters()).data[:] = float("nan")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (without_layers, "finds the sentence with the same meaning for 3 of 16"),
        (with_mixed_up_weights, "finds the sentence with the same meaning for 2 of 16"),
        (with_random_weights, "set up wrongly"),
        (without_attention, "finds the sentence with the same meaning for 12 of 16"),
        (in_training_mode, "one text alone and beside longer ones differ"),
        (with_numbers_that_are_none, "NaN or infinite"),
    ],
)
def test_a_broken_encoder_is_stopped(
    minilm: TextEncoder, break_it: Callable[[Any], None], message: str
) -> None:
    network = deepcopy(minilm.network)
    break_it(network[0].auto_model)
    with pytest.raises(InputError, match=message) as error:
        check_text_encoder(replace(minilm, network=network))
    assert "\n" not in str(error.value)


def means(batch: torch.Tensor) -> torch.Tensor:
    return batch.flatten(1)[:, ::701]


def pixels(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255 - 0.5


GOOD = PictureEncoder("good", pixels, means, torch.device("cpu"), {})


def test_an_encoder_of_pictures_that_tells_them_apart_passes() -> None:
    assert check_picture_encoder(GOOD)["alone_and_beside_others"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda batch: means(batch) * torch.nan, "NaN or infinite"),
        (lambda batch: torch.ones(len(batch), 9), "all the same"),
        (lambda batch: means(batch) - means(batch).mean(0) + 0.01, "alone and beside others differ"),
    ],
)
def test_a_broken_encoder_of_pictures_is_stopped(
    network: Callable[[torch.Tensor], torch.Tensor], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_picture_encoder(replace(GOOD, network=network))


def test_the_known_pictures_are_different_and_in_colour() -> None:
    arrays = [np.array(picture) for picture in known_pictures()]
    assert {array.shape for array in arrays} == {(256, 256, 3)}
    assert len({array.tobytes() for array in arrays}) == 6
