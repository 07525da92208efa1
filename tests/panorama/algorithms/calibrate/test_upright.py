from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate.upright import (
    ANY_LEAN_DEG,
    CALIBRATION_NOISE_DEG,
    CAR_S_LEAN_DEG,
    upright,
)
from tasks.panorama.types import FloatArray, Rig
from tests.support.panorama.rigs import make_camera


def rig_of(yaws_deg, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Rig:
    """Cameras around the vertical, x right, y down, z forward."""
    turns = [Rotation.from_euler("YXZ", [y, pitch_deg, roll_deg], degrees=True) for y in yaws_deg]
    return Rig(
        tuple(make_camera(name=str(i), rotation=t.as_matrix().T) for i, t in enumerate(turns))
    )


def leaning(rig: Rig, turn: FloatArray) -> Rig:
    return Rig(tuple(replace(c, camera_from_rig=c.camera_from_rig @ turn.T) for c in rig.cameras))


def yaws_deg(rig: Rig) -> list[float]:
    axes = np.stack([camera.camera_from_rig[2] for camera in rig.cameras])
    return np.degrees(np.arctan2(axes[:, 0], axes[:, 2])).tolist()


def lean_deg(rig: Rig) -> float:
    """By how much the plane of the right-hand axes leans."""
    rights = np.stack([camera.camera_from_rig[0] for camera in rig.cameras])
    return float(np.degrees(np.arcsin(np.abs(rights[:, 1]).max())))


RING = rig_of(range(0, 360, 45), pitch_deg=20.0)


def test_a_level_rig_stays():
    for kept in (CALIBRATION_NOISE_DEG, CAR_S_LEAN_DEG, ANY_LEAN_DEG):
        assert upright(RING, kept) == (RING, 0.0)


@pytest.mark.parametrize(
    ("lean", "kept", "after"),
    [
        (35, CALIBRATION_NOISE_DEG, 0),
        (3, CALIBRATION_NOISE_DEG, 0),
        (35, CAR_S_LEAN_DEG, 0),
        (3, CAR_S_LEAN_DEG, 3),
        (35, ANY_LEAN_DEG, 35),
        (180, CAR_S_LEAN_DEG, 0),
    ],
)
def test_a_lean_beyond_what_is_kept_is_taken_out(lean, kept, after):
    rig = leaning(RING, Rotation.from_euler("z", lean, degrees=True).as_matrix())
    found, forward = upright(rig, kept)
    assert lean_deg(found) == pytest.approx(after, abs=1e-6)
    assert forward == pytest.approx(0, abs=1e-6)
    if lean == 180:
        assert found is rig, "it is the cameras that hang upside down"


def test_the_frame_of_a_camera_that_looks_up():
    """The reference sensor's frame: its axes lean as it does."""
    reference = RING.cameras[2]
    rig = leaning(RING, reference.camera_from_rig)
    found, forward = upright(rig, CALIBRATION_NOISE_DEG)
    assert lean_deg(found) == pytest.approx(0, abs=1e-6)
    assert forward == pytest.approx(0, abs=1e-6)
    assert yaws_deg(found)[2] == pytest.approx(0, abs=1e-6)


def test_cameras_on_their_sides_say_nothing_of_up():
    rig = leaning(rig_of(range(0, 360, 45), roll_deg=90.0), np.eye(3))
    assert upright(rig, CALIBRATION_NOISE_DEG)[0] is rig


@pytest.mark.parametrize("middle", [180, -150, 160])
def test_an_arc_across_the_ends_is_turned_to_the_middle(middle):
    rig = rig_of([middle - 30, middle, middle + 30])
    found, forward = upright(rig, ANY_LEAN_DEG)
    # Cells of 5 degrees; the principal point is off the middle of the test camera.
    assert yaws_deg(found) == pytest.approx([-30, 0, 30], abs=5)
    assert (yaws_deg(found)[1] - middle - forward + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_an_arc_that_is_whole_stays():
    rig = rig_of([60, 90, 120])
    assert upright(rig, ANY_LEAN_DEG) == (rig, 0.0)
