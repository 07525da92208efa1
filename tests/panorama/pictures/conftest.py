"""One stitched capture that the tests of this room share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.algorithms.stitch.restitch import Restitched, restitch
from tasks.panorama.config import RenderConfig, SolveConfig
from tasks.panorama.types import UNREPAIRED, Alignment, Photometry, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.spheres import photo_of_sphere, pinhole

WIDTH_PX = 512
TRUE = Rig((pinhole("a", -20, 0), pinhole("b", 20, 0)))
OFF = Rig((TRUE.cameras[0], pinhole("b", 21.5, 1.0)))
NONE = (None, None)


@pytest.fixture(scope="session")
def found() -> Restitched:
    matches = matches_under(Alignment(TRUE, NONE), [(0, 1)], 300)
    matches = replace(matches, held_out=np.ones(len(matches), bool))
    return restitch(
        [photo_of_sphere(camera) for camera in TRUE.cameras],
        NONE,
        {UNREPAIRED: Alignment(OFF, NONE), "recalibrated": Alignment(TRUE, NONE)},
        Photometry(np.ones((2, 3)), (0.0, 0.0)),
        matches,
        SolveConfig(),
        RenderConfig(width_px=WIDTH_PX),
    )
