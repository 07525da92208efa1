from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.input.rig_files.hugin_masks import (
    Crop,
    Mask,
    MaskedImage,
    parse_mask,
    usable_pixels,
)
from tests.support.panorama.rigs import ring_rig

CORNERS = np.array([[60.0, 40], [90, 40], [90, 80], [60, 80]])
CAMERAS = ring_rig(4, 15.0, width_px=96, height_px=128, focal_px=80.0).cameras


def images(**changed):
    """Four images; 0 and 1 share a stack and a lens."""
    shared = ((0, 0), (0, 0), (2, 2), (3, 3))
    return [
        MaskedImage(camera, changed.get(f"on_{k}", True), lens, stack, changed.get(f"crop_{k}"))
        for k, (camera, (lens, stack)) in enumerate(zip(CAMERAS, shared, strict=True))
    ]


def affected(kind, **changed):
    """Images of which a mask of a type in image 0 takes something."""
    mask = Mask(0, kind, CORNERS)
    return [k for k in range(4) if usable_pixels(k, images(**changed), [mask]) is not None]


@pytest.mark.parametrize(
    ("kind", "expected"), [(0, [0]), (1, [1, 2, 3]), (2, [0, 1]), (3, [2, 3]), (4, [0, 1])]
)
def test_each_type_of_mask_counts_in_the_images_that_hugin_names(kind, expected):
    assert affected(kind) == expected


def test_what_an_image_that_is_off_includes_is_excluded_nowhere():
    assert affected(1, on_0=False) == affected(3, on_0=False) == []
    assert affected(0, on_0=False) == [0]


def test_an_included_polygon_is_excluded_where_others_see_it():
    usable = usable_pixels(1, images(), [Mask(0, 1, CORNERS)])
    inside = np.array([[75.0, 60], [62, 42], [88, 78]])
    outside = np.array([[75.0, 90], [50, 60], [94, 60]])
    for points, expected in ((inside, False), (outside, True)):
        places, seen = project(CAMERAS[1], rays(CAMERAS[0], points))
        assert seen.all()
        column, row = np.rint(places).astype(int).T
        assert (usable[row, column] == expected).all()


def test_crops():
    square = usable_pixels(0, images(crop_0=Crop(10, 50, 20, 100, is_circle=False)), [])
    assert square.sum() == 40 * 80
    assert square[20:100, 10:50].all()
    circle = usable_pixels(0, images(crop_0=Crop(8, 88, 24, 104, is_circle=True)), [])
    assert circle.sum() == pytest.approx(np.pi * 40**2, rel=0.01)
    assert not circle[24, 8]
    assert circle[64, 9]


@pytest.mark.parametrize(
    "line",
    [
        'k i0 t5 p"0 0 1 1 2 2"',
        'k i4 t0 p"0 0 1 1 2 2"',
        'k i0 t0 p"0 0 1 1"',
        'k i0 t0 p"0 0 1 1 2 x"',
        'k i0 t0 p"0 0 1 1 2 nan"',
        'k i0 t0 p"0 0 1 1 2 1e30"',
        'k i0 p"0 0 1 1 2 2"',
    ],
)
def test_a_line_that_is_no_mask_is_refused(line):
    with pytest.raises(DataError, match=r"^here, line 3: expected a mask as k i<image>"):
        parse_mask(line, "here, line 3", 4)


def test_a_line_that_is_a_mask():
    mask = parse_mask('k i2 t4 p"1 2 3.5 4  5 6.25"', "", 4)
    assert (mask.image, mask.kind) == (2, 4)
    assert mask.corners_px.tolist() == [[1, 2], [3.5, 4], [5, 6.25]]
