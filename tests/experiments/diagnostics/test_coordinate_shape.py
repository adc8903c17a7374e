"""Checks of orthogonal and even coordinates, on geometries with and without these properties."""

from dataclasses import replace

import numpy as np
from perfect_model import evidence

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics.coordinate_shape import shape_of_coordinates
from personax.experiments.diagnostics.findings import DOUBTFUL, HOLDS, UNKNOWN, VIOLATED
from personax.views import MultiViewData


def test_orthogonal_coordinates_hold() -> None:
    found, _ = shape_of_coordinates(evidence())
    assert found.verdict == HOLDS
    assert found.details["a"]["squared_cosine"] < 0.02 < found.details["a"]["rotations_median"]


def test_oblique_coordinates_are_seen() -> None:
    found, _ = shape_of_coordinates(evidence(lean=0.8))
    assert found.verdict in (DOUBTFUL, VIOLATED)
    assert found.details["a"]["squared_cosine"] > 0.3


def test_orthogonality_of_a_round_geometry_tells_nothing() -> None:
    """Both latents move x equally far, so every rotation is orthogonal, too."""
    good = evidence()

    def rescaled(data: MultiViewData) -> MultiViewData:
        scale = np.array([0.5, 1, 1, 1], dtype=np.float32)
        made = {m: [values * scale for values in members] for m, members in data.measurements.items()}
        return replace(data, measurements=made)

    found, _ = shape_of_coordinates(
        replace(good, train_data=rescaled(good.train_data), test_data=rescaled(good.test_data))
    )
    assert found.verdict == UNKNOWN


def test_even_coordinates_hold() -> None:
    _, found = shape_of_coordinates(evidence())
    assert found.verdict == HOLDS
    assert found.details["a"]["variance"] < 0.1


def test_a_warped_latent_is_uneven() -> None:
    good = evidence()

    def warped(encoding: Encoding) -> Encoding:
        return replace(encoding, coordinates={m: np.sinh(1.5 * z) for m, z in encoding.coordinates.items()})

    _, found = shape_of_coordinates(replace(good, train=warped(good.train), test=warped(good.test)))
    assert found.verdict in (DOUBTFUL, VIOLATED)
