from __future__ import annotations

from math import asin, atan, inf, pi, radians, sqrt, tan

import numpy as np
import pytest

from tasks.panorama.camera import projections
from tasks.panorama.camera.projections import Projection

ALL = [each for each in vars(projections).values() if isinstance(each, Projection)]
RADII_AT_60_DEG = {
    "rectilinear": sqrt(3),
    "equidistant": pi / 3,
    "stereographic": 2 / sqrt(3),
    "orthographic": sqrt(3) / 2,
    "equisolid": 1.0,
    "Thoby": 0.99840,
}


def directions_at(angle: float) -> np.ndarray:
    """Directions all around the axis, off it by an angle."""
    around = np.linspace(0, 2 * pi, 12, endpoint=False)
    parts = (
        np.sin(angle) * np.cos(around),
        np.sin(angle) * np.sin(around),
        np.cos(angle) + 0 * around,
    )
    return np.column_stack(parts)


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.name)
def test_there_and_back(projection):
    for angle in (0.0, 1e-9, 0.3, 1.2, min(2.5, projection.max_angle) - 0.01):
        directions = directions_at(angle)
        plane, known = projection.to_plane(3.0 * directions)
        assert known.all()
        assert np.abs(projection.to_directions(plane) - directions).max() < 1e-7
        if projection.name in RADII_AT_60_DEG:
            assert np.hypot(*plane.T) == pytest.approx(np.hypot(*plane[0]))


@pytest.mark.parametrize("projection", ALL, ids=lambda each: each.name)
def test_known_answers(projection):
    plane, _ = projection.to_plane(np.array([[sqrt(3), 0, 1.0], [0, 1.0, 1.0]]))
    right = RADII_AT_60_DEG.get(projection.name, pi / 3)
    assert plane[0] == pytest.approx((right, 0.0), rel=1e-4)
    down = {"cylindrical": 1.0, "equirectangular": pi / 4}
    if projection.name in down:
        assert plane[1] == pytest.approx((0.0, down[projection.name]))


@pytest.mark.parametrize(
    ("projection", "angle", "radius"),
    [
        (projections.RECTILINEAR, pi / 2, inf),
        (projections.EQUIDISTANT, pi, pi),
        (projections.ORTHOGRAPHIC, pi / 2, 1.0),
        (projections.THOBY, pi / 2 / 0.713, 1.47),
        (projections.CYLINDRICAL, pi, inf),
    ],
)
def test_the_end_of_a_projection(projection, angle, radius):
    assert (projection.max_angle, projection.max_radius) == pytest.approx((angle, radius))
    if angle < pi:
        assert not projection.to_plane(directions_at(angle + 1e-3))[1].any()


def test_constants_of_the_sources():
    assert projections.STEREOGRAPHIC.radius(np.array(radians(80))) == pytest.approx(
        2 * tan(radians(40))
    )
    assert projections.EQUISOLID.angle(np.array(0.7)) == pytest.approx(2 * asin(0.35))
    assert projections.STEREOGRAPHIC.angle(np.array(0.7)) == pytest.approx(2 * atan(0.35))
