"""Things have their sizes and stand on the ground."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.scenes import props
from tasks.panorama.simulation.scenes.workshop import Workshop
from tests.support.panorama.scene_rays import cast_along

GROUND_M = 2.0


def _scene(add: Callable[[Workshop], None]) -> Scene:
    shop = Workshop(np.random.default_rng(1), 60.0, GROUND_M)
    add(shop)
    return shop.builder.build(None, None)


def _bounds(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest x, y, z of the flat surfaces."""
    ends = scene.corners[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) @ scene.edges
    return ends.reshape(-1, 3).min(axis=0), ends.reshape(-1, 3).max(axis=0)


def _box(shop: Workshop, **more) -> None:
    material = shop.rough_material((90.0, 90.0, 90.0), 4.0, 0.1, 1.0)
    props.add_box(shop, (1.0, 4.0), (0.5, 1.2, 0.8), material, **more)


def test_a_box_stands_on_the_ground_or_above_it():
    low, high = _bounds(_scene(_box))
    assert low == pytest.approx([0.75, 0.8, 3.6])
    assert high == pytest.approx([1.25, GROUND_M, 4.4])
    lifted, _ = _bounds(_scene(lambda shop: _box(shop, lift_m=0.3)))
    assert lifted[1] == pytest.approx(0.5)


@pytest.mark.parametrize(("height_m", "has_lid"), [(0.9, True), (2.6, False)])
def test_a_pole_has_a_lid_where_it_is_seen_from_above(height_m, has_lid):
    scene = _scene(lambda shop: props.add_pole(shop, 0.5, 4.0, 4.0, height_m, 0.1))
    assert scene.is_cylinder.tolist() == [True]
    assert scene.centres[0] == pytest.approx([0.5, GROUND_M - height_m / 2, 4.0])
    assert scene.num_flat == has_lid
    if has_lid:
        down = cast_along(scene, (0.0, 1.0, 0.0), origin=(0.5, 0.0, 4.0))[0]
        assert down == pytest.approx([GROUND_M - height_m])
        beside = cast_along(scene, (0.0, 1.0, 0.0), origin=(0.59, 0.0, 4.09))[0]
        assert np.isinf(beside).all(), "the lid is round"


def test_a_car_has_the_size_of_a_car_and_daylight_over_its_bonnet():
    scene = _scene(lambda shop: props.add_car(shop, 3.0, 0.0, 3.0))
    low, high = _bounds(scene)
    assert high[2] - low[2] == pytest.approx(4.3)
    assert high[0] - low[0] == pytest.approx(1.75)
    assert (low[1], high[1]) == pytest.approx((GROUND_M - 1.5, GROUND_M))
    from_side = {
        name: cast_along(scene, (1.0, 0.0, 0.0), origin=(0.0, GROUND_M - up, z))[0][0]
        for name, up, z in (("door", 0.7, 0.0), ("over", 1.3, -1.9), ("under", 0.1, 0.0))
    }
    assert from_side["door"] == pytest.approx(3.0 - 1.75 / 2)
    assert np.isinf(from_side["over"])
    assert np.isinf(from_side["under"])


def test_a_tree_has_a_trunk_below_its_crown():
    scene = _scene(lambda shop: props.add_tree(shop, 1.0, 5.0, 5.0, 1.2))
    assert scene.is_cylinder.tolist() == [True] + [False] * 6
    trunk, crown = scene.centres[0], scene.centres[1:]
    assert trunk[[0, 2]] == pytest.approx([1.0, 5.0])
    assert trunk[1] + scene.radii_m[0, 1] == pytest.approx(GROUND_M)
    assert (crown[:, 1] + scene.radii_m[1:, 1] < GROUND_M - 1.0).all(), "one can walk below it"
    assert np.abs(crown[:, [0, 2]] - [1.0, 5.0]).max() <= 0.7 * 1.2


@pytest.mark.parametrize(("z_m", "nearer_m"), [(5.0, 4.95), (-5.0, 4.95)])
def test_a_sign_faces_the_rig_before_its_pole(z_m, nearer_m):
    scene = _scene(lambda shop: props.add_sign(shop, 0.0, z_m, 5.0))
    to_sign = (0.0, GROUND_M - 2.65 + 0.35, z_m)
    distance = cast_along(scene, to_sign)[0][0]
    assert distance == pytest.approx(nearer_m / 5.0 * np.linalg.norm(to_sign), rel=1e-3)
    corner = (0.34, GROUND_M - 2.65 + 0.01, z_m - np.sign(z_m) * 0.05)
    assert np.isinf(cast_along(scene, corner)[0]).all(), "it is round"


def test_a_kiosk_has_a_roof_wider_than_itself():
    scene = _scene(lambda shop: props.add_kiosk(shop, 0.0, 4.0, 3.0))
    walls, roof = scene.corners[scene.material_of == 0], scene.corners[scene.material_of == 1]
    assert roof[:, 0].min() == pytest.approx(walls[:, 0].min() - 0.25)
    assert roof[:, 1].min() == pytest.approx(walls[:, 1].min() - 0.18)
    assert _bounds(scene)[1][1] == pytest.approx(GROUND_M)


def test_a_bench_is_a_seat_on_two_blocks():
    low, high = _bounds(_scene(lambda shop: props.add_bench(shop, 0.0, 3.0, 3.0)))
    assert low == pytest.approx([-0.8, GROUND_M - 0.47, 2.75])
    assert high == pytest.approx([0.8, GROUND_M, 3.25])
