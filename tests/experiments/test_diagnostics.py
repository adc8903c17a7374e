"""Every check can say "holds" and "violated", nulls are calibrated, and the command takes runs only."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import load_main
from scipy.stats import binom

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics import command, observations
from personax.experiments.diagnostics.dependence import (
    conditional_dependence,
    dependence,
    neighbourhoods,
    shuffled_within,
    vector_gram,
)
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    holm,
    judge,
    worst,
)
from personax.experiments.diagnostics.noises import (
    agreement,
    exogenous_noise,
    measurement_noise,
    proposition_2,
)
from personax.experiments.diagnostics.observations import observed_pairs, recovered
from personax.experiments.diagnostics.structure import (
    alignment_gap,
    graph_facts,
    predicted_shares,
    resamples_for,
    shape_of_coordinates,
    sufficient_variability,
)
from personax.experiments.mnist import run as mnist_run
from personax.experiments.mnist.config import OURS
from personax.experiments.people import run as people_run
from personax.independence import hsic
from personax.views import MultiViewData, Truth

NAMES = ["z11", "z12", "z21", "z22"]
BLOCKS = {"a": NAMES[:2], "b": NAMES[2:]}
GRAPH = np.zeros((4, 4), dtype=int)
GRAPH[0, 1] = GRAPH[0, 2] = GRAPH[2, 3] = 1
TRAIN, TEST = 700, 200


def evidence(
    *, seed: int = 0, style: str = "own", claimed: str = "own", links: str = "one", lean: float = 0.0
) -> Evidence:
    """A perfect model of two modalities, two latents and two measurements each, with chosen flaws.

    style: "shared" gives all measurements of a person one noise eta. claimed: the same of the eta that the
    model reports. links: "one" z11 -> z21 (z12 and z22 are sinks), "both" also z12 -> z22, "none".
    lean: cosine between the directions in which two latents of a block move x.
    """
    rng = np.random.default_rng(seed)
    n = TRAIN + TEST
    eps = rng.standard_normal((n, 4))
    z = np.empty((n, 4))
    z[:, 0] = eps[:, 0]
    z[:, 1] = np.sin(1.5 * z[:, 0]) + 0.6 * eps[:, 1] if links != "both" else eps[:, 1]
    z[:, 2] = (1.1 * np.tanh(z[:, 0]) if links != "none" else 0.0) + 0.7 * eps[:, 2]
    effect = 1.1 * np.tanh(z[:, 1]) if links == "both" else -np.sin(1.5 * z[:, 2])
    z[:, 3] = effect + 0.6 * eps[:, 3]
    etas = {m: [rng.standard_normal((n, 1)) for _ in range(2)] for m in "ab"}
    if style == "shared":
        etas = {m: [views[0]] * 2 for m, views in etas.items()}
    said = {m: [rng.standard_normal((n, 1)) for _ in range(2)] for m in "ab"}
    said = etas if claimed == style or style == "own" == claimed else said
    coordinates = {"a": z[:, :2], "b": z[:, 2:]}
    x = {m: [_picture(coordinates[m], eta, lean) for eta in etas[m]] for m in "ab"}
    content = {m: [coordinates[m] + 0.1 * rng.standard_normal((n, 2)) for _ in range(2)] for m in "ab"}
    table = pd.DataFrame(z, columns=NAMES)
    whole = Encoding(table, pd.DataFrame(eps, columns=NAMES), coordinates, content, said)
    data = MultiViewData(x, np.arange(n), truth=Truth(table, BLOCKS))
    train, test = np.arange(TRAIN), np.arange(TRAIN, n)
    return Evidence(
        part(whole, train), part(whole, test), data.rows(train), data.rows(test), BLOCKS, GRAPH, 0.98 * GRAPH
    )


def _picture(z: np.ndarray, eta: np.ndarray, lean: float) -> np.ndarray:
    """(n, 4): z along two directions, noise along the third, of a size that depends on z."""
    axes = np.array([[2.0, lean], [0.0, np.sqrt(1 - lean**2)], [0.0, 0.0], [0.0, 0.0]])
    noise = np.exp(0.5 * z[:, :1]) * eta * np.array([0.0, 0.0, 0.8, 0.2])
    return np.asarray((z @ axes.T + noise).astype(np.float32))


def part(encoding: Encoding, rows: np.ndarray) -> Encoding:
    """The given rows."""
    return Encoding(
        encoding.z.iloc[rows].reset_index(drop=True),
        encoding.eps.iloc[rows].reset_index(drop=True),
        {b: v[rows] for b, v in encoding.coordinates.items()},
        {m: [v[rows] for v in views] for m, views in encoding.content.items()},
        {m: [v[rows] for v in views] for m, views in encoding.eta.items()},
    )


def verdicts(findings: list[Finding]) -> dict[str, str]:
    return {finding.key: finding.verdict for finding in findings}


# Dependence and its nulls.


def test_single_columns_give_the_registrys_hsic() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 2))
    y = 0.4 * x[:, :1] + rng.standard_normal((120, 1))
    ours, theirs = dependence("x, y", x[:, :1], y, rng), hsic(x[:, 0], y[:, 0])
    assert ours is not None
    assert ours.effect == pytest.approx(theirs.effect, abs=1e-9)
    both = dependence("x, y", x, y, rng)  # no second opinions: the p of HSIC alone
    assert both is not None
    assert both.effect < ours.effect


def within_bounds(rejections: int, trials: int, level: float) -> bool:
    low, high = binom.ppf([0.0005, 0.9995], trials, level)
    return bool(low <= rejections <= high)


def test_the_level_of_the_marginal_test() -> None:
    rng = np.random.default_rng(1)
    trials, rejections, above = 200, 0, 0
    for _ in range(trials):
        a, b = rng.standard_normal((60, 2)), rng.exponential(size=(60, 3))
        found = dependence("a, b", a, b, rng)
        assert found is not None
        rejections += found.log10_p < np.log10(0.05)
        above += found.effect > np.quantile(found.chance, 0.9)
    assert within_bounds(rejections, trials, 0.05)
    assert above / trials < 0.16  # 40 shuffles know their 90 % only roughly


def test_the_level_of_the_conditional_test_where_spread_depends_on_what_is_given() -> None:
    """Residuals that share their scale through z: dependent, but not given z."""
    rng = np.random.default_rng(2)
    trials, rejections, marginal = 120, 0, 0
    for _ in range(trials):
        z = rng.standard_normal((80, 1))
        a, b = (np.exp(z) * rng.standard_normal((80, 1)) for _ in range(2))
        found, plain = conditional_dependence("a, b", a, b, z, rng, 19), dependence("a, b", a, b, rng)
        assert found is not None
        assert plain is not None
        rejections += found.log10_p <= np.log10(0.05) + 1e-9
        marginal += plain.log10_p < np.log10(0.05)
    assert rejections <= binom.ppf(0.9995, trials, 0.05)
    assert marginal > 0.3 * trials


def test_the_conditional_test_sees_what_is_shared_beyond_the_given() -> None:
    rng = np.random.default_rng(3)
    z, common = rng.standard_normal((200, 2)), rng.standard_normal((200, 1))
    a, b = (common + 0.5 * rng.standard_normal((200, 1)) for _ in range(2))
    found = conditional_dependence("a, b", a, b, z, rng, 199)
    assert found is not None
    assert found.effect > 0.5
    assert found.log10_p == pytest.approx(-np.log10(200))


def test_missing_rows_constants_and_outliers() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((80, 1)), rng.standard_normal((80, 1))
    gaps = a.copy()
    gaps[::4] = np.nan
    found = dependence("a, b", gaps, b, rng)
    assert found is not None
    assert found.n == 60
    assert dependence("none", np.full((80, 1), 3.0), b, rng) is None
    assert dependence("no columns", a[:, :0], b, rng) is None
    assert dependence("too few", a[:4], b[:4], rng) is None
    a[0] = 1e6
    gram = vector_gram(a)
    assert gram is not None
    assert gram.factor.shape[1] < 100


def test_neighbourhoods_hold_everybody_once_and_near_people_together() -> None:
    points = np.random.default_rng(5).standard_normal((203, 2))
    cells = neighbourhoods(points, 10)
    assert sorted(np.concatenate(cells)) == list(range(203))
    assert max(map(len, cells)) <= 10
    order = shuffled_within(cells, np.random.default_rng(0))
    assert all(set(order[cell]) == set(cell) for cell in cells)
    moved = np.linalg.norm(points[order] - points, axis=1).mean()
    assert moved < 0.4 * np.linalg.norm(points[::-1] - points, axis=1).mean()


def test_judging_needs_significance_and_an_effect() -> None:
    rng = np.random.default_rng(6)

    def at(r: float, n: int) -> str:
        x = rng.standard_normal((n, 1))
        found = dependence("", x, r * x + np.sqrt(1 - r**2) * rng.standard_normal((n, 1)), rng)
        judged = judge(holm([found] if found else []), 0.05)
        assert judged is not None
        return judged.verdict

    assert at(0.0, 500) == HOLDS
    assert at(0.06, 20000) == HOLDS
    assert at(0.2, 2000) == DOUBTFUL
    assert at(0.6, 500) == VIOLATED
    assert at(0.0, 12) == UNKNOWN  # chance reaches anything
    assert judge([], 0.05) is None
    assert worst([]) == UNKNOWN
    assert worst([HOLDS, UNKNOWN, DOUBTFUL]) == DOUBTFUL
    assert worst([UNKNOWN, HOLDS]) == HOLDS
    assert resamples_for(40, 0.05) >= 40 / 0.05
    assert resamples_for(1, 0.05) == 199


# Noises.


def test_independent_noises_hold_and_shared_causes_do_not() -> None:
    good = evidence()
    assert exogenous_noise(good).verdict == HOLDS
    eps = good.test.eps.copy()
    eps["z22"] = eps["z12"] ** 2 + 0.5 * eps["z22"]  # uncorrelated, yet dependent
    bad = exogenous_noise(replace(good, test=replace(good.test, eps=eps)))
    assert bad.verdict == VIOLATED
    assert "z12, z22" in bad.measured
    leftover = good.test.eps.assign(z12=good.test.z["z12"])  # as if the edge z11 -> z12 explained nothing
    finding = exogenous_noise(replace(good, test=replace(good.test, eps=leftover)))
    assert finding.verdict == VIOLATED
    assert "z12" in finding.measured


def test_false_alarms_on_independent_eps_are_as_rare_as_the_level_says() -> None:
    base, rng, alarms = evidence(), np.random.default_rng(7), 0
    for seed in range(15):
        eps = pd.DataFrame(rng.standard_normal((60, 4)), columns=NAMES)
        z = pd.DataFrame(rng.standard_normal((60, 4)), columns=NAMES)
        found = exogenous_noise(replace(base, test=replace(base.test, eps=eps, z=z), seed=seed))
        alarms += found.verdict in (DOUBTFUL, VIOLATED)
    assert alarms <= binom.ppf(0.9995, 15, 0.05)


@pytest.mark.parametrize(
    ("style", "claimed", "seen", "noise", "proposition"),
    [
        ("own", "own", HOLDS, HOLDS, HOLDS),
        ("shared", "shared", VIOLATED, VIOLATED, HOLDS),  # both sides dependent, as the proposition says
        ("shared", "own", VIOLATED, HOLDS, VIOLATED),  # eta that is not that of the data
    ],
)
def test_proposition_2(style: str, claimed: str, seen: str, noise: str, proposition: str) -> None:
    model = evidence(seed=1, style=style, claimed=claimed)
    found = verdicts([*measurement_noise(model), *proposition_2(model)])
    assert found["x_given_z"] == seen
    assert found["eta"] == noise
    assert found["proposition_2"] == proposition
    assert found["eta_z"] == found["eta_eps"] == HOLDS


def test_that_z_is_inferred_from_the_measurements_is_allowed_for() -> None:
    """x_i = z + noise and z inferred as their mean: given it, errors correlate by -1/2 for no fault of x."""
    rng = np.random.default_rng(9)
    z = rng.standard_normal((TRAIN + TEST, 2))
    views = [(z + 0.5 * rng.standard_normal(z.shape)).astype(np.float32) for _ in range(3)]
    data = MultiViewData({"a": views}, np.arange(len(z)))

    def encode(data: MultiViewData) -> Encoding:
        mean = np.mean(data.measurements["a"], axis=0)
        table = pd.DataFrame(mean, columns=NAMES[:2])
        return Encoding(table, table, {"a": mean}, {}, {})

    parts = data.rows(np.arange(TRAIN)), data.rows(np.arange(TRAIN, len(z)))
    model = replace(
        evidence(),
        train=encode(parts[0]),
        test=encode(parts[1]),
        train_data=parts[0],
        test_data=parts[1],
        encode=encode,
    )
    unaware = replace(model, encode=None)
    knowing, naive = (judge(holm(observed_pairs(m, recovered(m))["a"]), 0.05) for m in (model, unaware))
    assert knowing is not None
    assert naive is not None
    assert knowing.verdict == HOLDS
    assert naive.verdict == VIOLATED


def test_eta_that_carries_z_is_told_and_unused_eta_is_silent() -> None:
    good = evidence(seed=1)
    z = good.test.z[["z11"]].to_numpy()
    leaking = {"a": [good.test.eta["a"][0] + z, good.test.eta["a"][1]], "b": good.test.eta["b"]}
    found = verdicts(measurement_noise(replace(good, test=replace(good.test, eta=leaking))))
    assert found["eta_z"] == found["eta_eps"] == VIOLATED
    assert found["eta"] == HOLDS
    for weak in (0.1, 0.0):
        unused = {m: [weak * v for v in views] for m, views in good.test.eta.items()}
        findings = measurement_noise(replace(good, test=replace(good.test, eta=unused)))
        assert {f.verdict for f in findings} == {UNKNOWN}
        assert "unused" in findings[0].measured
    none = {m: [v[:, :0] for v in views] for m, views in good.test.eta.items()}
    assert "no eta" in measurement_noise(replace(good, test=replace(good.test, eta=none)))[0].measured
    assert agreement(UNKNOWN, VIOLATED) == UNKNOWN
    assert agreement(DOUBTFUL, VIOLATED) == DOUBTFUL


# What identifies z.


def test_alignment() -> None:
    good = evidence()
    found = alignment_gap(good)
    assert found.verdict == HOLDS
    assert found.details["a 1, 2"]["retrieval"] > 0.2
    assert 0 < found.details["a 1, 2"]["info_nce"] < np.log(TEST) / 2
    views = good.test.content["a"]
    strangers = {**good.test.content, "a": [views[0], views[1][::-1]]}
    bad = alignment_gap(replace(good, test=replace(good.test, content=strangers)))
    assert bad.verdict == VIOLATED
    assert bad.details["b 1, 2"]["verdict"] == HOLDS
    assert bad.details["a 1, 2"]["retrieval"] < 0.02
    assert abs(bad.details["a 1, 2"]["agreement"]) < 0.2
    # one direction lost: most of the distance is right, and yet
    noise = np.random.default_rng(0).standard_normal(TEST)
    half = [np.column_stack([5 * view[:, 0], noise[:: 1 - 2 * i]]) for i, view in enumerate(views)]
    lost = alignment_gap(replace(good, test=replace(good.test, content={**good.test.content, "a": half})))
    assert lost.verdict == VIOLATED
    assert lost.details["a 1, 2"]["weakest"] < 0.3
    once = {m: views[:1] for m, views in good.test.content.items()}
    assert alignment_gap(replace(good, test=replace(good.test, content=once))).verdict == UNKNOWN


def test_orthogonality() -> None:
    good, even = shape_of_coordinates(evidence())
    assert even.verdict == HOLDS
    assert even.details["a"]["variance"] < 0.1
    assert good.verdict == HOLDS
    assert good.details["a"]["squared_cosine"] < 0.02 < good.details["a"]["rotations_median"]
    bad, _ = shape_of_coordinates(evidence(lean=0.8))
    assert bad.verdict in (DOUBTFUL, VIOLATED)
    assert bad.details["a"]["squared_cosine"] > 0.3


def test_a_warped_latent_is_uneven() -> None:
    good = evidence()

    def warped(encoding: Encoding) -> Encoding:
        return replace(encoding, coordinates={m: np.sinh(1.5 * z) for m, z in encoding.coordinates.items()})

    _, found = shape_of_coordinates(replace(good, train=warped(good.train), test=warped(good.test)))
    assert found.verdict in (DOUBTFUL, VIOLATED)


def test_orthogonality_of_a_round_geometry_tells_nothing() -> None:
    """Both latents move x equally far: every rotation is orthogonal, too."""
    even = evidence()

    def halved(data: MultiViewData) -> MultiViewData:
        scale = np.float32([0.5, 1, 1, 1])
        return replace(data, measurements={m: [v * scale for v in x] for m, x in data.measurements.items()})

    found, _ = shape_of_coordinates(
        replace(even, train_data=halved(even.train_data), test_data=halved(even.test_data))
    )
    assert found.verdict == UNKNOWN


def test_variability_names_the_latents_that_no_other_block_touches() -> None:
    for links, reach, silent in (
        ("both", HOLDS, []),
        ("one", VIOLATED, ["z12", "z22"]),
        ("none", VIOLATED, NAMES),
    ):
        changes, reaching = sufficient_variability(evidence(links=links))
        assert reaching.verdict == reach
        assert reaching.details["not_reaching"] == silent
        if links != "one":  # there sinks may respond, through a nonlinear function of their mates
            assert changes.verdict == (HOLDS if links == "both" else VIOLATED)
    alone = replace(evidence(), blocks={"a": NAMES})
    assert {finding.verdict for finding in sufficient_variability(alone)} == {UNKNOWN}


def test_shares_of_directions_and_their_chance() -> None:
    """Level of the weakest direction's chance, with the first one truly predicted."""
    rng, trials, exceeded = np.random.default_rng(8), 100, 0
    for _ in range(trials):
        signal, noise = rng.standard_normal((200, 1)), rng.standard_normal((200, 2))
        actual = np.column_stack([signal[:, 0] + noise[:, 0], noise[:, 1]])
        shares, chance = predicted_shares(actual, np.column_stack([signal, rng.standard_normal(200)]), rng)
        assert shares[0] > chance[0]
        exceeded += shares[1] > chance[1]
    assert exceeded <= binom.ppf(0.9995, trials, 0.05)


