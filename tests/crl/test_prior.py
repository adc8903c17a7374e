"""The structural causal model as a prior: its density, its graphs and its orders."""

import torch
from torch.distributions import Normal

from personax.crl.prior import CausalPrior, edge_masks


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_prior_is_the_density_of_its_own_noise() -> None:
    prior = CausalPrior({"a": 2, "b": 1}, 2, rng())
    with torch.no_grad():
        prior.log_scale.uniform_(-0.5, 0.5)
    edges = torch.zeros(2, 1, 3, 3)
    edges[:, 0, 0, 1] = edges[:, 0, 1, 2] = 1
    z = torch.randn(2, 5, 3, generator=rng(1), requires_grad=True)
    eps = prior.noise(z, edges)
    for start in range(2):
        for row in range(5):
            jacobian = torch.stack(
                [
                    torch.autograd.grad(eps[start, row, k], z, retain_graph=True)[0][start, row]
                    for k in range(3)
                ]
            )
            exact = Normal(0.0, 1.0).log_prob(eps[start, row]).sum() + torch.linalg.slogdet(jacobian)[1]
            torch.testing.assert_close(prior.log_density(z, edges)[start, row], exact, rtol=1e-4, atol=1e-4)
    # Only parents matter: latent 0 has none, latent 2 does not see latent 0.
    gradient = torch.autograd.grad(eps[0, :, 2].sum(), z)[0][0]
    assert not gradient[:, 0].any()
    assert gradient[:, 1].any()


def test_rows_share_out_the_graphs_in_order() -> None:
    prior = CausalPrior({"a": 3}, 1, rng())
    z = torch.randn(1, 6, 3, generator=rng(1))
    edges = prior.open_edges(torch.rand(1, 2, 3, 3, generator=rng(2)))
    together = prior.noise(z, edges)
    torch.testing.assert_close(together[:, :3], prior.noise(z[:, :3], edges[:, :1]))
    torch.testing.assert_close(together[:, 3:], prior.noise(z[:, 3:], edges[:, 1:]))


def test_the_graph_is_acyclic_whatever_the_parameters_and_nothing_points_into_s() -> None:
    for seed in range(20):
        prior = CausalPrior({"s": 2, "a": 3, "b": 3}, 4, rng(seed))
        with torch.no_grad():
            prior.gate.normal_(1, 3, generator=rng(100 + seed))
            prior.potential.normal_(0, 3, generator=rng(200 + seed))
        for adjacency in prior.adjacency():
            assert not torch.linalg.matrix_power(adjacency, 8).any()
            assert not adjacency[2:, :2].any()


def test_masks_know_the_blocks() -> None:
    allowed, cross = edge_masks({"s": 1, "a": 2, "b": 1})
    assert allowed.tolist() == [[0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]]
    assert cross.tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 1, 1, 0]]


def test_a_graph_that_is_set_is_drawn_always_and_nothing_else_changes() -> None:
    prior = CausalPrior({"a": 3}, 2, rng())
    before = prior.adjacency()[1]
    edges = torch.tensor([[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    prior.set_graph(0, edges, torch.tensor([2, 1, 0]))
    assert torch.equal(prior.adjacency()[0], edges.float())
    assert torch.equal(prior.adjacency()[1], before)
    drawn = prior.open_edges(torch.rand(2, 50, 3, 3, generator=rng(1)))
    assert float((drawn[0] - edges).abs().detach().mean()) < 0.05


def test_parameters_of_mechanisms_are_all_but_those_of_the_graph() -> None:
    prior = CausalPrior({"a": 2}, 1, rng(), flexible=True)
    graph = {id(prior.gate), id(prior.potential)}
    assert {id(value) for value in prior.parameters()} - graph == set(map(id, prior.mechanism_parameters()))


def test_mutations_move_one_latent_and_keep_an_order() -> None:
    prior = CausalPrior({"a": 5}, 6, rng())
    before = prior.potential.argsort(1).argsort(1)
    prior.mutate(torch.tensor([1, 3]), rng(1))
    after = prior.potential.argsort(1).argsort(1)
    assert torch.equal(after.sort(1).values, torch.arange(5).expand(6, 5))
    untouched = [0, 2, 4, 5]
    assert torch.equal(after[untouched], before[untouched])


def test_the_adjacency_receives_gradients_from_the_data() -> None:
    prior = CausalPrior({"a": 2}, 1, rng())
    z = torch.randn(1, 256, 2, generator=rng(1))
    z[..., 1] = torch.sin(2 * z[..., 0])
    (-prior.log_density(z, prior.open_edges(torch.rand(1, 16, 2, 2, generator=rng(2)))).mean()).backward()
    assert prior.gate.grad is not None
    assert prior.gate.grad[0, 0, 1] != 0
    assert prior.potential.grad is not None
    assert prior.potential.grad.abs().max() > 0


def test_flexible_density_integrates_to_one() -> None:
    """The conditional flow is a density: the integral over z of p(z), one latent, is 1."""
    prior = CausalPrior({"a": 1}, 1, torch.Generator().manual_seed(0), flexible=True)
    with torch.no_grad():
        prior.log_tail.fill_(-0.4)
        prior.skew.fill_(0.3)
    z = torch.linspace(-200, 200, 400001)[:, None]
    density = prior.log_density(z[None], prior.adjacency()[:, None]).exp()[0].detach()
    assert abs(float(density.sum()) * 1e-3 - 1) < 1e-2
