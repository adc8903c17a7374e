"""Which route a model takes, by the shapes of the measurements and the configuration."""

from dataclasses import replace
from typing import Any

import pytest

from personax.crl.model_config import CRLConfig
from personax.crl.routes import LatentRoute, route_of

PICTURES = {"digit": [[1, 8, 8]] * 3, "garment": [[1, 8, 8]]}
VECTORS = {"a": [[9]], "b": [[9]]}
EMBEDDINGS = {"image": [[90]] * 3, "text": [[90]] * 3}


@pytest.mark.parametrize(
    ("shapes", "preset", "change", "route"),
    [
        (PICTURES, "images", {}, LatentRoute.ALIGNED),
        (EMBEDDINGS, "embeddings", {}, LatentRoute.CLOSED_FORM),
        (EMBEDDINGS, "embeddings", {"flexible": False}, LatentRoute.ALIGNED),
        (EMBEDDINGS, "embeddings", {"noise": 1}, LatentRoute.ALIGNED),
        (EMBEDDINGS | {"text": [[90], [80]]}, "embeddings", {}, LatentRoute.ALIGNED),
        (VECTORS, "vectors", {"noise": 1}, LatentRoute.GUIDED),
        (VECTORS, "vectors", {"noise": 0}, LatentRoute.PAIRED),
        (VECTORS, "vectors", {"noise": 0, "nuisance": {"a": 1}}, LatentRoute.GUIDED),
        (VECTORS, "vectors", {"shared": 1}, LatentRoute.ALIGNED),
        (VECTORS, "vectors", {"linked": False}, LatentRoute.ALIGNED),
        (VECTORS | {"a": [[9], [9]]}, "vectors", {}, LatentRoute.ALIGNED),
        ({"a": [[9]]}, "vectors", {}, LatentRoute.ALIGNED),
    ],
)
def test_shapes_and_configuration_decide(
    shapes: dict[str, list[list[int]]], preset: str, change: dict[str, Any], route: LatentRoute
) -> None:
    config = getattr(CRLConfig, preset)(dict.fromkeys(shapes, 2))
    assert route_of(shapes, replace(config, **change).for_measurements(shapes)) is route


def test_what_was_read_before_phase_1_is_not_trained_in_it() -> None:
    trained = {route for route in LatentRoute if route.trains_encoders}
    assert trained == {LatentRoute.ALIGNED, LatentRoute.GUIDED}
    assert {route for route in LatentRoute if route.has_pairs} == {LatentRoute.PAIRED, LatentRoute.GUIDED}
