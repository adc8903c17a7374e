"""Training, identification and the estimator, on small problems with known truth."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from personax.crl import CRL, CRLConfig
from personax.crl.estimator import linked_latents
from personax.crl.geometry import Geometry, usual_shape
from personax.crl.identification import Codes, IdentifiedPrior, edge_weights, identify
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.crl.objective import gradient_products, orthogonality
from personax.crl.starts import start_rotations
from personax.learning.batches import Batch
from personax.learning.latent_names import latent_names
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split, Truth, split_rows

QUICK = CRLConfig(
    latents={"a": 2, "b": 2},
    noise=1,
    hidden=16,
    phase1=Phase1Config(epochs=4, batch_size=64),
    phase2=Phase2Config(
        starts=4, population=4, generations=2, generation_steps=5, finalists=2, final_steps=5, batch_size=64
    ),
)


def embeddings(n: int = 400, seed: int = 0) -> tuple[MultiViewData, Split]:
    """Two modalities of two latents, z11 -> z12, z11 -> z21 -> z22, seen through linear maps with noise."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 4))
    z11 = e[:, 0]
    z12 = np.sin(1.5 * z11) + 0.6 * e[:, 1]
    z21 = 1.1 * np.tanh(z11) + 0.7 * e[:, 2]
    z22 = 0.6 * e[:, 3] - np.sin(1.5 * z21)
    z = np.stack([z11, z12, z21, z22], 1)

    def views(part: np.ndarray, count: int) -> list[np.ndarray]:
        return [
            (part @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((n, 6))).astype(np.float32)
            for _ in range(count)
        ]

    graph = np.zeros((4, 4), dtype=int)
    graph[0, 1] = graph[0, 2] = graph[2, 3] = 1
    data = MultiViewData(
        {"a": views(z[:, :2], 2), "b": views(z[:, 2:], 2)},
        ids=np.arange(n),
        truth=Truth(
            pd.DataFrame(z, columns=["z11", "z12", "z21", "z22"]),
            {"a": ["z11", "z12"], "b": ["z21", "z22"]},
            graph,
        ),
    )
    return data, split_rows(n, rng)


def test_same_seed_same_bits_and_other_seed_other_bits() -> None:
    data, split = embeddings()
    first, again, other = (
        CRL(QUICK, seed=seed, device="cpu").fit(data, split).transform(data) for seed in (1, 1, 2)
    )
    assert first.equals(again)
    assert not first.equals(other)
    assert list(first.columns) == ["z11", "z12", "z21", "z22"]
    assert np.isfinite(first.to_numpy()).all()


def test_the_truth_is_not_looked_at() -> None:
    data, split = embeddings()
    blind = dataclasses.replace(data, truth=None)
    first, second = (
        CRL(QUICK, seed=1, device="cpu").fit(its, split).transform(data) for its in (data, blind)
    )
    assert first.equals(second)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nuisance": {"bb": 3}}, "nuisance is given for 'bb'"),
        ({"nuisance": {"b": -1}}, "nuisance.b -1"),
        ({"phase1": dataclasses.replace(QUICK.phase1, kl_warm_up=1.5)}, "kl_warm_up 1.5"),
        ({"phase1": dataclasses.replace(QUICK.phase1, patience=0)}, "patience 0"),
    ],
)
def test_configurations_that_cannot_be_trained_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CRL(dataclasses.replace(QUICK, **changes), device="cpu").fit(*embeddings())


def test_a_modality_that_never_changes_is_named() -> None:
    data, split = embeddings()
    still = [np.ones_like(array) for array in data.measurements["a"]]
    constant = dataclasses.replace(data, measurements={**data.measurements, "a": still})
    with pytest.raises(InputError, match="a: the same for all"):
        CRL(QUICK, device="cpu").fit(constant, split)
    once = dataclasses.replace(
        data, measurements={**data.measurements, "a": [data.measurements["a"][0], still[1]]}
    )
    assert np.isfinite(CRL(QUICK, device="cpu").fit(once, split).transform(once).to_numpy()).all()


def test_an_interrupted_run_ends_as_an_uninterrupted_one(tmp_path: Path) -> None:
    data, split = embeddings()
    whole = CRL(QUICK, seed=1, device="cpu").fit(data, split)

    class Killed(Exception):
        pass

    def kill_after_two(history: list[dict[str, object]]) -> None:
        if len(history) == 2:
            raise Killed

    checkpoint = tmp_path / "checkpoint.pt"
    with pytest.raises(Killed):
        CRL(QUICK, seed=1, device="cpu").fit(data, split, checkpoint=checkpoint, on_progress=kill_after_two)
    resumed = CRL(QUICK, seed=1, device="cpu").fit(data, split, checkpoint=checkpoint)
    assert resumed.transform(data).equals(whole.transform(data))
    assert resumed.history == whole.history
    assert np.array_equal(resumed.graph, whole.graph)


