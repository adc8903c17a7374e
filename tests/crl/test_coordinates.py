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


def test_coordinates_that_only_bend_are_functions_of_their_own_codes() -> None:
    bends = Coordinates(torch.eye(3).repeat(2, 1, 1), rng(1), only_bend=True)
    optimiser = torch.optim.Adam(bends.parameters(), 0.05)
    u = torch.randn(50, 3, generator=rng(3))
    for _ in range(5):
        z, jacobian = bends(u)
        assert torch.equal(jacobian, torch.diag_embed(jacobian.diagonal(dim1=2, dim2=3)))
        optimiser.zero_grad()
        (z * torch.randn(3, 3, generator=rng(4))[0] + z.roll(1, 2).square()).sum().backward()
        optimiser.step()
    one = u.clone()
    one[:, 1] = 7.0
    changed = (bends(one)[0] != bends(u)[0]).any(1)
    assert changed.tolist() == [[False, True, False]] * 2
    for j in range(3):  # all can bend
        slope = bends(u)[1][..., j, j]
        assert bool((slope.std(1) > 0.01).all())
    loaded = Coordinates(torch.eye(3).repeat(2, 1, 1), rng(9))
    loaded.load_state_dict(bends.state_dict())
    assert torch.equal(loaded(u)[0], bends(u)[0])
