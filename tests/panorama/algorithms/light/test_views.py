from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.light.views import views_of
from tasks.panorama.algorithms.place.source_maps import source_maps
from tasks.panorama.types import Rig
from tests.support.panorama.spheres import photo_of_sphere, pinhole

WIDTH_PX = 512


def test_what_is_dark_clipped_or_elsewhere_is_not_seen():
    rig = Rig((pinhole("a", 0, 0), pinhole("b", 90, 0)))
    maps = [source_maps(rig, [None, None], WIDTH_PX)[0], None]
    photo = np.maximum(photo_of_sphere(rig.cameras[0]).astype(np.float32), 20)
    height, width = photo.shape[:2]
    clipped = np.zeros((height, width), np.bool_)
    plain = views_of([photo, photo], [clipped, clipped], maps)
    photo = photo.copy()
    photo[: height // 2, : width // 2] = 2.0
    clipped[height // 2 :, width // 2 :] = True

    views = views_of([photo, photo], [clipped, clipped], maps)

    assert list(views) == [0]
    shares = views[0].seen.sum() / plain[0].seen.sum()
    assert 0.45 < shares < 0.52
    assert not views[0].seen[~plain[0].seen].any()
    assert views[0].logs[views[0].seen].min() > np.log(8)
