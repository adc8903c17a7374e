"""The estimator, on a small problem with known truth."""

import dataclasses
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small_embeddings import QUICK, embeddings

from personax.crl import CRL
from personax.crl.identification import Codes, identify
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.learning.compression import Compression
from personax.learning.metrics import mean_correlation
from personax.runs.errors import InputError, NotFittedError, TrainingDiverged
from personax.runs.files import read_yaml, write_yaml
from personax.views import MultiViewData, Split, split_rows

Fitted = tuple[CRL, MultiViewData, Split]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    """A model of seed 1 with the data that it was fitted to. No test may change it."""
    data, split = embeddings()
    return CRL(QUICK, seed=1, device="cpu").fit(data, split), data, split


@pytest.fixture(scope="module")
def fitted_seen_once() -> Fitted:
    """A model of people whose modality b has one measurement, so that `nuisance` is filled in."""
    data, split = embeddings()
    once = dataclasses.replace(
        data, measurements={**data.measurements, "b": data.measurements["b"][:1]}, observed={}
    )
    return CRL(QUICK, seed=1, device="cpu").fit(once, split), once, split


def test_another_seed_gives_other_latents(fitted: Fitted) -> None:
    model, data, split = fitted
    latents = model.transform(data)
    assert list(latents.columns) == ["z11", "z12", "z21", "z22"]
    assert np.isfinite(latents.to_numpy()).all()
    assert not latents.equals(CRL(QUICK, seed=2, device="cpu").fit(data, split).transform(data))


def test_the_same_seed_gives_the_same_bits_whether_the_truth_is_there_or_not(fitted: Fitted) -> None:
    model, data, split = fitted
    blind = dataclasses.replace(data, truth=None)
    assert CRL(QUICK, seed=1, device="cpu").fit(blind, split).transform(data).equals(model.transform(data))