def test_graph() -> None:
    good = evidence()
    assert graph_facts(good).verdict == HOLDS
    open_edge = good.edge_probability.copy()
    open_edge[1, 3] = 0.45
    finding = graph_facts(replace(good, edge_probability=open_edge))
    assert finding.verdict == DOUBTFUL
    assert "z12 -> z22 (0.45)" in finding.measured
    circle = GRAPH.copy()
    circle[3, 0] = 1
    assert graph_facts(replace(good, graph=circle)).verdict == VIOLATED


# The command.

TINY = """
source: digits
n: 400
ceiling_epochs: 1
device: cpu
model:
  hidden: 16
  phase1: {epochs: 2, batch_size: 64}
  phase2: {population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2, batch_size: 64}
"""
KEYS = ["eps", "eta", "eta_z", "eta_eps", "x_given_z", "proposition_2", "alignment", "orthogonality"]
KEYS += ["evenness", "variability", "reach", "graph"]


def script(path: str, *words: str | Path) -> int:
    """Call the main of a script."""
    return load_main(path)([str(word) for word in words])


def diagnose(*words: str | Path) -> int:
    return script("synthetic_experiment/diagnose.py", *words)


@pytest.fixture(scope="module", autouse=True)
def without_other_figures() -> Iterator[None]:
    """Training's own figures take longer than training itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist_run, "draw_run", lambda *args, **options: None)
        patch.setattr(people_run, "draw_findings", lambda *args, **options: None)
        yield


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of Variant-MNIST."""
    home = tmp_path_factory.mktemp("diagnose")
    (home / "tiny.yaml").write_text(TINY)
    run = home / "run"
    assert (
        script(
            "synthetic_experiment/run_mnist_3measurement.py", "--config", home / "tiny.yaml", "--output", run
        )
        == 0
    )
    return run