def test_save_and_load_give_the_same_latents(tmp_path: Path) -> None:
    data, split = embeddings()
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    model.save(tmp_path)
    loaded = CRL.load(tmp_path, device="cpu")
    assert loaded.transform(data).equals(model.transform(data))
    assert np.array_equal(loaded.graph, model.graph)
    assert np.array_equal(loaded.edge_weights, model.edge_weights)
    assert loaded.config == model.config
    assert loaded.names == model.names
    (tmp_path / "weights.pt").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"weights\.pt"):
        CRL.load(tmp_path, device="cpu")


def test_an_encoding_fits_together() -> None:
    """Latents are transform's; noise undoes the mechanisms; what is missing is NaN."""
    data, split = embeddings()
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    observed = np.ones((len(data), 2), dtype=bool)
    observed[::3, 1] = False
    masked = dataclasses.replace(data, observed={"a": observed})
    encoding = model.encode(masked)
    assert encoding.z.equals(model.transform(masked))
    assert list(encoding.eps.columns) == model.names
    assert np.isfinite(encoding.eps.to_numpy()).all()
    roots = [name for name, column in zip(model.names, model.graph.T, strict=True) if not column.any()]
    for name in roots:  # an affine function of the latent itself
        assert abs(np.corrcoef(encoding.z[name], encoding.eps[name])[0, 1]) > 0.999
    assert encoding.coordinates["a"].shape == encoding.content["b"][1].shape == (len(data), 2)
    assert encoding.eta["a"][1].shape == (len(data), 1)
    for values in (encoding.content["a"][1], encoding.eta["a"][1]):
        assert np.array_equal(np.isfinite(values).all(1), observed[:, 1])


def test_a_missing_measurement_is_not_looked_at() -> None:
    data, split = embeddings()
    observed = np.ones((len(data), 2), dtype=bool)
    observed[::3, 1] = False
    filled = []
    for filler in (np.nan, 7.0):
        second = data.measurements["a"][1].copy()
        second[~observed[:, 1]] = filler
        measurements = {"a": [data.measurements["a"][0], second], "b": data.measurements["b"]}
        masked = dataclasses.replace(data, measurements=measurements, observed={"a": observed})
        filled.append(CRL(QUICK, seed=1, device="cpu").fit(masked, split).transform(masked))
    assert filled[0].equals(filled[1])
    assert np.isfinite(filled[0].to_numpy()).all()


def test_a_person_without_a_modality_still_gets_latents() -> None:
    data, split = embeddings()
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    observed = {"a": np.zeros((len(data), 2), dtype=bool)}
    latents = model.transform(dataclasses.replace(data, observed=observed))
    assert np.isfinite(latents.to_numpy()).all()
    assert latents["z11"].nunique() == 1


def test_mixed_precision_learns_much_the_same() -> None:
    data, split = embeddings()
    faster = dataclasses.replace(QUICK, phase1=dataclasses.replace(QUICK.phase1, mixed_precision=True))
    plain, mixed = (CRL(config, seed=1, device="cpu").fit(data, split) for config in (QUICK, faster))
    assert plain.history[3]["train"] != mixed.history[3]["train"]
    assert mixed.history[3]["train"] == pytest.approx(plain.history[3]["train"], rel=0.05)
    assert (mixed.transform(data).dtypes == "float32").all()


def test_shared_latents_and_one_modality_run() -> None:
    data, split = embeddings()
    shared = CRL(dataclasses.replace(QUICK, shared=1), seed=1, device="cpu").fit(data, split)
    assert shared.names == ["s1", "z11", "z12", "z21", "z22"]
    assert not shared.graph[1:, 0].any()
    alone = dataclasses.replace(data, measurements={"a": data.measurements["a"]}, observed={})
    only = CRL(dataclasses.replace(QUICK, latents={"a": 2}), seed=1, device="cpu").fit(alone, split)
    assert only.transform(alone).shape == (len(data), 2)


def test_data_that_cannot_be_learned_from_are_named() -> None:
    data, split = embeddings()
    with pytest.raises(InputError, match="modalities"):
        CRL(dataclasses.replace(QUICK, latents={"a": 2}), device="cpu").fit(data, split)
    with pytest.raises(InputError, match="too few"):
        few = Split(np.arange(20), np.arange(20, 25), np.arange(25, 30))
        CRL(QUICK, device="cpu").fit(data, few)
    broken = data.measurements["b"][0].copy()
    broken[6, 2] = np.nan
    measurements = {"a": data.measurements["a"], "b": [broken, data.measurements["b"][1]]}
    with pytest.raises(InputError, match="b, measurement 1, row 7"):
        CRL(QUICK, device="cpu").fit(dataclasses.replace(data, measurements=measurements), split)


