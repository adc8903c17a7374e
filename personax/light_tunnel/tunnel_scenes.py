"""Scenes of the light tunnel as data for learning: what the camera and the sensors show of each."""

from dataclasses import replace

from personax.light_tunnel.instruments import EXPOSURES, READINGS, read_sensors, take_pictures
from personax.light_tunnel.tunnel_config import TunnelScenes
from personax.light_tunnel.tunnel_scm import BLOCKS, random_tunnel_model
from personax.runs.seeds import numpy_rng
from personax.views import MultiViewData, Truth


def make_light_tunnel(options: TunnelScenes, data_seed: int) -> MultiViewData:
    """Draw a causal model, the settings of n scenes, and the pictures and readings of each scene.

    Args:
        options: which scenes; their `data_seed` is not read.
        data_seed: seed of everything that is random here.

    Returns:
        The modalities "image" (n, 3, size, size), in [0, 1], and "sensors" (n, readings). The true latents
        are the settings in their physical units.

    Examples:
        >>> data = make_light_tunnel(TunnelScenes(n=100, pictures=2), 0)
        >>> [pictures.shape for pictures in data.measurements["image"]], len(data.measurements["sensors"])
        ([(100, 3, 16, 16), (100, 3, 16, 16)], 3)
        >>> list(data.true_latents)
        ['red', 'green', 'blue', 'pol_1', 'pol_2']
    """
    model = random_tunnel_model(numpy_rng(data_seed, "tunnel model"))
    settings = model.sample(options.n, numpy_rng(data_seed, "settings"), angle_range=options.angle_range)
    exposures = EXPOSURES[options.image_model]
    camera, sensors = numpy_rng(data_seed, "camera"), numpy_rng(data_seed, "sensors")
    pictures = [
        take_pictures(settings, options.image_model, exposures[k % len(exposures)], options.size, camera)
        for k in range(options.pictures)
    ]
    readings = [read_sensors(settings, options.sensor_set, sensors) for _ in range(options.readings)]
    names = READINGS[options.sensor_set]
    return MultiViewData(
        {"image": pictures, "sensors": readings},
        columns={"sensors": [names] * options.readings},
        truth=Truth(settings, BLOCKS, model.graph),
        source=f"light tunnel, camera {options.image_model} (simulated)",
    )


def with_pictures_as_vectors(data: MultiViewData) -> MultiViewData:
    """The same data, each picture a vector of its pixels.

    In a picture of the tunnel every pixel is nearly a linear function of red, green and blue, so that no
    convolution is needed, and our model finds latents of vectors in closed form.
    """
    return replace(
        data,
        measurements={
            modality: [array.reshape(len(array), -1) for array in arrays]
            for modality, arrays in data.measurements.items()
        },
    )
