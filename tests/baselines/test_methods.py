"""Each baseline on a problem that it is known to solve, and the properties that all of them must have."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from personax.baselines import METHODS
from personax.baselines.baseline import Baseline
from personax.baselines.causal_vae import acyclic_graph, acyclicity, kl_to_labels
from personax.baselines.methods import method_names
from personax.baselines.mmcrl import MMCRLConfig, MMCRLNetwork
from personax.baselines.networks import average
from personax.crl import CRL
from personax.learning.gaussians import Posterior
from personax.learning.metrics import kernel_ridge_r2, mean_correlation
from personax.runs.errors import InputError, NotFittedError
from personax.runs.files import read_yaml, write_yaml
from personax.runs.run_folder import MODEL
from personax.variant_mnist.scm import variant_mnist_scm
from personax.views import MultiViewData, Split, Truth, split_rows

SMALL = {"hidden": 16, "training.batch_size": 64, "training.learning_rate": 1e-2}
TINY = {**SMALL, "noise": 1, "training.epochs": 3}


def seen(latents: np.ndarray, rng: np.random.Generator, width: int = 6) -> np.ndarray:
    """An embedding (n, width) of latents (n, d): orthonormal directions and a little noise."""
    directions = np.linalg.qr(rng.standard_normal((width, latents.shape[1])))[0]
    noise = 0.1 * rng.standard_normal((len(latents), width))
    return np.asarray(latents @ directions.T + noise, dtype=np.float32)


def people(n: int = 300, seed: int = 0) -> tuple[MultiViewData, Split]:
    """Two modalities, two measurements each, of z11 -> z12 and z11 -> z21."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 3))
    z = np.stack([e[:, 0], e[:, 0] + e[:, 1], e[:, 0] - e[:, 2]], 1)
    data = MultiViewData(
        {"a": [seen(z[:, :2], rng) for _ in range(2)], "b": [seen(z[:, 2:], rng, 4) for _ in range(2)]},
        ids=np.arange(n),
        truth=Truth(pd.DataFrame(z, columns=["z11", "z12", "z21"]), {"a": ["z11", "z12"], "b": ["z21"]}),
    )
    return data, split_rows(n, rng)


BLOCKS = {"a": ["z11", "z12"], "b": ["z21"]}


def fitted(
    name: str, data: MultiViewData, split: Split, settings: dict[str, Any], *, seed: int = 0, **options: Any
) -> Baseline[Any]:
    blocks = BLOCKS if data.truth is None else data.truth.blocks
    sizes = {m: len(blocks[m]) for m in data.modalities}
    method = METHODS[name]
    return method.make(method.configure(sizes, settings), seed=seed, device="cpu").fit(data, split, **options)


def scores(model: Baseline[Any], data: MultiViewData, split: Split) -> tuple[np.ndarray, float]:
    """Held-out R2 per true latent, and MCC."""
    z, truth = model.transform(data).to_numpy(), data.true_latents.to_numpy()
    r2 = kernel_ridge_r2(z[split.train], truth[split.train], z[split.test], truth[split.test])
    return r2, mean_correlation(z[split.test], truth[split.test])


# Properties of all methods


