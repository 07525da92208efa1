"""Houses stand where their fronts say, with walls, relief and a shadow."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.scenes.buildings import Front, add_building
from tasks.panorama.simulation.scenes.workshop import Workshop
from tests.support.panorama.scene_rays import cast_along

FRONT = Front((-4.0, 8.0), (1.0, 0.0), width_m=8.0, height_m=9.0, distance_m=8.0)


def _built(*, has_relief: bool, has_shop: bool = True) -> tuple[Workshop, Scene]:
    shop = Workshop(np.random.default_rng(2), 40.0, 2.0)
    front = Front((-4.0, 8.0), (1.0, 0.0), 8.0, 9.0, 8.0, has_relief=has_relief)
    add_building(shop, front, has_shop=has_shop)
    return shop, shop.builder.build(None, None)


def test_a_point_of_the_front_is_measured_along_up_and_out():
    assert FRONT.at(2.0, 3.0, 0.0, 2.0) == pytest.approx([-2.0, -1.0, 8.0])
    assert FRONT.at(2.0, 3.0, 0.5, 2.0) == pytest.approx([-2.0, -1.0, 7.5]), "out is to the street"
    aside = Front((5.0, 4.0), (0.0, -1.0), 3.0, 9.0, 5.0)
    assert aside.at(1.0, 0.0, 0.5, 2.0) == pytest.approx([4.5, 2.0, 3.0])


def test_a_bare_house_is_a_front_and_two_sides():
    _, scene = _built(has_relief=False)
    assert scene.num_flat == 3
    distance, hits = cast_along(scene, [(0, 0, 1), (0, 1.9, 8), (0, -7.1, 8), (6, 0, 8)])
    assert distance[0] == pytest.approx(8.0)
    assert np.isfinite(distance).tolist() == [True, True, False, False], "as high and as wide"
    assert hits.surface[0, 0] == 0
    far, _ = cast_along(scene, (-1.0, 0.0, 0.0), origin=(9.0, 0.0, 11.0))
    assert far == pytest.approx([5.0]), "its side reaches back"


def test_relief_stands_out_by_less_than_half_a_metre():
    _, bare = _built(has_relief=False)
    _, scene = _built(has_relief=True)
    assert scene.num_flat > bare.num_flat + 20
    ends = scene.corners[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) @ scene.edges
    assert ends[..., 2].min() == pytest.approx(8.0 - 0.45), "the cornice"
    assert ends[..., 1].max() <= 2.0 + 1e-9, "nothing goes below the ground"


def test_only_a_shop_has_a_board():
    _, shop = _built(has_relief=True)
    _, house = _built(has_relief=True, has_shop=False)
    outs = [8.0 - scene.corners[:, 2] for scene in (shop, house)]
    assert [bool(np.isclose(out, 0.14).any()) for out in outs] == [True, False]


def test_a_house_throws_its_shadow():
    shop, _ = _built(has_relief=False)
    light = shop.ground_light()
    scale = light.factors.shape[0] / (2 * light.half_size_m)
    row = int((11.0 + light.half_size_m) * scale)
    column = int(light.half_size_m * scale)
    assert light.factors[row, column] < 0.75, "where it stands"
    assert light.factors[int((2.0 + light.half_size_m) * scale), column] == pytest.approx(
        1, abs=0.1
    )
