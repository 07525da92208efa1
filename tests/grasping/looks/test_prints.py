from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.grasping.looks.painter import paint
from tasks.grasping.looks.textures import SIDE_PX, Textures
from tasks.grasping.types import Print, SemanticClass
from tasks.grasping.workspace import BIN_CENTRE_M
from tests.support.grasping.flat_scenes import box_on_floor, camera, plain_look, points_m

NOTHING = Textures(np.zeros((0, SIDE_PX, SIDE_PX, 3), np.uint8))
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)
BAR = Print("bar", (0.65, 0.08), (0.03, 0.05), 0.4, (RED, BLUE))
LENS = camera(size_px=128, eye_m=(0.6, -0.3, 1.0))
FLOOR = box_on_floor(LENS, high_m=(0.6, 0.0, -1.0))  # no box


def painted(*prints: Print, rendering=FLOOR) -> np.ndarray:
    return paint(rendering, plain_look(prints=prints), NOTHING).astype(int)


def is_printed(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., 1] < 128


def test_a_bar_has_its_place_its_size_and_two_colours():
    x, y = np.moveaxis(points_m(FLOOR)[..., :2], -1, 0)
    x, y = x - BAR.centre_m[0], y - BAR.centre_m[1]
    cos, sin = np.cos(0.4), np.sin(0.4)
    u, v = (cos * x + sin * y) / 0.03, (cos * y - sin * x) / 0.05
    out = np.maximum(np.abs(u), np.abs(v))
    rgb = painted(BAR)
    assert is_printed(rgb)[out < 0.85].all()
    assert not is_printed(rgb)[out > 1.15].any()
    for is_side, colour in ((u < -0.3, RED), (u > 0.3, BLUE)):
        seen = rgb[is_side & (out < 0.8)]
        assert len(seen) > 20
        assert np.abs(seen - np.multiply(colour, 255)).max() <= 2
    assert (rgb[out > 1.3] == 255).all()


@pytest.mark.parametrize(("shape", "share"), [("bar", 1), ("ellipse", np.pi / 4), ("ell", 0.75)])
def test_shapes_cover_their_share_of_the_bar(shape: str, share: float):
    whole = is_printed(painted(replace(BAR, half_m=(0.05, 0.08)))).sum()
    part = is_printed(painted(replace(BAR, half_m=(0.05, 0.08), shape=shape))).sum()
    assert part / whole == pytest.approx(share, abs=0.03)


def test_what_stands_on_the_floor_is_not_printed_on():
    middle = replace(BAR, centre_m=BIN_CENTRE_M, half_m=(0.1, 0.1))
    rendering = box_on_floor(LENS)
    rgb = painted(middle, rendering=rendering)
    is_box = rendering.class_ids == SemanticClass.OBJECT
    assert (rgb[is_box] == 255).all()
    assert is_printed(rgb[~is_box]).any()
    raised = replace(FLOOR, depth_m=FLOOR.depth_m - np.float32(0.02))  # as the walls are
    assert (painted(middle, rendering=raised) == 255).all()


def test_the_later_lies_over_the_earlier():
    under, over = replace(BAR, colours=(RED, RED)), replace(BAR, colours=(BLUE, BLUE))
    assert (painted(under, over) == painted(over)).all()


@pytest.mark.parametrize("x_m", [0.81, 2.0])
def test_a_print_ends_where_the_floor_does(x_m: float):
    x, y = np.moveaxis(points_m(FLOOR)[..., :2], -1, 0)
    is_floor = (np.abs(x - 0.6) < 0.2) & (np.abs(y) < 0.2)
    seen = is_printed(painted(replace(BAR, centre_m=(x_m, 0.0), half_m=(0.05, 0.05))))
    assert not seen[~is_floor].any()
    assert seen.any() == (x_m < 1)


def test_a_picture_without_the_bin_stays_as_it_is():
    rendering = replace(FLOOR, class_ids=np.zeros_like(FLOOR.class_ids))
    assert (painted(BAR, rendering=rendering) == 255).all()