@pytest.mark.parametrize("name", METHODS)
def test_save_and_load_give_the_same_model(name: str, tmp_path: Path) -> None:
    data, split = people(100)
    model = fitted(name, data, split, {**TINY, "training.epochs": 1}, seed=3)
    model.save(tmp_path)
    before = torch.get_rng_state()
    loaded = type(model).load(tmp_path, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded.transform(data).equals(model.transform(data))
    assert (loaded.config, loaded.seed, loaded.names) == (model.config, 3, model.names)
    if model.graph is None:
        assert loaded.graph is None
    else:
        assert np.array_equal(np.asarray(loaded.graph), model.graph)


def test_a_model_of_another_method_is_refused(tmp_path: Path) -> None:
    data, split = people(100)
    saved = fitted("autoencoder", data, split, {**TINY, "training.epochs": 1})
    saved.save(tmp_path)
    for other in (METHODS["beta_vae"].estimator, METHODS["official"].estimator, CRL):
        named = f"class '{type(saved).__name__}', not '{other.__name__}'; load it with its own class"
        with pytest.raises(InputError, match=named):
            other.load(tmp_path, device="cpu")


def test_a_model_whose_file_names_no_class_is_loaded_if_it_fits(tmp_path: Path) -> None:
    """As version 0.2.0 wrote them."""
    data, split = people(100)
    model = fitted("autoencoder", data, split, {**TINY, "training.epochs": 1})
    model.save(tmp_path)
    described = read_yaml(tmp_path / MODEL)
    write_yaml(tmp_path / MODEL, {key: value for key, value in described.items() if key != "estimator"})
    assert type(model).load(tmp_path, device="cpu").transform(data).equals(model.transform(data))
    for other in ("beta_vae", "official"):
        with pytest.raises(InputError, match=r"do not belong together|is not what `save` writes"):
            METHODS[other].estimator.load(tmp_path, device="cpu")


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_same_bits_and_a_killed_fit_goes_on(name: str, tmp_path: Path) -> None:
    data, split = people()
    whole = fitted(name, data, split, TINY, seed=1)
    latents = whole.transform(data)
    assert list(latents.columns) == ["z11", "z12", "z21"]
    assert np.isfinite(latents.to_numpy()).all()
    assert len(whole.history) == 3
    assert {"train", "validation"} <= set(whole.history[0])
    assert not latents.equals(fitted(name, data, split, TINY, seed=2).transform(data))

    class Killed(Exception):
        pass

    def kill_after_two(history: list[dict[str, object]]) -> None:
        if len(history) == 2:
            raise Killed

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        fitted(name, data, split, TINY, seed=1, checkpoint=checkpoint, on_progress=kill_after_two)
    resumed = fitted(name, data, split, TINY, seed=1, checkpoint=checkpoint)
    assert resumed.transform(data).equals(latents)
    assert resumed.history == whole.history


@pytest.mark.parametrize("name", METHODS)
def test_what_is_missing_is_not_looked_at(name: str) -> None:
    data, split = people()
    observed = np.ones((len(data), 2), dtype=bool)
    observed[::3, 0] = False
    observed[1, :] = False
    found = []
    for filler in (np.nan, 7.0):
        first = data.measurements["a"][0].copy()
        first[~observed[:, 0]] = filler
        masked = dataclasses.replace(
            data,
            measurements={**data.measurements, "a": [first, data.measurements["a"][1]]},
            observed={"a": observed},
        )
        found.append(fitted(name, masked, split, TINY).transform(masked))
    assert found[0].equals(found[1])
    assert np.isfinite(found[0].to_numpy()).all()


@pytest.mark.parametrize("name", METHODS)
def test_units_and_axes_of_embeddings_do_not_matter(name: str) -> None:
    """Each latent correlates with that of the same name by more than 0.999."""
    data, split = people()
    rng = np.random.default_rng(3)
    turned = {
        m: [
            (1000 * a @ np.linalg.qr(rng.standard_normal((a.shape[1], a.shape[1])))[0]).astype(np.float32)
            for a in arrays
        ]
        for m, arrays in data.measurements.items()
    }
    other = dataclasses.replace(data, measurements=turned)
    before = fitted(name, data, split, TINY).transform(data).to_numpy()
    after = fitted(name, other, split, TINY).transform(other).to_numpy()
    assert np.corrcoef(before.T, after.T).diagonal(3).min() > 0.999


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.uses_truth])
def test_the_truth_is_not_looked_at(name: str) -> None:
    data, split = people()
    other = dataclasses.replace(data, truth=Truth(-(data.true_latents**2), data.known_truth.blocks))
    assert (
        fitted(name, data, split, TINY)
        .transform(data)
        .equals(fitted(name, other, split, TINY).transform(data))
    )


@pytest.mark.parametrize("name", METHODS)
def test_graphs_are_acyclic_or_none(name: str) -> None:
    graph = fitted(name, *people(), TINY).graph
    if graph is not None:
        assert graph.shape == (3, 3)
        assert set(np.unique(graph)) <= {0, 1}
        assert not np.linalg.matrix_power(graph, 3).any()


