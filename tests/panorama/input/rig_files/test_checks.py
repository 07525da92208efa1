from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.checks import check_rig
from tasks.panorama.types import Rig
from tests.support.panorama.rigs import ring_rig

RIG = ring_rig(3, 30.0)


def changed(**values) -> Rig:
    return Rig((*RIG.cameras[:2], replace(RIG.cameras[2], **values)))


def test_a_good_rig_passes():
    assert check_rig(RIG, "here") is RIG


@pytest.mark.parametrize(
    ("rig", "message"),
    [
        (Rig(RIG.cameras[:1]), "2 to 100 cameras, found 1"),
        (ring_rig(101, 3.0), "2 to 100 cameras, found 101"),
        (changed(name="camera0"), "'camera0' is used 2 times"),
        (changed(params=(float("nan"), 1.0, 1.0, 1.0)), "'camera2': expected finite numbers"),
        (changed(centre_m=np.full(3, np.inf)), "expected finite numbers"),
        (changed(width_px=0), "expected a positive size"),
        (changed(params=(-1.0, 1.0, 0.0, 0.0)), "expected a positive size and focal length"),
        (changed(camera_from_rig=1.01 * np.eye(3)), "expected a rotation matrix"),
        (changed(camera_from_rig=np.diag([1.0, 1, -1])), "expected a rotation matrix"),
    ],
)
def test_bad_rigs(rig, message):
    with pytest.raises(DataError, match=f"here.*{message}"):
        check_rig(rig, "here")
