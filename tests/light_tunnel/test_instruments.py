"""Camera and sensors against the simulators' definitions, written out here a second time."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.light_tunnel.chamber_import import chamber_simulators, simulated
from personax.light_tunnel.instruments import (
    ANGLE_NOISE,
    CAMERA_RESPONSE,
    LIGHT_NOISE,
    PIXEL_NOISE,
    READINGS,
    SENSORS,
    Place,
    exact_readings,
    make_camera,
    random_place,
    random_sensor_options,
    read_sensors,
    take_pictures,
)
from personax.light_tunnel.tunnel_config import ImageModel
from personax.light_tunnel.tunnel_scm import SETTINGS

MIDDLE = Place(0.5, 0.5, 0.3, 0.0)
BALANCE = np.diag([2.65625, 1.0, 1.77344])


@pytest.fixture
def settings() -> pd.DataFrame:
    """Two hundred settings of the tunnel, with angles of any size."""
    rng = np.random.default_rng(0)
    lamp, angles = rng.uniform(0, 255, (200, 3)), rng.uniform(-90, 90, (200, 2))
    return pd.DataFrame(np.hstack([lamp, angles]), columns=SETTINGS)


def malus(settings: pd.DataFrame) -> np.ndarray:
    """(n, 1) share of the light that two polarisers let through, by Malus's law."""
    between = np.deg2rad((settings["pol_1"] - settings["pol_2"]).to_numpy())
    return np.asarray(np.cos(between)[:, None] ** 2)


def colours(settings: pd.DataFrame, image_model: str, exposure: float) -> np.ndarray:
    """(n, 3) red, green and blue of the hexagon by the published equations, with Malus's law."""
    lamp = settings[["red", "green", "blue"]].to_numpy() / 255
    share = malus(settings)
    if image_model == "F1":
        return np.asarray(lamp * share)
    seen = exposure * lamp @ (BALANCE @ CAMERA_RESPONSE).T
    aligned, crossed = np.array([0.29, 0.35, 0.33]), np.array([0.02, 0.08, 0.18])
    return np.asarray(seen * (share if image_model == "F2" else (aligned - crossed) * share + crossed))


def test_the_package_prints_nothing_into_our_results(capsys: pytest.CaptureFixture[str]) -> None:
    chamber_simulators()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("image_model", ["F1", "F2", "F3"])
def test_the_camera_shows_a_hexagon_in_the_colour_of_the_equations(
    settings: pd.DataFrame, image_model: ImageModel
) -> None:
    shown = simulated(make_camera(image_model, MIDDLE, 0.9, 32), settings)
    expected = np.clip(colours(settings, image_model, 0.9), 0, 1)
    np.testing.assert_allclose(shown[:, 16, 16], expected, atol=1e-12)
    assert (shown[:, 0, 0] == 0).all()
    area = (shown[np.argmax(expected.min(1))].max(-1) > 0).mean()
    assert area == pytest.approx(1.5 * np.sqrt(3) * 0.3**2, rel=0.1)


@pytest.mark.parametrize("image_model", ["F1", "F2", "F3"])
def test_pictures_are_the_cameras_with_noise(settings: pd.DataFrame, image_model: ImageModel) -> None:
    pictures = take_pictures(settings, image_model, 0.3, 16, np.random.default_rng(1))
    assert pictures.shape == (200, 3, 16, 16)
    exact = colours(settings, image_model, 0.3)
    error = (pictures[:, :, 8, 8] - exact)[(exact > 0.15) & (exact < 0.85)]
    assert abs(error.mean()) < 5 * PIXEL_NOISE / np.sqrt(error.size)
    assert error.std() == pytest.approx(PIXEL_NOISE, rel=0.2)


