"""The map from codes to latents and its Jacobian."""

import torch

from personax.crl.coordinates import Coordinates


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_jacobian_of_the_coordinates_is_autograds() -> None:
    coordinates = Coordinates(torch.randn(2, 3, 3, generator=rng()), rng(1))
    torch.nn.init.normal_(coordinates.outer, generator=rng(2))
    u = torch.randn(4, 3, generator=rng(3))
    _, jacobian = coordinates(u)
    for n in range(4):
        exact = torch.autograd.functional.jacobian(lambda row: coordinates(row[None])[0][:, 0], u[n])
        torch.testing.assert_close(jacobian[:, n], exact, rtol=1e-4, atol=1e-5)