@pytest.mark.parametrize("diverges", [None, 1, 2])
def test_of_several_searches_the_best_is_kept(
    fitted: Fitted, diverges: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Latents and history are those of the search with the smallest objective that did not diverge."""
    once, data, split = fitted
    losses = [3.0, 1.0, 2.0]
    seeds: list[int] = []
    tables: list[pd.DataFrame] = []

    def judged(train: Codes, validation: Codes, *rest: Any, seed: int, on_step: Any, **options: Any) -> Any:
        number = len(seeds)
        seeds.append(seed)
        if number == diverges:
            raise TrainingDiverged("no loss is finite")

        def told(row: dict[str, Any]) -> None:
            on_step({**row, "objective": [losses[number]], "search": number})

        return identify(train, validation, *rest, seed=seed, on_step=told, **options)

    monkeypatch.setattr("personax.crl.estimator.identify", judged)
    config = dataclasses.replace(QUICK, phase2=dataclasses.replace(QUICK.phase2, searches=3))
    often = CRL(config, seed=1, device="cpu").fit(
        data, split, on_progress=lambda history: tables.append(pd.DataFrame(history))
    )
    best = 2 if diverges == 1 else 1
    assert {row["search"] for row in often.history if "search" in row} == {best}
    assert len(often.history) == len(once.history) == len(tables[-1])

    def best_search(*codes: Any, seed: int, **options: Any) -> Any:
        return identify(*codes, seed=seeds[best], **options)

    monkeypatch.setattr("personax.crl.estimator.identify", best_search)
    alone = CRL(QUICK, seed=1, device="cpu")
    assert often.transform(data).equals(alone.fit(data, split).transform(data))
    assert not often.transform(data).equals(once.transform(data))


def test_if_all_searches_diverge_the_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: Any, **options: Any) -> Any:
        raise TrainingDiverged("no loss is finite")

    monkeypatch.setattr("personax.crl.estimator.identify", diverge)
    config = dataclasses.replace(QUICK, phase2=dataclasses.replace(QUICK.phase2, searches=2))
    with pytest.raises(TrainingDiverged, match="no loss is finite"):
        CRL(config, seed=1, device="cpu").fit(*embeddings())


@pytest.mark.parametrize("name", ["fitted", "fitted_seen_once"])
def test_fit_leaves_the_configuration_as_it_was_given(name: str, request: pytest.FixtureRequest) -> None:
    model: CRL = request.getfixturevalue(name)[0]
    assert model.config is QUICK
    assert model.config.nuisance == {}


def test_a_fit_leaves_torchs_random_numbers_alone() -> None:
    data, split = embeddings(120)
    before = torch.get_rng_state()
    CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert torch.equal(torch.get_rng_state(), before)


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


def test_an_interrupted_run_ends_as_an_uninterrupted_one(fitted: Fitted, tmp_path: Path) -> None:
    whole, data, split = fitted

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


def test_a_checkpoint_of_another_fit_is_refused(tmp_path: Path) -> None:
    data, split = embeddings(120)
    checkpoint = tmp_path / "checkpoint.pt"
    CRL(QUICK, seed=1, device="cpu").fit(data, split, checkpoint=checkpoint)
    weaker = dataclasses.replace(QUICK, observation_sd=0.2)  # the networks have the same shapes
    masked = dataclasses.replace(data, observed={"a": np.arange(240).reshape(120, 2) > 0})
    for config, seed, (people, rows), words in [
        (QUICK, 2, (data, split), "other seed"),
        (QUICK, 1, embeddings(120, seed=5), "other data"),
        (QUICK, 1, (masked, split), "other data"),
        (QUICK, 1, (data, split_rows(120, np.random.default_rng(7))), "other data"),
        (weaker, 1, (data, split), "other configuration"),
        (weaker, 2, (data, split), "other configuration and other seed"),
    ]:
        with pytest.raises(InputError, match=rf"checkpoint\.pt: a checkpoint of {words};"):
            CRL(config, seed=seed, device="cpu").fit(people, rows, checkpoint=checkpoint)


@pytest.mark.parametrize("name", ["fitted", "fitted_seen_once"])
def test_save_and_load_give_the_same_model(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    model, data, _ = request.getfixturevalue(name)
    model.save(tmp_path)
    loaded = CRL.load(tmp_path, device="cpu")
    assert loaded.transform(data).equals(model.transform(data))
    assert np.array_equal(loaded.graph, model.graph)
    assert np.array_equal(loaded.edge_weights, model.edge_weights)
    assert loaded.config == model.config
    assert loaded.names == model.names


def test_nuisance_of_a_modality_that_is_seen_once_survives_save_and_load(
    fitted_seen_once: Fitted, tmp_path: Path
) -> None:
    model, data, _ = fitted_seen_once
    model.save(tmp_path)
    for each in (model, CRL.load(tmp_path, device="cpu")):
        assert each.names == ["z11", "z12", "z21", "z22"]
        encoding = each.encode(data)
        assert encoding.coordinates["b"].shape == (len(data), 2 + QUICK.noise)
        assert encoding.eta["b"][0].shape == (len(data), 0)
        assert encoding.coordinates["a"].shape == (len(data), 2)


def test_load_leaves_torchs_random_numbers_alone(fitted: Fitted, tmp_path: Path) -> None:
    fitted[0].save(tmp_path)
    before = torch.get_rng_state()
    CRL.load(tmp_path, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_that_are_no_numbers_are_refused(fitted: Fitted, tmp_path: Path) -> None:
    fitted[0].save(tmp_path)
    saved = torch.load(tmp_path / "weights.pt", weights_only=True)
    network = next(part for part in saved.values() if isinstance(part, dict) and part)
    next(value for value in network.values() if isinstance(value, torch.Tensor)).fill_(torch.nan)
    torch.save(saved, tmp_path / "weights.pt")
    with pytest.raises(InputError, match=r"weights\.pt: has weights that are no numbers"):
        CRL.load(tmp_path, device="cpu")


def test_broken_weights_are_named(fitted: Fitted, tmp_path: Path) -> None:
    fitted[0].save(tmp_path)
    (tmp_path / "weights.pt").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"weights\.pt"):
        CRL.load(tmp_path, device="cpu")


@pytest.mark.parametrize("text", ["seed: 1\n", "[]\n", "config: {latents: {a: 2}, bogus: 1}\nseed: 1\n"])
def test_a_damaged_description_is_named(fitted: Fitted, tmp_path: Path, text: str) -> None:
    fitted[0].save(tmp_path)
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(InputError, match=r"model\.yaml: is not what"):
        CRL.load(tmp_path, device="cpu")


@pytest.mark.parametrize(
    "change",
    [
        {"channels": None},
        {"channels": "x"},
        {"channels": {}},
        {"channels": {"a": [[0]], "b": [[0]]}},
        {"shapes": {"a": 3, "b": 3}},
        {"shapes": {"a": [[10**9]], "b": [[1]]}},
        {"seed": "x"},
        {"config": {"hidden": 10**12}},
        {"config": {"noise": None}},
    ],
)
def test_a_description_of_other_measurements_is_named(
    fitted: Fitted, tmp_path: Path, change: dict[str, Any]
) -> None:
    fitted[0].save(tmp_path)
    described = read_yaml(tmp_path / "model.yaml")
    config = described["config"] | change.get("config", {})
    write_yaml(tmp_path / "model.yaml", described | change | {"config": config})
    with pytest.raises(InputError, match=r"model\.yaml: is not what") as refused:
        CRL.load(tmp_path, device="cpu")
    assert "\n" not in str(refused.value)


def test_weights_of_another_model_are_refused_in_one_line(
    fitted: Fitted, fitted_seen_once: Fitted, tmp_path: Path
) -> None:
    fitted[0].save(tmp_path)
    description = (tmp_path / "model.yaml").read_bytes()
    fitted_seen_once[0].save(tmp_path)
    (tmp_path / "model.yaml").write_bytes(description)
    with pytest.raises(InputError, match=r"do not belong together; [^\n]*$"):
        CRL.load(tmp_path, device="cpu")


def test_before_the_fit_names_are_known_and_nothing_else() -> None:
    model = CRL(QUICK, device="cpu")
    assert model.names == ["z11", "z12", "z21", "z22"]
    for ask in (lambda: model.graph, lambda: model.edge_weights, lambda: model.transform(embeddings()[0])):
        with pytest.raises(NotFittedError, match="call fit"):
            ask()


def test_an_encoding_fits_together(fitted: Fitted) -> None:
    """Latents are transform's; noise undoes the mechanisms; what is missing is NaN."""
    model, data, _ = fitted
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


def test_a_person_without_a_modality_still_gets_latents(fitted: Fitted) -> None:
    model, data, _ = fitted
    observed = {"a": np.zeros((len(data), 2), dtype=bool)}
    latents = model.transform(dataclasses.replace(data, observed=observed))
    assert np.isfinite(latents.to_numpy()).all()
    assert latents["z11"].nunique() == 1


def named(arrays: Sequence[np.ndarray]) -> list[pd.DataFrame]:
    return [pd.DataFrame(array, columns=list("uvwxyz")) for array in arrays]


def with_modality_a(data: MultiViewData, measurements: Sequence[Any]) -> MultiViewData:
    return MultiViewData({**data.measurements, "a": measurements}, data.ids)


def test_data_frames_are_matched_by_name_also_after_loading(fitted: Fitted, tmp_path: Path) -> None:
    _, data, split = fitted
    frames = named(data.measurements["a"])
    model = CRL(QUICK, seed=1, device="cpu").fit(with_modality_a(data, frames), split)
    expected = fitted[0].transform(data)
    shuffled = with_modality_a(data, [frame[list("zxyuvw")] for frame in frames])
    assert model.transform(shuffled).equals(expected)
    model.save(tmp_path)
    assert CRL.load(tmp_path, device="cpu").transform(shuffled).equals(expected)
    for each in (model, CRL.load(tmp_path, device="cpu")):
        with pytest.raises(InputError, match="column 'id' was not there at the fit"):
            each.transform(with_modality_a(data, [frame.assign(id=data.ids) for frame in frames]))


def test_measurements_of_other_shapes_and_numbers_are_refused(fitted: Fitted, tmp_path: Path) -> None:
    model, data, _ = fitted
    model.save(tmp_path)
    first, second = data.measurements["a"]
    with_ids = np.concatenate([data.ids[:, None], first], 1).astype(np.float32)
    for each in (model, CRL.load(tmp_path, device="cpu")):
        for method in (each.transform, each.encode):
            with pytest.raises(InputError, match="a, measurement 1: shape"):
                method(with_modality_a(data, [with_ids, second]))
            with pytest.raises(InputError, match="a: 3 measurements"):
                method(with_modality_a(data, [first, second, first]))
    broken = first.copy()
    broken[4, 0] = np.nan
    with pytest.raises(InputError, match="a, measurement 1, row 5: NaN or inf"):
        model.transform(with_modality_a(data, [broken, second]))


def test_a_second_fit_is_that_of_a_fresh_object(fitted: Fitted, fitted_seen_once: Fitted) -> None:
    """A second fit does not depend on the nuisance, channels and shapes of the first."""
    fresh, data, split = fitted
    model = CRL(QUICK, seed=1, device="cpu").fit(*fitted_seen_once[1:]).fit(data, split)
    assert model.transform(data).equals(fresh.transform(data))
    assert np.array_equal(model.edge_weights, fresh.edge_weights)
    assert model.history == fresh.history
    assert model.names == fresh.names


def test_a_fit_that_fails_does_not_leave_half_of_an_earlier_one() -> None:
    data, split = embeddings()
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    huge = with_modality_a(data, [array * np.float32(1e30) for array in data.measurements["a"]])
    huge = dataclasses.replace(huge, known_units=True)
    with pytest.raises(TrainingDiverged, match="not finite"):
        model.fit(huge, split)
    with pytest.raises(NotFittedError, match="call fit"):
        model.transform(data)


def test_mixed_precision_learns_much_the_same(fitted: Fitted) -> None:
    plain, data, split = fitted
    faster = dataclasses.replace(QUICK, phase1=dataclasses.replace(QUICK.phase1, mixed_precision=True))
    mixed = CRL(faster, seed=1, device="cpu").fit(data, split)
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
    few = Split(np.arange(20), np.arange(20, 25), np.arange(25, 30))
    with pytest.raises(InputError, match="too few"):
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
    as_they_are = dataclasses.replace(data, measurements=measurements, known_units=True)
    with pytest.raises(TrainingDiverged, match="not finite in epoch 1, step 1"):
        CRL(QUICK, device="cpu").fit(as_they_are, split)


def mapped(data: MultiViewData, change: Callable[[np.ndarray], np.ndarray]) -> MultiViewData:
    """The same people after a change of every embedding (n, 6)."""
    changed = {m: [change(a).astype(np.float32) for a in arrays] for m, arrays in data.measurements.items()}
    return dataclasses.replace(data, measurements=changed)


TURN = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "smaller": lambda x: x * 0.03,
    "larger": lambda x: x * 1000,
    "turned": lambda x: x.astype(float) @ TURN,
    "in another order": lambda x: x[:, [3, 1, 5, 0, 2, 4]],
    "moved": lambda x: x + 50,
    "with a constant": lambda x: np.insert(x, 2, 7, axis=1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_units_axes_and_order_of_the_features_do_not_matter(fitted: Fitted, change: str) -> None:
    """Each latent correlates with that of the same name by more than 0.999, and the graph is the same.

    Training enlarges differences of rounding; measured: at most 0.02 standard deviations for anybody.
    """
    model, data, split = fitted
    other = mapped(data, CHANGES[change])
    again = CRL(QUICK, seed=1, device="cpu").fit(other, split)
    before, after = model.transform(data).to_numpy(), again.transform(other).to_numpy()
    assert np.corrcoef(before.T, after.T).diagonal(len(model.names)).min() > 0.999
    assert np.array_equal(again.graph, model.graph)


@pytest.mark.slow
def test_type_memory_order_and_row_order_of_the_measurements_change_no_bit(fitted: Fitted) -> None:
    model, data, split = fitted
    order = np.random.default_rng(0).permutation(len(data))
    stored = {
        m: [np.asfortranarray(array.astype(float)[order]) for array in arrays]
        for m, arrays in data.measurements.items()
    }
    place = np.argsort(order)
    same_people = Split(*(place[rows] for rows in (split.train, split.validation, split.test)))
    again = CRL(QUICK, seed=1, device="cpu").fit(MultiViewData(stored, data.ids[order]), same_people)
    assert np.array_equal(again.transform(data), model.transform(data))
    assert np.array_equal(pickle.loads(pickle.dumps(model)).transform(data), model.transform(data))


def test_latents_are_found_in_small_units() -> None:
    """Held-out MCC, measured: 0.991; without standardisation 0.67."""
    data, split = embeddings(1000)
    other = mapped(data, CHANGES["smaller"])
    latents = CRL(SMALL, seed=1, device="cpu").fit(other, split).transform(other).to_numpy()
    assert mean_correlation(latents[split.test], data.true_latents.to_numpy()[split.test]) > 0.98


SMALL = dataclasses.replace(
    QUICK,
    hidden=32,
    phase1=Phase1Config(epochs=20, batch_size=64),
    phase2=Phase2Config(
        starts=8, population=4, generations=1, generation_steps=60, finalists=1, final_steps=150
    ),
)


@pytest.mark.slow
def test_independent_latents_of_a_modality_get_no_edge(tmp_path: Path) -> None:
    """z11 -> z21 is the only edge. After a random mixture, z11 and z12 are not at a right angle."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1000, 4))
    z[:, 2] = np.sin(2 * z[:, 0]) + 0.5 * rng.normal(size=1000)

    def measure(block: np.ndarray) -> np.ndarray:
        mixed = np.tanh(0.5 * block @ rng.normal(size=(2, 8)))
        return np.asarray(mixed + 0.05 * rng.normal(size=(1000, 8)))

    views = {"a": [measure(z[:, :2]) for _ in range(2)], "b": [measure(z[:, 2:]) for _ in range(2)]}
    data = MultiViewData(views, ids=np.arange(1000))
    model = CRL(SMALL, seed=0, device="cpu").fit(data, split_rows(1000, rng))
    within = model.graph[:2, :2].sum() + model.graph[2:, 2:].sum()
    assert within == 0  # 2 edges, if weak ones are kept
    assert model.graph.any()
    assert ((model.edge_weights > 0) == (model.graph == 1)).all()
    model.save(tmp_path)
    assert np.array_equal(CRL.load(tmp_path, device="cpu").graph, model.graph)


def test_transform_uses_the_units_of_the_training_rows(fitted: Fitted, tmp_path: Path) -> None:
    """Latents of few people are the same as among many; test rows do not affect the fit."""
    model, data, split = fitted
    model.save(tmp_path)
    few = np.arange(5)
    for each in (model, CRL.load(tmp_path, device="cpu")):
        alone = each.transform(data.rows(few)).to_numpy()
        np.testing.assert_allclose(alone, model.transform(data).to_numpy()[few], atol=1e-5)
    held_out = np.isin(np.arange(len(data)), split.test)[:, None]
    other = mapped(data, lambda x: np.where(held_out, 100 * x, x))
    again = CRL(QUICK, seed=1, device="cpu").fit(other, split)
    assert again.transform(data).equals(model.transform(data))


def test_a_model_that_was_saved_without_units_takes_embeddings_as_they_are(tmp_path: Path) -> None:
    data, split = embeddings(120)
    as_they_are = dataclasses.replace(data, known_units=True)
    model = CRL(QUICK, seed=1, device="cpu").fit(as_they_are, split)
    model.save(tmp_path)
    saved = torch.load(tmp_path / "weights.pt", weights_only=True)
    assert saved.pop("standardisation") == {}
    torch.save(saved, tmp_path / "weights.pt")
    assert CRL.load(tmp_path, device="cpu").transform(data).equals(model.transform(as_they_are))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_computes_what_the_cpu_does(fitted: Fitted, tmp_path: Path) -> None:
    """One model on both devices gives the same latents; trained on the device, the same bits twice."""
    model, data, split = fitted
    model.save(tmp_path)
    moved = CRL.load(tmp_path, device="cuda").transform(data)
    np.testing.assert_allclose(moved.to_numpy(), model.transform(data).to_numpy(), atol=1e-3)
    first, second = (CRL(QUICK, seed=1, device="cuda").fit(data, split).transform(data) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_fit_without_a_split_splits_by_the_seed(fitted: Fitted) -> None:
    _, data, _ = fitted
    models = [CRL(QUICK, seed=seed, device="cpu").fit(data) for seed in (1, 1, 2)]
    rows = [model.split.test.tolist() for model in models if model.split]
    assert rows[0] == rows[1] != rows[2]
    assert len(rows[0]) == len(data) // 10
    given = CRL(QUICK, seed=1, device="cpu").fit(data, models[0].split)
    pd.testing.assert_frame_equal(given.transform(data), models[0].transform(data))


def test_nobody_has_no_latents(fitted: Fitted) -> None:
    model, data, _ = fitted
    nobody = data.rows(np.arange(0))
    for infer in (model.transform, model.encode):
        with pytest.raises(InputError, match="no people"):
            infer(nobody)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_latents_are_finite_or_refused(fitted: Fitted, value: float) -> None:
    model, data, _ = fitted
    spoiled = np.array(data.measurements["a"][0], dtype=np.float64)
    spoiled[2, 1] = value
    other = dataclasses.replace(
        data, measurements={**data.measurements, "a": [spoiled, data.measurements["a"][1]]}
    )
    for infer in (model.transform, model.encode):
        with pytest.raises(InputError, match="row 3"):
            infer(other)
    masks = {**data.observed, "a": data.observed["a"] & ~(np.arange(len(data))[:, None] == [2, -1])}
    assert np.isfinite(model.transform(dataclasses.replace(other, observed=masks))).all().all()


def test_a_name_that_networks_use_is_refused() -> None:
    data, split = embeddings()
    renamed = dataclasses.replace(
        data, measurements={"train": data.measurements["a"], "b": data.measurements["b"]}, observed={}
    )
    with pytest.raises(InputError, match="modality 'train': networks use this name"):
        CRL(dataclasses.replace(QUICK, latents={"train": 2, "b": 2}), device="cpu").fit(renamed, split)


def test_tables_with_columns_that_say_the_same_can_be_fitted(fitted: Fitted) -> None:
    _, data, split = fitted
    frame = pd.DataFrame(data.measurements["a"][0]).add_prefix("x")
    doubled: Any = frame.assign(again=frame["x0"])
    named = dataclasses.replace(
        data, measurements={**data.measurements, "a": [doubled, data.measurements["a"][1]]}
    )
    assert CRL(QUICK, device="cpu").fit(named, split).transform(named).shape == (len(data), 4)


def test_compressed_embeddings_give_the_same_latents_after_loading(fitted: Fitted, tmp_path: Path) -> None:
    _, data, split = fitted
    model = CRL(dataclasses.replace(QUICK, compress=True), seed=1, device="cpu").fit(data, split)
    model.save(tmp_path)
    latents = model.transform(data)
    pd.testing.assert_frame_equal(CRL.load(tmp_path, device="cpu").transform(data), latents)
    least = {"a": 2, "b": 2}
    by_hand = Compression.fit(data, split.train, least=least, seed=0)(data)
    again = CRL(dataclasses.replace(QUICK, compress=True), seed=1, device="cpu").fit(by_hand, split)
    assert again.transform(by_hand).shape == latents.shape


def test_pictures_are_not_compressed() -> None:
    data, split = embeddings()
    pictures = [np.random.default_rng(0).random((len(data), 1, 4, 4), dtype=np.float32)]
    mixed = dataclasses.replace(data, measurements={**data.measurements, "b": pictures}, observed={})
    with pytest.raises(
        InputError, match=r"b: pictures, which cannot be compressed; begin with CRLConfig.images"
    ):
        CRL(dataclasses.replace(QUICK, compress=True), device="cpu").fit(mixed, split)


def test_a_model_says_what_it_is(fitted: Fitted) -> None:
    model, _, _ = fitted
    edges = [f"{model.names[i]} -> {model.names[j]}" for i, j in np.argwhere(model.graph)]
    assert repr(model).startswith("CRL(latents: 2 of a, 2 of b, seed: 1, device: cpu, fitted: yes, edges: ")
    assert all(edge in model._repr_html_().replace("&gt;", ">") for edge in edges[:6])
    assert repr(CRL(QUICK, device="cpu")).endswith("fitted: no)")
