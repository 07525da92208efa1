from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.place.source_maps import source_maps
from tasks.panorama.algorithms.stitch.seam_excess import seam_excesses, worst_excess
from tasks.panorama.algorithms.stitch.seam_routing import Proof
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.types import Float32Array, Rig
from tests.support.panorama.spheres import pinhole

WIDTH_PX = 512


def scene(edge_column: int) -> Float32Array:
    """A picture with an upright edge of 60 grey levels."""
    picture = np.full((WIDTH_PX // 2, WIDTH_PX), 90.0, np.float32)
    picture[:, edge_column:] = 150.0
    return picture


def proofs_and_labels(yaw_deg: float, *pictures: Float32Array) -> tuple[list[Proof], LabelMap]:
    """Two cameras side by side that see parts of one picture each."""
    rig = Rig((pinhole("a", yaw_deg, 0), pinhole("b", yaw_deg + 40, 0)))
    maps = source_maps(rig, [None, None], WIDTH_PX)
    proofs = []
    for found, picture in zip(maps, pictures, strict=True):
        assert found is not None
        columns = np.arange(found.box.left_px, found.box.right_px) % WIDTH_PX
        part = picture[found.box.top_px : found.box.bottom_px][:, columns]
        proofs.append(Proof(found, part, np.ones(part.shape, bool)))
    return proofs, fixed_labels(maps)


def seam_column(labels: LabelMap) -> int:
    """First column right of the seam, in the middle row."""
    row = labels[WIDTH_PX // 4].astype(int)
    return int(np.flatnonzero((row == 1) & (np.roll(row, 1) == 0))[0])


def mosaic(labels: LabelMap, *pictures: Float32Array) -> Float32Array:
    return np.where(labels == 0, pictures[0], pictures[1]) * (labels != UNCOVERED)


@pytest.mark.parametrize("yaw_deg", [-20.0, 160.0])
def test_edge_of_the_scene_along_the_seam_is_no_excess(yaw_deg: float):
    _, labels = proofs_and_labels(yaw_deg, scene(0), scene(0))
    picture = scene(seam_column(labels))
    proofs, labels = proofs_and_labels(yaw_deg, picture, picture)

    (seam,) = seam_excesses(mosaic(labels, picture, picture), labels, proofs)

    assert seam.pair == (0, 1)
    assert seam.ratio == pytest.approx(1.0, abs=0.01)
    assert np.abs(seam.differences).max() == 0.0


def test_step_that_no_image_shows_is_all_excess():
    bright, dark = np.full_like(scene(0), 120.0), np.full_like(scene(0), 110.0)
    proofs, labels = proofs_and_labels(-20.0, bright, dark)

    (seam,) = seam_excesses(mosaic(labels, bright, dark), labels, proofs)

    assert seam.ratio == pytest.approx(10.5 / 0.5, rel=0.01)
    np.testing.assert_array_equal(seam.differences, 10.0)
    beside = labels[seam.places_px[:, 1], seam.places_px[:, 0]]
    assert set(np.unique(beside)) <= {0, 1}
    assert worst_excess([seam]) == seam.ratio


def test_short_seams_are_not_judged():
    plain = np.full_like(scene(0), 100.0)
    proofs, labels = proofs_and_labels(-20.0, plain, plain)
    labels[: WIDTH_PX // 4 - 5] = UNCOVERED
    labels[WIDTH_PX // 4 + 5 :] = UNCOVERED

    seams = seam_excesses(plain, labels, proofs)

    assert len(seams[0].places_px) == 10
    assert worst_excess(seams) is None


def test_places_that_one_image_does_not_show_are_left_out():
    plain = np.full_like(scene(0), 100.0)
    proofs, labels = proofs_and_labels(-20.0, plain, plain)
    proofs[1].seen[:] = False

    assert seam_excesses(plain, labels, proofs) == []
    assert seam_excesses(plain, labels, [proofs[0], None]) == []
