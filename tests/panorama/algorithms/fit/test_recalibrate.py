from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.fit.recalibrate import recalibrate
from tasks.panorama.config import SolveConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, Correspondences, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.rigs import ring_rig

PAIRS = [(i, (i + 1) % 12) for i in range(12)]
CONFIG = SolveConfig(rotation_ridge=0.05, focal_ridge=0.05)


def _disturbed(rig: Rig, degrees: float, focal: float) -> Rig:
    rng = np.random.default_rng(1)
    cameras = []
    for camera in rig.cameras:
        turn = Rotation.from_rotvec(rng.normal(0, np.deg2rad(degrees), 3)).as_matrix()
        fx, fy, *rest = camera.params
        factor = 1 + rng.normal(0, focal)
        cameras.append(
            replace(
                camera,
                camera_from_rig=turn @ camera.camera_from_rig,
                params=(fx * factor, fy * factor, *rest),
            )
        )
    return Rig(tuple(cameras))


def _case() -> tuple[Rig, Rig, Correspondences]:
    """Nominal rig, true rig, and matches under the truth, all the way round."""
    nominal = ring_rig(12, 30.0, model="OPENCV")
    true = _disturbed(nominal, 0.15, 0.003)
    return nominal, true, matches_under(Alignment(true, (None,) * 12), PAIRS, 150)


def test_removes_rigid_miscalibration() -> None:
    nominal, _, matches = _case()
    before = errors_px(Alignment(nominal, (None,) * 12), matches)
    after = errors_px(Alignment(recalibrate(matches, nominal, CONFIG), (None,) * 12), matches)
    assert before.mean() > 1.5
    assert after.mean() < 0.03


def test_finds_the_focal_lengths() -> None:
    nominal, true, matches = _case()
    found = recalibrate(matches, nominal, CONFIG)
    focal = [[c.params[0] for c in rig.cameras] for rig in (found, true)]
    np.testing.assert_allclose(focal[0], focal[1], rtol=5e-4)


def test_keeps_the_focal_lengths_where_asked() -> None:
    nominal, _, matches = _case()
    found = recalibrate(matches, nominal, SolveConfig(refine_focal=False))
    for new, old in zip(found.cameras, nominal.cameras, strict=True):
        assert new.params == pytest.approx(old.params, rel=1e-9)


def test_the_mean_rotation_stays() -> None:
    nominal, _, matches = _case()
    found = recalibrate(matches, nominal, CONFIG)
    turns = [
        Rotation.from_matrix(new.camera_from_rig.T @ old.camera_from_rig).as_rotvec()
        for new, old in zip(found.cameras, nominal.cameras, strict=True)
    ]
    np.testing.assert_allclose(np.mean(turns, axis=0), 0, atol=1e-7)


def test_parallax_of_some_matches_does_little_harm() -> None:
    nominal, _, matches = _case()
    near = np.random.default_rng(3).random(len(matches)) < 0.2
    shifted = matches.points_b_px + near[:, None] * np.array([15.0, 0.0])
    found = recalibrate(replace(matches, points_b_px=shifted), nominal, CONFIG)
    off = errors_px(Alignment(found, (None,) * 12), matches)
    assert off.mean() < 0.8  # plain least squares: above 5


def test_a_camera_without_matches_stays_with_the_others() -> None:
    nominal, _, matches = _case()
    kept = matches.select((matches.image_a != 11) & (matches.image_b != 11))
    found = recalibrate(kept, nominal, CONFIG)
    assert found.cameras[11].params == nominal.cameras[11].params