def test_bad_configurations_are_named() -> None:
    data, split = people()
    with pytest.raises(InputError, match="no setting 'gamma'"):
        METHODS["beta_vae"].configure({"a": 2, "b": 1}, {"gamma": 1.0})
    with pytest.raises(InputError, match=r"no setting 'beta\.high'"):
        METHODS["beta_vae"].configure({"a": 2, "b": 1}, {"beta.high": 1.0})
    for settings, message in (
        ({"training.epochs": 0}, "training.epochs 0"),
        ({"training.learning_rate": 0.0}, "training.learning_rate"),
        ({"observation_sd": -1.0}, "observation_sd"),
        ({"latents": {"a": 2}}, "modalities"),
    ):
        with pytest.raises(InputError, match=message):
            fitted("beta_vae", data, split, {**TINY, **settings})
    with pytest.raises(InputError, match="temperature"):
        fitted("mcl", data, split, {**TINY, "temperature": 0.0})
    unknown = dataclasses.replace(data, truth=None)
    with pytest.raises(InputError, match="true latents"):
        fitted("causal_vae_supervised", unknown, split, TINY)
    fitted("causal_vae", unknown, split, {**TINY, "training.epochs": 1})
    alone = dataclasses.replace(data, measurements={"a": data.measurements["a"][:1]}, observed={})
    with pytest.raises(InputError, match="single measurement"):
        fitted("mcl", alone, split, TINY)
    with pytest.raises(NotFittedError, match="call fit"):
        METHODS["mcl"].make(METHODS["mcl"].configure({"a": 2}), device="cpu").transform(data)


def test_the_truth_is_used_by_one_method_only_and_it_says_so() -> None:
    assert [name for name, method in METHODS.items() if method.uses_truth] == ["causal_vae_supervised"]


# Problems that each method is known to solve


def test_the_autoencoder_finds_the_subspace() -> None:
    data, split = people(1000)
    settings = {**SMALL, "noise": 0, "training.epochs": 15}
    assert scores(fitted("autoencoder", data, split, settings), data, split)[0].min() > 0.9
    untrained = fitted("autoencoder", data, split, {**settings, "training.learning_rate": 1e-9})
    assert scores(untrained, data, split)[0].min() < 0.9


def test_beta_vae_finds_the_axes_of_independent_factors_of_unequal_variance() -> None:
    """A VAE with a diagonal posterior learns principal axes (Rolinek et al. 2019), an autoencoder any."""
    rng = np.random.default_rng(1)
    factors = rng.standard_normal((1500, 2)) * [2.0, 0.8]
    data = MultiViewData(
        {"a": [seen(factors, rng)]},
        np.arange(1500),
        truth=Truth(pd.DataFrame(factors, columns=["z11", "z12"]), {"a": ["z11", "z12"]}),
        known_units=True,  # the noise of `seen` is the methods' observation_sd
    )
    split = split_rows(1500, rng)
    settings = {**SMALL, "noise": 0, "training.epochs": 30}
    assert scores(fitted("beta_vae", data, split, settings), data, split)[1] > 0.97
    assert scores(fitted("autoencoder", data, split, settings), data, split)[1] < 0.9


