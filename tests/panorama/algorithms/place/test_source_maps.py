from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.place.source_maps import (
    automatic_width_px,
    border_distance,
    covers,
    places,
    reduced,
    source_map,
    source_maps,
)
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.types import Camera, FloatArray, Rig
from tests.support.panorama.equirect import directions, to_pixels
from tests.support.panorama.spheres import pinhole, small_rosette, turned

WIDTH_PX = 1024


class Shift:
    """Moves every pixel alike."""

    def __init__(self, x_px: float, y_px: float) -> None:
        self.by = np.array([x_px, y_px])

    def sample(self, points_px: FloatArray) -> FloatArray:
        return np.broadcast_to(self.by, points_px.shape)


def portrait() -> Camera:
    """The camera of the reference rig: 768 x 1024, 62 degrees wide."""
    return Camera(
        "portrait", 768, 1024, "PINHOLE", (639.0, 639.0, 383.5, 511.5), turned(170, 48), np.zeros(3)
    )


def test_interpolated_places_stay_within_a_twentieth_of_a_pixel():
    camera = portrait()
    found = source_map(camera, None, 4096)
    assert found is not None
    exact, valid = project(
        camera,
        directions(4096, 2048, slice(found.box.top_px, found.box.bottom_px, 9))[:, ::5].reshape(
            -1, 3
        ),
    )

    columns = np.arange(0, 4096, 5)
    all_round = places(found, replace(found.box, left_px=0, width_px=4096))[::9][:, columns]

    error = np.linalg.norm(all_round.reshape(-1, 2) - exact, axis=1)[valid]
    assert error.max() < 0.05
    assert len(error) > 10_000


@pytest.mark.parametrize(
    ("yaw_deg", "pitch_deg"), [(0, 0), (178, 10), (-90, 60), (30, 90), (0, -90)]
)
def test_box_and_coverage_hold_what_the_camera_sees(yaw_deg: float, pitch_deg: float):
    camera = pinhole("c", yaw_deg, pitch_deg)
    found = source_map(camera, None, WIDTH_PX)
    assert found is not None
    _, valid = project(camera, directions(WIDTH_PX, WIDTH_PX // 2).reshape(-1, 3))
    expected = valid.reshape(WIDTH_PX // 2, WIDTH_PX)

    seen = np.zeros_like(expected)
    rows = slice(found.box.top_px, found.box.bottom_px)
    seen[rows, columns_of(found.box, WIDTH_PX)] = covers(found, places(found, found.box))

    assert (seen != expected).mean() < 2e-4
    distance = border_distance(found, found.box)
    assert ((distance > 0) != covers(found, places(found, found.box))).mean() < 2e-3


def test_distance_from_the_border_is_the_angle_near_the_middle():
    camera = pinhole("c", 0, 0)
    found = source_map(camera, None, WIDTH_PX)
    assert found is not None

    middle = Box(WIDTH_PX // 2, WIDTH_PX // 4, 1, 1)

    expected_rad = 80 / camera.params[0]
    assert border_distance(found, middle)[0, 0] == pytest.approx(expected_rad, abs=0.02)


def test_inverse_displacement_is_added():
    camera = pinhole("c", 100, 5)
    plain = source_map(camera, None, WIDTH_PX)
    moved = source_map(camera, Shift(3.0, -2.0), WIDTH_PX)
    assert plain is not None
    assert moved is not None
    box = Box(plain.box.left_px + 60, plain.box.top_px + 60, 40, 40)

    difference = places(moved, box) - places(plain, box)

    np.testing.assert_allclose(
        difference, np.broadcast_to([3.0, -2.0], difference.shape), atol=1e-3
    )


def test_turned_box_gives_the_same_places():
    found = source_map(pinhole("c", 179, 0), None, WIDTH_PX)
    assert found is not None
    box = Box(-20, 240, 40, 16)

    np.testing.assert_array_equal(places(found, box), places(found, box.shifted(WIDTH_PX)))


def test_reduced_map_meets_the_map_made_small():
    camera = pinhole("c", 30, 20)
    large, small = (source_map(camera, None, width) for width in (WIDTH_PX, WIDTH_PX // 2))
    assert large is not None
    assert small is not None
    half = reduced(large, 2)
    box = Box(small.box.left_px + 8, small.box.top_px + 8, 64, 64)

    assert half.panorama_width_px == WIDTH_PX // 2
    np.testing.assert_allclose(places(half, box), places(small, box), atol=0.1)


def test_camera_too_narrow_for_the_lattice_covers_nothing():
    camera = replace(pinhole("c", 0.1, 0.1), params=(1e6, 1e6, 79.5, 79.5))

    assert source_map(camera, None, 512) is None


def test_narrow_camera_is_found():
    camera = replace(pinhole("c", 73, -11), params=(4000.0, 4000.0, 79.5, 79.5))
    found = source_map(camera, None, 4096)

    assert found is not None
    corners = to_pixels(rays(camera, np.array([[0.0, 0.0], [159.0, 159.0]])), 4096)
    assert found.box.left_px <= corners[0, 0] <= corners[1, 0] <= found.box.right_px


def test_maps_of_a_rig_stand_in_its_order():
    rig = small_rosette()
    maps = source_maps(rig, [None] * len(rig.cameras), 512)

    assert [
        m is not None and m.focal_px == c.params[0] for m, c in zip(maps, rig.cameras, strict=True)
    ]
    assert len(maps) == 7


def test_automatic_width_follows_the_focal_length():
    camera = replace(pinhole("c", 0, 0), params=(639.0, 639.0, 79.5, 79.5))

    assert automatic_width_px(Rig((camera,))) == 4032
    assert automatic_width_px(small_rosette()) == 640
