from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate.levelling import level


def ring(yaws_deg, pitch_deg=10.0) -> np.ndarray:
    angles = [[yaw, pitch_deg, 0] for yaw in yaws_deg]
    return Rotation.from_euler("YXZ", angles, degrees=True).as_matrix()


@given(st.integers(0, 1000))
def test_any_turn_of_the_rig_is_undone(seed):
    true = ring([-30, 0, 30])
    turned = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    # People hold cameras upright: keep the turn below 80 degrees from it.
    turned = Rotation.from_rotvec(0.4 * Rotation.from_matrix(turned).as_rotvec()).as_matrix()
    assert np.abs(level(turned @ true) - true).max() < np.radians(0.5)


def test_the_middle_of_a_part_turn_lies_ahead():
    assert np.abs(level(ring([100, 140, 200])) - ring([-50, -10, 50])).max() < np.radians(0.5)


def test_a_full_turn_begins_with_the_first_photo():
    axes = level(ring(range(70, 430, 40)))[:, :, 2]
    assert np.degrees(np.arctan2(axes[0, 0], axes[0, 2])) == pytest.approx(0, abs=1e-6)


def test_photos_above_each_other_use_their_own_up():
    true = Rotation.from_euler("YXZ", [[0, p, 0] for p in (20, 0, -20)], degrees=True).as_matrix()
    assert np.abs(level(true) - true).max() < 1e-6
