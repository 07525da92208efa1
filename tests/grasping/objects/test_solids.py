from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.grasping.objects.solids import (
    at,
    ball,
    body_of,
    bow,
    box,
    hull,
    lathe,
    obj_text,
    prism,
    read_parts,
    shell,
    slabs,
)


def test_box_has_the_known_volume_and_inertia():
    body = body_of(at(box(0.1, 0.2, 0.3), 1.0, -2.0, 3.0))

    assert body.volume_m3 == pytest.approx(0.006)
    xx, yy, zz = (0.2**2 + 0.3**2) / 12, (0.1**2 + 0.3**2) / 12, (0.1**2 + 0.2**2) / 12
    np.testing.assert_allclose(body.inertia_per_kg, [xx, yy, zz, 0, 0, 0], atol=1e-8)
    np.testing.assert_allclose(body.parts[0][0].mean(0), 0, atol=1e-9)
    assert body.reach_m == pytest.approx(np.linalg.norm([0.05, 0.1, 0.15]))


def test_turned_box_has_the_products_of_inertia_of_the_turned_tensor():
    straight = body_of(box(0.1, 0.2, 0.3)).inertia_per_kg
    turned = body_of(at(box(0.1, 0.2, 0.3), turn_deg=30)).inertia_per_kg

    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    tensor = turn @ np.diag(straight[:3]) @ turn.T
    np.testing.assert_allclose(
        turned,
        [tensor[0, 0], tensor[1, 1], tensor[2, 2], tensor[0, 1], tensor[0, 2], tensor[1, 2]],
        atol=1e-8,
    )
    assert abs(turned[3]) > 1e-4


def test_prism_and_ball_come_near_to_cylinder_and_sphere():
    assert body_of(prism(0.02, 0.1, 64)).volume_m3 == pytest.approx(np.pi * 0.02**2 * 0.1, rel=0.01)
    sphere = body_of(ball(0.03))
    assert sphere.volume_m3 == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=0.1)
    np.testing.assert_allclose(sphere.inertia_per_kg[:3], 0.4 * 0.03**2, rtol=0.1)


def test_two_boxes_balance_at_their_common_centre():
    body = body_of(at(box(0.1, 0.1, 0.1), -0.3) + at(box(0.1, 0.1, 0.2), 0.3))

    centres = [corners.mean(0)[0] for corners, _ in body.parts]
    np.testing.assert_allclose(centres, [-0.4, 0.2], atol=1e-9)


def test_hollow_things_are_hollow():
    full = body_of(lathe([(0.03, 0.0), (0.03, 0.06)], 12)).volume_m3
    wall = body_of(shell([(0.03, 0.0), (0.03, 0.06)], 0.003)).volume_m3
    assert wall == pytest.approx(full * (1 - 0.9**2), rel=1e-6)
    assert body_of(bow(0.03, 0.01, 0.01, 0, 360, 60)).volume_m3 == pytest.approx(
        2 * np.pi * 0.03 * 0.01 * 0.01, rel=0.01
    )


def test_faces_of_a_file_point_outwards_and_each_part_is_its_own_group(tmp_path):
    parts = box(0.02, 0.02, 0.02) + at(prism(0.01, 0.04, 6), 0.03)
    body = body_of(parts)
    for corners, faces in body.parts:
        a, b, c = (corners[faces[:, k]] for k in range(3))
        outwards = np.einsum("ni,ni->n", np.cross(b - a, c - a), a - corners.mean(0))
        assert (outwards > 0).all()
    path = tmp_path / "two.obj"
    path.write_text(obj_text(body))

    read = read_parts(path, 2.0)

    assert [len(part) for part in read] == [8, 12]
    np.testing.assert_allclose(np.ptp(read[0], axis=0), 0.04, atol=1e-6)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-180, 180))
def test_weight_does_not_depend_on_the_place(x_m: float, y_m: float, turn_deg: float):
    parts = box(0.02, 0.03, 0.04) + at(ball(0.01), 0.03)
    moved = body_of(at(parts, x_m, y_m, axis="x", turn_deg=turn_deg))
    assert moved.volume_m3 == pytest.approx(body_of(parts).volume_m3, rel=1e-6)
    assert moved.reach_m == pytest.approx(body_of(parts).reach_m, rel=1e-6)


def test_slabs_keep_all_points_and_the_outline():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1, 1, (400, 3))
    parts = slabs(points, 2, 4)
    assert len(parts) == 4
    assert len(np.unique(np.concatenate(parts), axis=0)) == 400
    assert all(np.ptp(part[:, 2]) < 0.8 for part in parts)


def test_hull_joins_parts_into_one():
    (joined,) = hull(box(0.1, 0.1, 0.1) + at(box(0.1, 0.1, 0.1), 0.1))
    assert body_of([joined]).volume_m3 == pytest.approx(0.002)