def chain(n: int, seed: int) -> tuple[MultiViewData, Split]:
    """z12 -> z21 -> z11, linear, noises of equal variance; the columns are not in causal order."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 3))
    z12 = e[:, 0]
    z21 = 1.2 * z12 + e[:, 1]
    z = np.stack([e[:, 2] - z21, z12, z21], 1)
    data = MultiViewData(
        {"a": [seen(z[:, :2], rng) for _ in range(2)], "b": [seen(z[:, 2:], rng, 4)]},
        np.arange(n),
        truth=Truth(pd.DataFrame(z, columns=["z11", "z12", "z21"]), {"a": ["z11", "z12"], "b": ["z21"]}),
        known_units=True,  # the noise of `seen` is the methods' observation_sd
    )
    return data, split_rows(n, rng)


def test_causal_vae_with_labels_finds_a_linear_chain() -> None:
    """Equal noise variances make least squares consistent for the graph (Peters & Bühlmann 2014)."""
    data, split = chain(1200, 0)
    model = fitted("causal_vae_supervised", data, split, {**SMALL, "noise": 1, "training.epochs": 40})
    assert model.graph is not None
    assert model.graph.tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 0]]
    z, truth = model.transform(data).to_numpy()[split.test], data.true_latents.to_numpy()[split.test]
    own = [np.corrcoef(z[:, k], truth[:, k])[0, 1] for k in range(3)]  # labels fix order and signs too
    assert min(own) > 0.9


def test_mcl_finds_what_views_share_and_nothing_else() -> None:
    """Shared by a's views: two latents. Shared by b's only view and a: one of b's two."""
    rng = np.random.default_rng(1)
    n = 1500
    content, private = rng.standard_normal((n, 2)), rng.standard_normal((n, 2, 2))
    echo = np.stack([content[:, 0] + 0.3 * rng.standard_normal(n), rng.standard_normal(n)], 1)
    data = MultiViewData(
        {
            "a": [seen(np.c_[content, private[:, k]], rng) for k in range(2)],
            "b": [seen(echo, rng, 4)],
        },
        np.arange(n),
    )
    split = split_rows(n, rng)
    model = fitted("mcl", data, split, {**SMALL, "training.batch_size": 128, "training.epochs": 10})
    z = model.transform(data).to_numpy()

    def r2(block: np.ndarray, truth: np.ndarray) -> np.ndarray:
        return kernel_ridge_r2(block[split.train], truth[split.train], block[split.test], truth[split.test])

    assert r2(z[:, :2], content).min() > 0.9
    assert r2(z[:, :2], private[:, 0]).max() < 0.2
    shared, own = r2(z[:, 2:], echo)
    assert shared > 0.85
    assert own < 0.2


def test_mmcrl_finds_latents_and_edges_of_a_sparse_graph_across_modalities() -> None:
    """z11 -> z21 and z12 -> z22, nonlinear: rotations of a block need more edges (their Condition 4.3)."""
    rng = np.random.default_rng(0)
    n = 1500
    e = rng.standard_normal((n, 4))
    effects = 1.2 * np.tanh(3 * e[:, :2]) + 0.3 * e[:, 2:]
    names = ["z11", "z12", "z21", "z22"]
    data = MultiViewData(
        {"a": [seen(e[:, :2], rng)], "b": [seen(effects, rng)]},
        np.arange(n),
        truth=Truth(pd.DataFrame(np.c_[e[:, :2], effects], columns=names), {"a": names[:2], "b": names[2:]}),
        known_units=True,  # the noise of `seen` is the methods' observation_sd
    )
    split = split_rows(n, rng)
    settings = {**SMALL, "noise": 0, "training.epochs": 40, "training.patience": 40}
    model = fitted("mmcrl", data, split, settings)
    _, mcc = scores(model, data, split)
    assert mcc > 0.97
    assert model.graph is not None
    assert model.graph.sum() == 2
    assert sorted(model.graph[:2, 2:].sum(1)) == sorted(model.graph[:2, 2:].sum(0)) == [1, 1]


def test_mmcrls_sparsity_cannot_be_dodged_by_rescaling() -> None:
    """Given the true latents, its flow has the true graph, whose effects are of usual size."""
    truth = variant_mnist_scm()
    sample = truth.sample(4000, np.random.default_rng(0)).to_numpy()
    z = torch.from_numpy((sample - sample.mean(0)) / sample.std(0)).float()
    config = MMCRLConfig(latents={"digit": 2, "garment": 2})
    for seed in range(3):
        torch.manual_seed(seed)
        network = MMCRLNetwork({"digit": [[3]], "garment": [[3]]}, config)
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(400):
            optimiser.zero_grad()
            (config.sparsity * network.strength().sum() - network.log_density(z).mean()).backward()
            optimiser.step()
        assert np.array_equal(network.adjacency(), truth.graph)


def test_the_official_recipe_improves_its_loss_and_uses_first_measurements_only() -> None:
    data, split = people()
    model = fitted("official", data, split, {**SMALL, "training.epochs": 10})
    assert model.history[-1]["validation"] < 0.7 * model.history[0]["validation"]
    second = [array + 1 for array in data.measurements["a"][1:]]
    moved = dataclasses.replace(
        data, measurements={**data.measurements, "a": [data.measurements["a"][0], *second]}
    )
    assert model.transform(moved).equals(model.transform(data))


