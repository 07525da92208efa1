"""True correspondences: the same surface, seen by both, and nothing in between."""

from __future__ import annotations

import numpy as np

from tasks.panorama.camera.camera import project, rays
from tasks.panorama.simulation.paint.materials import make_material
from tasks.panorama.simulation.rays.surfaces import SceneBuilder
from tasks.panorama.simulation.rays.true_points import find_true_points
from tasks.panorama.types import Camera, Rig


def _camera(x_m: float) -> Camera:
    centre = np.array([x_m, 0.0, 0.0])
    return Camera("c", 160, 120, "PINHOLE", (120.0, 120.0, 79.5, 59.5), np.eye(3), centre)


RIG = Rig((_camera(-0.1), _camera(0.1)))


def _scene(*, with_post: bool):
    builder = SceneBuilder()
    grey = builder.material(make_material(np.full((8, 8, 3), 100.0, np.float32), (1.0, 1.0)))
    builder.flat((-20.0, -1.0, 6.0), (40.0, 0.0, 0.0), (0.0, 30.0, 0.0), grey)
    if with_post:
        builder.cylinder((0.0, 9.0, 2.0), 0.1, 18.0, grey)
    return builder.build(None, None)


def test_points_on_a_wall_move_by_its_parallax():
    points = find_true_points(_scene(with_post=False), RIG)
    wall = ~points.is_sky
    assert set(points.image_a) == {0}
    assert set(points.image_b) == {1}
    moved = points.points_a_px - points.points_b_px
    # 0.2 m apart, 6 m away, focal length 120 px: 4 px. The sky does not move.
    assert np.abs(moved[wall] - (4.0, 0.0)).max() < 1e-4
    assert np.abs(moved[~wall]).max() < 1e-9
    assert wall.sum() > 150
    assert (~wall).sum() > 40


def test_points_lie_on_the_grid_and_inside_both_images():
    points = find_true_points(_scene(with_post=True), RIG)
    assert (points.points_a_px % 8 == 4).all()
    assert (points.points_b_px > -0.5).all()
    assert (points.points_b_px < (159.5, 119.5)).all()
    pairs = {tuple(row) for row in points.points_a_px}
    assert len(pairs) == len(points)


def test_what_a_post_hides_is_left_out():
    free = find_true_points(_scene(with_post=False), RIG)
    blocked = find_true_points(_scene(with_post=True), RIG)
    # Seen from b the post covers the wall between about -6.1 and -5.0 degrees left of ahead.
    row = blocked.points_a_px[:, 1] == 84
    columns = set(blocked.points_a_px[row, 0])
    everything = set(free.points_a_px[free.points_a_px[:, 1] == 84, 0])
    assert everything - columns
    for a_px, b_px in zip(blocked.points_a_px[row], blocked.points_b_px[row], strict=True):
        shift = a_px[0] - b_px[0]
        on_wall, on_post = abs(shift - 4.0) < 1e-3, 12.0 < shift < 13.5
        assert on_wall or on_post
        if on_wall:
            # The line of sight from b to the wall passes the post's axis at more than its radius.
            towards = rays(RIG.cameras[1], b_px[None])[0]
            sideways = 0.1 * towards[2] + 2.0 * towards[0]
            assert abs(sideways) / np.hypot(towards[0], towards[2]) > 0.0999


def test_three_images_pair_in_order():
    rig = Rig((*RIG.cameras, _camera(0.3)))
    points = find_true_points(_scene(with_post=False), rig)
    pairs = np.column_stack([points.image_a, points.image_b])
    assert {tuple(pair) for pair in pairs} == {(0, 1), (0, 2), (1, 2)}
    assert (np.diff(pairs[:, 0] * 10 + pairs[:, 1]) >= 0).all()
    # All three see one and the same point of the wall.
    third = points.image_b == 2
    places = rays(rig.cameras[2], points.points_b_px[third & (points.image_a == 0)])
    assert project(rig.cameras[2], places)[1].all()