def test_the_camera_stands_elsewhere_for_other_pictures(settings: pd.DataFrame) -> None:
    same = settings.iloc[[0] * 40]
    pictures = take_pictures(same, "F1", 1.0, 16, np.random.default_rng(2))
    lit = (pictures.max(1) > 0.2).sum((1, 2))
    assert lit.min() < 0.8 * lit.max()


@pytest.mark.parametrize("seed", range(10))
def test_the_middle_of_every_picture_is_lit(seed: int) -> None:
    bright = pd.DataFrame([[255.0, 255, 255, 0, 0]], columns=SETTINGS)
    place = random_place(np.random.default_rng(seed))
    assert simulated(make_camera("F1", place, 1.0, 32), bright)[0, 15:17, 15:17].min() == 1


def sensors_by_hand(settings: pd.DataFrame, options: pd.DataFrame) -> dict[str, Any]:
    """The readings by the equations of the sensors."""
    lamp = settings[["red", "green", "blue"]].to_numpy()
    share = malus(settings)
    through = {
        1: lamp,
        2: lamp * SENSORS["Ts"] * (0.1 / 0.17) ** 2,
        3: lamp * ((SENSORS["Tp"] - SENSORS["Tc"]) * share + SENSORS["Tc"]) * (0.1 / 0.25) ** 2,
    }
    found = {
        f"{light}_{place}": (through[place] @ SENSORS["S"][row])
        * 2.0 ** (options[f"diode_{light}_{place}"] + options[f"t_{light}_{place}"])
        for place in through
        for row, light in enumerate(("ir", "vis"))
    }
    found["current"] = lamp @ SENSORS["Q"] + SENSORS["C0"]
    return found | {f"angle_{k}": SENSORS["A"] * settings[f"pol_{k}"] + SENSORS[f"a{k}"] for k in (1, 2)}


def test_exact_readings_follow_the_equations(settings: pd.DataFrame) -> None:
    options = random_sensor_options(len(settings), np.random.default_rng(3))
    found, expected = exact_readings(settings, options), sensors_by_hand(settings, options)
    assert list(found) == [
        *("ir_1", "vis_1", "ir_2", "vis_2", "ir_3", "vis_3"),
        *("current", "angle_1", "angle_2"),
    ]
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-10)


def test_readings_are_the_exact_ones_with_noise_and_light_in_stops(settings: pd.DataFrame) -> None:
    many = pd.concat([settings] * 5, ignore_index=True)
    shown = pd.DataFrame(read_sensors(many, "all", np.random.default_rng(4)), columns=READINGS["all"])
    options = random_sensor_options(len(many), np.random.default_rng(4))
    exact = pd.DataFrame(sensors_by_hand(many, options))
    angle, light = shown["angle_1"] - exact["angle_1"], 2.0 ** (shown["ir_2"] - np.log2(exact["ir_2"]))
    assert angle.std() == pytest.approx(ANGLE_NOISE, rel=0.1)
    assert abs(angle.mean()) < 5 * ANGLE_NOISE / np.sqrt(len(many))
    assert light.std() == pytest.approx(LIGHT_NOISE, rel=0.1)
    assert light.mean() == pytest.approx(1, abs=5 * LIGHT_NOISE / np.sqrt(len(many)))


def test_a_smaller_set_has_the_same_readings(settings: pd.DataFrame) -> None:
    every = read_sensors(settings, "all", np.random.default_rng(5))
    some = read_sensors(settings, "polarisers", np.random.default_rng(5))
    np.testing.assert_array_equal(some, every[:, [4, 5, 7, 8]])


def test_diodes_and_exposures_take_all_their_values_and_tell_nothing_of_the_scene() -> None:
    options = random_sensor_options(2000, np.random.default_rng(6))
    assert sorted(options["diode_ir_1"].unique()) == [0, 1, 2]
    assert sorted(options["t_vis_3"].unique()) == [0, 1, 2, 3]
    assert abs(np.corrcoef(options["diode_ir_1"], options["diode_vis_1"])[0, 1]) < 0.1