def test_divergence_stops_with_a_clear_error() -> None:
    data, split = embeddings()
    huge = [array * np.float32(1e30) for array in data.measurements["a"]]
    measurements = {"a": huge, "b": data.measurements["b"]}
    with pytest.raises(InputError, match="not finite in epoch 1, step 1"):
        CRL(QUICK, device="cpu").fit(dataclasses.replace(data, measurements=measurements), split)


def test_unknown_and_absent_devices() -> None:
    assert resolve_device("cpu").type == "cpu"
    for name in ("tpu", f"cuda:{torch.cuda.device_count() + 7}"):
        with pytest.raises(InputError, match="device"):
            resolve_device(name)


def test_names_of_many_latents() -> None:
    names = latent_names({"s": 2, "image": 10, "text": 1})
    assert names["s"] == ["s1", "s2"]
    assert names["text"] == ["z21"]
    assert names["image"][8:] == ["z19", "z1_10"]


def test_latents_among_spare_coordinates_are_those_that_other_blocks_reach() -> None:
    """a -> b0 -> b2 are latents; b1 -> b3 is style with the strongest edge of all; b0 leaks into b3."""
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 3], weights[2, 4], weights[1, 4] = 0.5, 0.4, 2.0, 0.6
    blocks = {"a": slice(0, 1), "b": slice(1, 5)}
    assert linked_latents(weights, blocks, {"a": 0, "b": 2}).tolist() == [0, 1, 3]
    assert linked_latents(weights, blocks, {"a": 0, "b": 0}).tolist() == [0, 1, 2, 3, 4]


def test_a_modality_seen_once_keeps_its_style_in_the_block() -> None:
    config = CRLConfig(latents={"a": 2, "b": 1}, noise=3)
    once = config.for_measurements({"a": 2, "b": 1})
    assert (once.width("a"), once.eta("a"), once.width("b"), once.eta("b")) == (2, 3, 4, 0)
    told = dataclasses.replace(config, nuisance={"b": 0}).for_measurements({"a": 2, "b": 1})
    assert (told.width("b"), told.eta("b")) == (1, 3)


