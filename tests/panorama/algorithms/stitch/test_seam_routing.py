from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.panorama.algorithms.place.source_maps import (
    SourceMap,
    border_distance,
    reduced,
    source_maps,
)
from tasks.panorama.algorithms.place.warp import prefiltered
from tasks.panorama.algorithms.stitch.masks import Masked, hidden, masked_of
from tasks.panorama.algorithms.stitch.seam_routing import Proof, proof_of, routed_labels
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.types import ByteImage, Rig
from tests.support.panorama.spheres import photo_of_sphere, pinhole, small_rosette

WIDTH_PX = 1024


def proofs_of(
    photos: list[ByteImage], maps: list[SourceMap | None], masks: list[Masked | None]
) -> list[Proof | None]:
    result: list[Proof | None] = []
    for photo, found, mask in zip(photos, maps, masks, strict=True):
        assert found is not None
        small = reduced(found, 2)
        grey = cv2.cvtColor(photo, cv2.COLOR_BGR2GRAY)
        result.append(
            proof_of(prefiltered(grey, small.focal_px, small.panorama_width_px), mask, small)
        )
    return result


def shown_by_owner(labels: LabelMap, maps: list[SourceMap | None]) -> bool:
    for index, found in enumerate(maps):
        assert found is not None
        alone = fixed_labels([found if k == index else None for k in range(len(maps))])
        if ((labels == index) & (alone == UNCOVERED)).any():
            return False
    return True


@pytest.mark.parametrize("yaw_deg", [-20.0, 160.0])
def test_border_leaves_a_disagreement_where_it_can(yaw_deg: float):
    """Two images that differ in a block on the middle line, over +-180 degrees too."""
    rig = Rig((pinhole("a", yaw_deg, 0), pinhole("b", yaw_deg + 40, 0)))
    maps = source_maps(rig, [None, None], WIDTH_PX)
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    photos[0][60:100, 115:135] = 255

    labels = routed_labels(maps, proofs_of(photos, maps, [None, None]), 128, [None, None])

    block = np.zeros((160, 160), np.uint8)
    block[60:100, 115:135] = 1
    found = maps[0]
    assert found is not None
    warped = (
        proof_of(
            prefiltered(block * np.uint8(255), found.focal_px, found.panorama_width_px), None, found
        ).grey
        > 128
    )
    columns = np.arange(found.box.left_px, found.box.right_px) % WIDTH_PX
    over_block = labels[found.box.top_px : found.box.bottom_px][:, columns][warped]
    plain = fixed_labels(maps)[found.box.top_px : found.box.bottom_px][:, columns][warped]
    assert len(np.unique(plain)) == 2
    assert len(np.unique(over_block)) == 1
    assert ((labels == UNCOVERED) == (fixed_labels(maps) == UNCOVERED)).all()


def test_a_masked_object_on_the_border_goes_to_the_other_image_whole():
    rig = Rig((pinhole("a", -20, 0), pinhole("b", 20, 0)))
    maps = source_maps(rig, [None, None], WIDTH_PX)
    photos = [photo_of_sphere(camera) for camera in rig.cameras]
    mask = np.zeros((160, 160), bool)
    mask[60:100, 105:145] = True
    found = maps[0]
    assert found is not None
    masked = [
        masked_of(photos[0].astype(np.float32), ~mask, found.focal_px, WIDTH_PX),
        None,
    ]

    labels = routed_labels(maps, proofs_of(photos, maps, masked), 128, masked)

    inside = hidden(masked[0], found, found.box)
    columns = np.arange(found.box.left_px, found.box.right_px) % WIDTH_PX
    rows = slice(found.box.top_px, found.box.bottom_px)
    assert len(np.unique(fixed_labels(maps)[rows][:, columns][inside])) == 2
    assert np.unique(labels[rows][:, columns][inside]).tolist() == [1]


def test_nothing_drops_out_whatever_the_images_hold():
    rig = small_rosette()
    maps = source_maps(rig, [None] * 7, 512)
    rng = np.random.default_rng(3)
    photos = [rng.integers(0, 255, (160, 160, 3), dtype=np.uint8) for _ in rig.cameras]

    labels = routed_labels(maps, proofs_of(photos, maps, [None] * 7), 64, [None] * 7)

    fixed = fixed_labels(maps)
    assert ((labels == UNCOVERED) == (fixed == UNCOVERED)).all()
    assert shown_by_owner(labels, maps)
    assert 0.001 < (labels != fixed).mean() < 0.4


def test_proof_tells_what_is_seen():
    camera = pinhole("c", 0, 0)
    (found,) = source_maps(Rig((camera,)), [None], WIDTH_PX)
    assert found is not None

    proof = proof_of(np.full((160, 160), 50, np.float32), None, found)

    np.testing.assert_array_equal(proof.seen, border_distance(found, found.box) > 0)
    np.testing.assert_allclose(proof.grey, 50, atol=1e-3)
