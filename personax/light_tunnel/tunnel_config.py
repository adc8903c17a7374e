"""The options of the command on the light tunnel that choose the scenes."""

from dataclasses import dataclass
from typing import Annotated, Literal

from personax.runs.bounds import FAR, Between, Seed

ImageModel = Literal["F1", "F2", "F3"]
SensorSet = Literal["all", "polarisers"]


@dataclass(frozen=True)
class TunnelScenes:
    """Options that choose the scenes: each is one setting of the tunnel, seen by camera and sensors."""

    n: Annotated[int, Between(100, FAR)] = 4000
    """Number of scenes: 80 % for training, 10 % for validation (choices such as when to stop), 10 % for the
    test."""
    image_model: ImageModel = "F3"
    """Simulator of the camera. F1: colours of the lamp, dimmed by the polarisers. F2: also the camera's
    calibrated mixing of colours. F3: also what the real polarisers let through of each colour."""
    pictures: Annotated[int, Between(1, 20)] = 3
    """Number of pictures of a scene, each with its own exposure and place of the camera."""
    readings: Annotated[int, Between(1, 20)] = 3
    """Number of sensor readings of a scene, each with its own sizes of diodes and exposure times."""
    sensor_set: SensorSet = "polarisers"
    """polarisers: the pair of light sensors behind the polarisers, and both angle sensors. all: three pairs
    of light sensors, the current of the lamp, and both angle sensors; then the sensors, too, show the
    brightness of the lamp, which in our model is a latent of the pictures alone."""
    size: Annotated[int, Between(8, 64)] = 16
    """Side length of the pictures in pixels, 8 to 64."""
    angle_range: Annotated[float, Between(1, 45)] = 15.0
    """Each polariser turns by at most so many degrees to either side (three standard deviations). The more
    they turn, the more the brightness of a picture depends on them, and the less one picture tells of red,
    green and blue: three numbers show four causes."""
    data_seed: Seed | None = None
    """Seed of causal model and scenes. If left out, it is the seed of the model."""