def test_a_run_is_diagnosed_twice_alike(
    scenes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observations, "EXCHANGES", 4)
    assert diagnose(scenes) == 0
    printed = capsys.readouterr().out
    report = json.loads((scenes / "diagnostics.json").read_text())
    assert list(report["findings"]) == KEYS
    assert report["test_rows"] == 40
    for finding in report["findings"].values():
        assert finding["verdict"] in (HOLDS, DOUBTFUL, VIOLATED, UNKNOWN)
        assert f"{finding['assumption']}: {finding['measured']}" in printed
        assert finding["assumption"] in (scenes / "diagnostics.md").read_text()
    for suffix in ("png", "pdf"):
        assert (scenes / "figures" / f"diagnostics.{suffix}").stat().st_size > 5000
    first = (scenes / "diagnostics.json").read_bytes()
    monkeypatch.setattr(command, "draw_findings_page", lambda *args, **options: [scenes])
    assert diagnose(scenes, "--rows", "40") == 0
    assert (scenes / "diagnostics.json").read_bytes() == first


def test_a_run_of_people_is_diagnosed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One image a person and no eta: what cannot be told is said so."""
    monkeypatch.setattr(command, "draw_findings_page", lambda *args, **options: [tmp_path / "no picture"])
    monkeypatch.setattr(observations, "EXCHANGES", 4)
    words = "--source simulated --n 300 --image_dim 20 --text_dim 20 --model.noise 0 --device cpu"
    words += " --model.phase1.epochs 2 --model.phase2.population 2 --model.phase2.generations 1"
    words += " --model.phase2.generation_steps 2 --model.phase2.final_steps 2"
    script_path = "real_world_experiment/run_athlete_3measurement.py"
    assert script(script_path, *words.split(), "--output", tmp_path / "run") == 0
    assert diagnose(tmp_path / "run") == 0
    printed = capsys.readouterr().out
    assert "SIMULATED DATA" in printed
    assert "SIMULATED" in (tmp_path / "run/diagnostics.md").read_text()
    findings = json.loads((tmp_path / "run/diagnostics.json").read_text())["findings"]
    assert findings["eta"]["verdict"] == findings["proposition_2"]["verdict"] == UNKNOWN
    assert set(findings["alignment"]["details"]) == {"text 1, 2", "text 1, 3", "text 2, 3"}


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """The one line that an impossible request gets."""
    capsys.readouterr()
    assert diagnose(*words) == 2
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1
    assert "error:" in message[0]
    return message[0]


def test_what_is_no_finished_run_is_refused(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no such run folder" in refused(capsys, tmp_path / "absent")
    assert "no run folder" in refused(capsys, tmp_path)
    assert "give one" in refused(capsys)
    assert "give one" in refused(capsys, scenes, scenes)
    assert "--rows 5" in refused(capsys, scenes, "--rows", "5")
    assert "--alpha 2" in refused(capsys, scenes, "--alpha", "2")

    copy = tmp_path / "copy"
    shutil.copytree(scenes, copy, ignore=shutil.ignore_patterns("diagnostics*"))
    config = (copy / "config.yaml").read_text()
    for change, word in (
        (config.replace("nuisance: independent", "nuisance: shared"), "sha256"),
        (config.replace("nuisance: independent", "nuisance: odd"), "another version"),
        (config + "surplus: 1\n", "another version"),
        ("command: draw\n", "not a run of"),
        (config.replace(f"method: {OURS}", "method: beta_vae"), "a run of beta_vae"),
        ("a: [1\n", "not valid YAML"),
    ):
        (copy / "config.yaml").write_text(change)
        assert word in refused(capsys, copy)
    (copy / "config.yaml").write_text(config)
    (copy / "weights.pt").unlink()
    assert "not trained to the end" in refused(capsys, copy)
    assert not list(copy.rglob("diagnostics*"))
