"""Misalignment of points whose error is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.camera.camera import project, rays
from tasks.panorama.metrics.misalignment import by_pair, errors_px, measure_misalignment
from tasks.panorama.types import Alignment, Camera, Rig


@dataclass(frozen=True)
class _Points:
    image_a: np.ndarray
    image_b: np.ndarray
    points_a_px: np.ndarray
    points_b_px: np.ndarray


@dataclass(frozen=True)
class _Shift:
    by_px: tuple[float, float]

    def sample(self, points_px):
        return np.broadcast_to(self.by_px, points_px.shape)


def _camera(yaw_deg: float) -> Camera:
    turn = Rotation.from_euler("Y", -yaw_deg, degrees=True).as_matrix()
    return Camera("c", 200, 200, "PINHOLE", (200.0, 200.0, 99.5, 99.5), turn, np.zeros(3))


def _points(rig: Rig) -> _Points:
    grid = np.stack(np.meshgrid(np.arange(120.0, 200.0, 8), np.arange(0.0, 200, 8)), -1)
    points_a = grid.reshape(-1, 2)
    points_b, valid = project(rig.cameras[1], rays(rig.cameras[0], points_a))
    zeros = np.zeros(valid.sum(), np.int64)
    return _Points(zeros, zeros + 1, points_a[valid], points_b[valid])


RIG = Rig((_camera(0.0), _camera(30.0)))


def test_perfect_alignment_has_no_error():
    assert errors_px(Alignment(RIG, (None, None)), _points(RIG)).max() < 1e-9


def test_a_turn_about_the_axis_of_the_points_is_its_angle():
    # Points on the horizon (y = 99.5) move by the full angle of a turn about the vertical.
    points = _points(RIG)
    level = np.abs(points.points_a_px[:, 1] - 99.5) < 0.6
    assert not level.any()
    on_level = np.array([[150.0, 99.5], [180.0, 99.5]])
    in_b, _ = project(RIG.cameras[1], rays(RIG.cameras[0], on_level))
    pair = _Points(np.array([0, 0]), np.array([1, 1]), on_level, in_b)
    turned = replace(RIG, cameras=(RIG.cameras[0], _camera(30.5)))
    result = measure_misalignment(Alignment(turned, (None, None)), pair)
    assert result.num_points == 2
    assert result.mean_px == pytest.approx(0.5 / 360.0 * 4096, rel=1e-9)
    assert result.p95_px == pytest.approx(result.mean_px)


def test_fields_move_the_points():
    points = _points(RIG)
    undone = _Points(
        points.image_a, points.image_b, points.points_a_px - (3.0, -2.0), points.points_b_px
    )
    moved = Alignment(RIG, (_Shift((3.0, -2.0)), None))
    assert errors_px(moved, undone).max() < 1e-9
    assert errors_px(Alignment(RIG, (None, None)), undone).min() > 5.0


def test_only_what_counts_counts():
    errors_at = _points(RIG)
    moved = Alignment(RIG, (_Shift((1.0, 0.0)), None))
    counted = np.zeros(len(errors_at.image_a), bool)
    counted[:3] = True
    result = measure_misalignment(moved, errors_at, counted)
    assert result.num_points == 3
    assert result.mean_px == pytest.approx(errors_px(moved, errors_at)[:3].mean())
    with pytest.raises(DataError, match="at least one"):
        measure_misalignment(moved, errors_at, np.zeros_like(counted))


def test_pairs_are_told_apart():
    rig = Rig((*RIG.cameras, _camera(30.0)))
    one = _points(RIG)
    both = _Points(
        np.concatenate([one.image_a, one.image_a]),
        np.concatenate([one.image_b, one.image_b + 1]),
        np.concatenate([one.points_a_px] * 2),
        np.concatenate([one.points_b_px] * 2),
    )
    fields = (None, None, _Shift((2.0, 0.0)))
    pairs = by_pair(errors_px(Alignment(rig, fields), both), both)
    assert list(pairs) == [(0, 1), (0, 2)]
    assert pairs[0, 1].mean_px < 1e-9
    assert pairs[0, 2].mean_px > 3.0
