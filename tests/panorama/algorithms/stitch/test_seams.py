from __future__ import annotations

import numpy as np

from tasks.panorama.algorithms.place.source_maps import source_maps
from tasks.panorama.algorithms.stitch.seams import (
    UNCOVERED,
    fixed_labels,
    labels_from_grid,
)
from tasks.panorama.camera.camera import project
from tasks.panorama.types import FloatArray, Rig
from tests.support.panorama.equirect import directions
from tests.support.panorama.spheres import pinhole, small_rosette

WIDTH_PX = 512


def distances_by_projection(rig: Rig) -> FloatArray:
    sphere = directions(WIDTH_PX, WIDTH_PX // 2).reshape(-1, 3)
    rows = []
    for camera in rig.cameras:
        points, valid = project(camera, sphere)
        size = np.array([camera.width_px, camera.height_px])
        distance = np.minimum(points, size - 1 - points).min(axis=1) + 0.5
        rows.append(np.where(valid, distance / camera.params[0], 0))
    return np.array(rows)


def test_fixed_labels_are_those_of_the_farthest_border():
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, WIDTH_PX)

    labels = fixed_labels(maps).ravel()

    distances = distances_by_projection(rig)
    covered = distances.max(axis=0) > 0
    assert ((labels != UNCOVERED) != covered).mean() < 1e-3
    both = covered & (labels != UNCOVERED)
    lost = distances.max(axis=0)[both] - distances[labels[both], np.flatnonzero(both)]
    assert lost.max() < 0.01
    assert set(labels) == {*range(7), UNCOVERED}


def test_fixed_labels_follow_the_nominal_maps_where_the_image_reaches():
    nominal = small_rosette()
    moved = Rig(
        tuple(pinhole(c.name, 60.0 * k + 1.0, 12.0) for k, c in enumerate(nominal.cameras[:6]))
    )
    nominal_maps = source_maps(Rig(nominal.cameras[:6]), [None] * 6, WIDTH_PX)
    maps = source_maps(moved, [None] * 6, WIDTH_PX)

    labels = fixed_labels(maps, nominal_maps)

    wanted, own = fixed_labels(nominal_maps), fixed_labels(maps)
    assert ((labels != UNCOVERED) == (own != UNCOVERED)).all()
    inner = (wanted != UNCOVERED) & (own != UNCOVERED)
    inner[:100] = inner[-100:] = False
    assert (labels == wanted)[inner].mean() > 0.999
    assert (own == wanted)[inner].mean() < 0.99


def test_share_decides_only_where_the_image_shows():
    rig = Rig((pinhole("a", 0, 0), pinhole("b", 40, 0)))
    maps = source_maps(rig, [None, None], WIDTH_PX)
    assert maps[0] is not None
    assert maps[1] is not None
    zero = np.zeros(maps[0].nodes_px.shape[:2], np.float32)
    one = np.ones(maps[1].nodes_px.shape[:2], np.float32)

    labels = labels_from_grid(maps, [zero, one])

    alone = fixed_labels([None, maps[1]])
    assert ((labels == 1) == (alone == 1)).all()
    assert (labels == 0).any()