def linear_gaussian(n: int, seed: int) -> torch.Tensor:
    """a -> c <- b, c -> d: the only graph of its Markov equivalence class."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 4))
    a, b = e[:, 0], e[:, 1]
    c = 0.8 * a - 0.9 * b + 0.6 * e[:, 2]
    d = 0.9 * c + 0.7 * e[:, 3]
    return torch.from_numpy(np.stack([d, a, c, b], 1)).float()


def test_the_right_graph_comes_out_on_linear_gaussian_data() -> None:
    """Four blocks of one latent each, so that no coordinates mix them; three data sets, all must be right."""
    config = Phase2Config(
        starts=12,
        population=12,
        generations=6,
        generation_steps=80,
        final_steps=300,
        batch_size=256,
        learning_rate=2e-2,
        sparsity=0.05,
        cross_sparsity=0.05,
    )
    true = torch.zeros(4, 4)
    true[1, 2] = true[3, 2] = true[2, 0] = 1  # order of the columns: d, a, c, b
    for seed in range(3):
        z = linear_gaussian(3000, seed)
        codes = [
            Codes(
                {name: part[:, [k]] for k, name in enumerate("dacb")},
                {name: torch.ones(len(part), 1, 1) for name in "dacb"},
                {name: torch.ones(len(part)) for name in "dacb"},
            )
            for part in (z[:2400], z[2400:])
        ]
        model = identify(codes[0], codes[1], config, seed=seed)
        assert torch.equal(model.scm.adjacency()[0], true)
        probability = model.scm.edge_probability()[0].detach()
        fresh = torch.sigmoid(torch.tensor(1.0))  # the most that an untrained edge can have
        assert float(probability[true == 1].min()) > fresh
        assert float(probability[true == 0].max()) < 0.5
        weights = edge_weights(model, codes[0])
        assert 0.5 < float(weights[2, 0]) < 1.2
        assert not weights[true == 0].any()


def test_geometry_is_that_of_the_measurements() -> None:
    """x = u A^T with known A: the inverse metric is (A^T A)^-1; the rim of the data is trusted less."""
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(3000, 2, generator=rng)
    mixing = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    x = u @ mixing.T + 0.1 * torch.randn(3000, 3, generator=rng)
    batch = Batch({"a": [x]}, {"a": torch.ones(3000, 1, dtype=torch.bool)})
    geometry = Geometry.fit({"a": u}, batch, rng)
    inverse = geometry.inverse_metric({"a": u})["a"]
    exact = torch.linalg.inv(mixing.T @ mixing)
    middle = u.norm(dim=1) < 1
    torch.testing.assert_close(inverse[middle].mean(0), exact, rtol=0.1, atol=0.03)
    shape = usual_shape(7 * inverse, middle.float())
    torch.testing.assert_close(shape, exact / exact.trace(), rtol=0.1, atol=0.03)
    trust = geometry.trust({"a": u})["a"]
    assert float(trust[middle].min()) > 0.5
    assert float(trust.max()) <= 1
    assert float(trust[u.norm(dim=1) > 3].max()) < 0.3


def test_geometry_looks_at_those_who_were_seen_and_bears_pictures_that_never_change() -> None:
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(900, 2, generator=rng)
    u[:600] = 0.0  # people without the modality
    seen = torch.arange(900)[:, None] >= 600
    x = torch.where(seen, u @ torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.0)
    geometry = Geometry.fit({"a": u}, Batch({"a": [x]}, {"a": seen}), rng)
    alone = Geometry.fit({"a": u[600:]}, Batch({"a": [x[600:]]}, {"a": seen[600:]}), rng)
    for value, expected in (
        (geometry.trust({"a": u})["a"][600:].median(), alone.trust({"a": u[600:]})["a"].median()),
        (geometry.inverse_metric({"a": u})["a"][600:].mean(), torch.tensor((0.25 + 1) / 4)),
    ):
        torch.testing.assert_close(value, expected, rtol=0.1, atol=0.02)
    dark = Geometry.fit({"a": u}, Batch({"a": [torch.zeros(900, 2)]}, {"a": seen}), rng)
    still = torch.zeros(900, 2)
    for codes in (u, still):
        inverse, trust = dark.inverse_metric({"a": codes})["a"], dark.trust({"a": codes})["a"]
        shape = usual_shape(inverse, trust)
        assert torch.isfinite(inverse).all()
        assert torch.isfinite(trust).all()
        assert torch.isfinite(shape).all()
    constant = Geometry.fit({"a": still}, Batch({"a": [x]}, {"a": seen}), rng)
    assert torch.isfinite(constant.trust({"a": still})["a"]).all()


def test_starts_find_the_direction_that_another_block_depends_on() -> None:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(4000, 2, generator=rng)
    turn = torch.linalg.qr(torch.randn(2, 2, generator=rng))[0]
    u = z @ turn
    other = torch.stack([torch.tanh(z[:, 0]) + 0.5 * torch.randn(4000, generator=rng)], 1)
    flat = {"a": torch.eye(2), "b": torch.ones(1, 1)}
    for guess in start_rotations({"a": u, "b": other}, flat, 3, rng)["a"]:
        correlations = torch.corrcoef(torch.cat([u @ guess, z], 1).T)[:2, 2:].abs()
        assert float(correlations.max(0).values.min()) > 0.98


def test_starts_are_guided_by_what_the_objective_asks_for_only() -> None:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(2000, 2, generator=rng)
    other = torch.tanh(z[:, :1]) + 0.5 * torch.randn(2000, 1, generator=rng)
    metric = torch.tensor([[1.0, 0.9], [0.9, 1.0]]).expand(2000, 2, 2)
    codes = Codes(
        {"a": z, "b": other},
        {"a": metric, "b": torch.ones(2000, 1, 1)},
        {"a": torch.ones(2000), "b": torch.ones(2000)},
    )

    def aligned(**guided: bool) -> tuple[float, float]:
        """Medians over 40 starts: best |corr| of a coordinate with the cause; squared cosine."""
        model = IdentifiedPrior(codes, 40, torch.Generator().manual_seed(0), **guided)
        with torch.no_grad():
            latents, jacobians = model.latents(codes.u)
        found = torch.stack([torch.corrcoef(torch.cat([u[:, :2], z[:, :1]], 1).T)[2, :2] for u in latents])
        products = gradient_products(jacobians["a"], metric)
        angle = orthogonality(products, torch.ones(2000))
        return float(found.abs().max(1).values.median()), float(angle.median())

    assert aligned(isometric=False)[0] > 0.98
    assert aligned(isometric=False, sparse=False)[0] < 0.95
    assert aligned()[1] < 0.05
    assert aligned(isometric=False)[1] > 0.3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_computes_what_the_cpu_does(tmp_path: Path) -> None:
    """One model on both devices gives the same latents; trained on the device, the same bits twice."""
    data, split = embeddings()
    fitted = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    fitted.save(tmp_path)
    moved = CRL.load(tmp_path, device="cuda").transform(data)
    np.testing.assert_allclose(moved.to_numpy(), fitted.transform(data).to_numpy(), atol=1e-3)
    first, second = (CRL(QUICK, seed=1, device="cuda").fit(data, split).transform(data) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