def test_the_official_recipe_as_released_learns_by_full_batches_at_its_own_rate() -> None:
    model = fitted("official_published", *people(), {"training.epochs": 4})
    assert {row["learning_rate"] for row in model.history} == {2e-6}
    losses = [row["train"] for row in model.history]
    assert losses == sorted(losses, reverse=True)
    assert model.graph is not None
    assert np.array_equal(model.graph, np.triu(np.ones((3, 3)), 1))


# Formulas


def test_the_average_skips_the_missing() -> None:
    codes = [torch.ones(3, 2), 3 * torch.ones(3, 2)]
    observed = torch.tensor([[True, True], [False, True], [False, False]])
    assert average(codes, observed)[:, 0].tolist() == [2.0, 3.0, 0.0]


def test_acyclicity_is_zero_exactly_without_cycles() -> None:
    weights = torch.tensor([[0.0, 2.0, -1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
    assert float(acyclicity(weights)) == pytest.approx(0, abs=1e-5)
    weights[2, 0] = 0.1
    assert float(acyclicity(weights)) > 0.01


def test_the_graph_drops_the_weakest_edge_of_a_cycle() -> None:
    weights = np.array([[9.0, 2.0, 0.1], [0.0, 0.0, -3.0], [0.5, 0.0, 0.0]])
    assert acyclic_graph(weights, 0.3).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_the_kl_to_the_labels_agrees_with_torch_distributions() -> None:
    rng = torch.Generator().manual_seed(0)
    mean, precision = torch.randn(5, 3, generator=rng), torch.rand(5, 3, generator=rng) + 0.5
    transfer, labels = torch.randn(3, 3, generator=rng), torch.randn(5, 3, generator=rng)
    q = MultivariateNormal(mean @ transfer.T, transfer @ torch.diag_embed(1 / precision) @ transfer.T)
    exact = kl_divergence(q, MultivariateNormal(labels, 0.3**2 * torch.eye(3)))
    torch.testing.assert_close(
        kl_to_labels(Posterior(mean, precision), transfer, labels, 0.3), exact, rtol=1e-3, atol=1e-3
    )


def test_mmcrls_prior_is_a_density() -> None:
    """Its integral over z is 1, and with a closed graph the latents are independent."""
    torch.manual_seed(0)
    network = MMCRLNetwork({"a": [[3]]}, MMCRLConfig(latents={"a": 2}, hidden=4))
    with torch.no_grad():
        network.outer.normal_(std=0.2)
        network.outer_bias.normal_()
        axis = torch.linspace(-25, 25, 501)
        z = torch.cartesian_prod(axis, axis)
        mass = network.log_density(z).double().exp().sum() * (axis[1] - axis[0]).double() ** 2
        assert float(mass) == pytest.approx(1, abs=0.02)
        open_graph = network.log_density(z)
        network.edges.zero_()
        assert not torch.allclose(network.log_density(z), open_graph)
        by_hand = 0.0
        for k in range(2):
            mean, scale = network.outer_bias[k] + torch.tanh(network.inner_bias[k]) @ network.outer[k]
            by_hand = by_hand + Normal(mean, scale.exp()).log_prob(z[:, k])
        torch.testing.assert_close(network.log_density(z), by_hand, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("personax,mmcrl", ["personax", "mmcrl"]),
        ("PersonaX (ours), MCL", ["personax", "mcl"]),
        (
            "CausalVAE, unsupervised,official recipe, our training,Autoencoder",
            ["causal_vae", "official", "autoencoder"],
        ),
        ("CausalVAE, given the truth*", ["causal_vae_supervised"]),
        ("beta_vae, causal_vae", ["beta_vae", "causal_vae"]),
    ],
)
def test_methods_are_named_as_in_the_tables(text: str, names: list[str]) -> None:
    assert method_names(text, {"personax": "PersonaX (ours)"}) == names


@pytest.mark.parametrize("text", ["pca", "mcl,pca", "mcl,MCL"])
def test_unknown_and_repeated_methods_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"pca|once"):
        method_names(text)
