"""The camera and the sensors of the light tunnel: simulators of `causalchamber`, with noise and nuisance.

The simulators have no noise. We add it, and vary what an experimenter may vary between two measurements:
where the camera stands and how long it exposes, the size of the diodes and how long they measure. What is
varied is nuisance: it says nothing of the scene.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32

from personax.light_tunnel.chamber_import import chamber_simulators, simulated
from personax.light_tunnel.tunnel_config import ImageModel, SensorSet

# Calibrated values of the camera, the polarisers and the sensors (Gamella et al. 2025), as the package's
# tutorials give them.
CAMERA_RESPONSE = np.array(
    [[0.2995802, 0.06920322, 0.028159], [0.04017132, 0.9209918, 0.31265], [0.00217392, 0.2071558, 0.75763]]
)
WHITE_BALANCE = {"w_r": 2.65625, "w_g": 1.0, "w_b": 1.77344}
TRANSMISSION = {"Tp": np.array([[0.29, 0.35, 0.33]]).T, "Tc": np.array([[0.02, 0.08, 0.18]]).T}
SENSORS: dict[str, Any] = {
    "S": np.array([[4.34165202, 2.8594438, 1.91565691], [0.89410569, 1.58679242, 2.68477163]]),
    "d1": 0.1,
    "d2": 0.17,
    "d3": 0.25,
    "Ts": np.array([0.42685688, 0.41231782, 0.46652526]),
    "Tp": np.array([0.2909342, 0.29624314, 0.30526271]),
    "Tc": np.array([0.00431032, 0.01447611, 0.02041075]),
    "Q": np.array([0.12834946, 0.12870338, 0.13078523]),
    "C0": 58.13307318503893,
    "A": 1.42261211,
    "a1": 506.8049747171294,
    "a2": 510.98343062774353,
}

# Exposure of picture 1, 2, ... (in turn), so that hardly a pixel is brighter than white.
EXPOSURES: dict[ImageModel, Sequence[float]] = {
    "F1": (1.0,),
    "F2": (0.35, 0.3, 0.4),
    "F3": (1.5, 1.2, 1.8),
}
CAMERA_PLACES = 32  # places of the camera, from which each picture is taken from one
FINER = 2  # pictures are drawn with so many times the side, and averaged, as edges would be jagged
PIXEL_NOISE = 0.03  # standard deviation; pixels are in [0, 1]
LIGHT_NOISE = 0.02  # relative standard deviation of a light reading and of the current
ANGLE_NOISE = 2.0  # standard deviation of an angle reading, whose unit is about 0.7 degrees
REFERENCE_VOLTS = 5.0  # volts, of the current and angle sensors

READINGS: dict[SensorSet, list[str]] = {
    "all": ["ir_1", "vis_1", "ir_2", "vis_2", "ir_3", "vis_3", "current", "angle_1", "angle_2"],
    "polarisers": ["ir_3", "vis_3", "angle_1", "angle_2"],
}


class Place(NamedTuple):
    """How the hexagon of light lies in a picture: centre, radius (shares of the side), turn in radians."""

    center_x: float
    center_y: float
    radius: float
    offset: float


def random_place(rng: np.random.Generator) -> Place:
    """A place near the middle; the radius is 0.24 to 0.36 of the side."""
    x, y = rng.uniform(0.44, 0.56, 2)
    return Place(x, y, rng.uniform(0.24, 0.36), rng.uniform(0, np.pi / 3))


def make_camera(image_model: ImageModel, place: Place, exposure: float, size: int) -> Any:
    """A simulator of the camera; F1 has no exposure."""
    simulators = chamber_simulators()
    shape = place._asdict() | {"image_size": size}
    if image_model == "F1":
        return simulators.ModelF1(**shape)
    calibrated = {"S": CAMERA_RESPONSE, "exposure": exposure, **WHITE_BALANCE}
    if image_model == "F2":
        return simulators.ModelF2(**calibrated, **shape)
    return simulators.ModelF3(**calibrated, **TRANSMISSION, **shape)


def take_pictures(
    settings: pd.DataFrame, image_model: ImageModel, exposure: float, size: int, rng: np.random.Generator
) -> Float32[np.ndarray, "n 3 {size} {size}"]:
    """One picture of every scene (a row of `settings`), each from one of `CAMERA_PLACES` random places."""
    pictures = np.empty((len(settings), 3, size, size), dtype=np.float32)
    chosen = rng.integers(CAMERA_PLACES, size=len(settings))
    for number in range(CAMERA_PLACES):
        camera = make_camera(image_model, random_place(rng), exposure, FINER * size)
        rows = np.flatnonzero(chosen == number)
        fine = simulated(camera, settings.iloc[rows])
        blocks = fine.reshape(len(rows), size, FINER, size, FINER, 3)
        pictures[rows] = blocks.mean((2, 4)).transpose(0, 3, 1, 2)
    noise = PIXEL_NOISE * rng.standard_normal(pictures.shape, dtype=np.float32)
    return np.clip(pictures + noise, 0, 1)


def read_sensors(
    settings: pd.DataFrame, sensor_set: SensorSet, rng: np.random.Generator
) -> Float32[np.ndarray, "n d"]:
    """One reading of every scene: a column for each of `READINGS`. Light is in stops, log2 of the number.

    A light sensor's number doubles with each step of the diode's size (three) and of the exposure time
    (four). Both are drawn anew for each scene and sensor.
    """
    exact = exact_readings(settings, random_sensor_options(len(settings), rng))
    lights = [name for name in exact if not name.startswith("angle")]
    noisy = {}
    for name in exact:
        eps = rng.standard_normal(len(settings))
        spread = LIGHT_NOISE * exact[name] if name in lights else ANGLE_NOISE
        noisy[name] = exact[name] + spread * eps
    stops = {name: np.log2(noisy[name]) for name in lights if name != "current"}
    shown = noisy | stops
    return np.stack([shown[name] for name in READINGS[sensor_set]], axis=1).astype(np.float32)


def random_sensor_options(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """For n scenes, how every light sensor is set; the reference voltages do not change."""
    kinds = [f"{light}_{place}" for place in (1, 2, 3) for light in ("ir", "vis")]
    options = {f"diode_{kind}": rng.integers(3, size=n) for kind in kinds}
    options |= {f"t_{kind}": rng.integers(4, size=n) for kind in kinds}
    return pd.DataFrame(options | dict.fromkeys(("v_c", "v_angle_1", "v_angle_2"), REFERENCE_VOLTS))


def exact_readings(settings: pd.DataFrame, options: pd.DataFrame) -> dict[str, Float[np.ndarray, " n"]]:
    """The numbers that the sensors would show without noise, by sensor."""
    simulator = chamber_simulators().Deterministic(**SENSORS)
    inputs = pd.concat([settings.reset_index(drop=True), options], axis=1)
    values = simulated(simulator, inputs)
    return dict(zip(simulator.outputs_names, (np.ravel(each) for each in values), strict=True))
