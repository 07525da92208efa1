from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from tasks.panorama.algorithms.light.offsets import Offsets
from tasks.panorama.algorithms.place.source_maps import Maps
from tasks.panorama.algorithms.stitch.masks import hidden, kept_out, last_resort_share
from tasks.panorama.algorithms.stitch.seam_routing import routed_labels
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, LabelMap, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import (
    Sources,
    maps_of,
    proofs_of,
    reduced_maps,
    reduced_sources,
    sources_of,
    stitch,
)
from tasks.panorama.types import Alignment, BoolArray, ByteImage, Photometry, Rig
from tests.support.panorama.spheres import photo_of_sphere, pinhole

WIDTH_PX = 640
RIG = Rig(tuple(pinhole(f"{yaw_deg}", yaw_deg, 0) for yaw_deg in (-40, 0, 40)))
PLAIN = Photometry(np.ones((3, 3)), (0.0, 0.0))
MAPS = maps_of(Alignment(RIG, (None,) * 3), WIDTH_PX)
PURPLE = (255, 0, 255)


def usable_but(rows: slice, columns: slice) -> BoolArray:
    usable = np.ones((160, 160), bool)
    usable[rows, columns] = False
    return usable


SEEN_BY_OTHERS = usable_but(slice(50, 110), slice(36, 70))  # of b; a shows it too
SEEN_BY_NONE = usable_but(slice(70, 90), slice(77, 84))  # the middle of b
BOTH = SEEN_BY_OTHERS & SEEN_BY_NONE


def prepared(usable: BoolArray, blot: tuple[int, int, int]) -> Sources:
    photos = [photo_of_sphere(camera) for camera in RIG.cameras]
    photos[1][~usable] = blot
    return sources_of(photos, [None, usable, None], RIG, PLAIN, MAPS)


def panorama(
    sources: Sources, maps: Maps = MAPS, offsets: Mapping[int, Offsets] | None = None
) -> tuple[ByteImage, LabelMap]:
    labels = kept_out(fixed_labels(maps), maps, sources.masked)
    return stitch(sources, maps, labels, 5, offsets), labels


@pytest.mark.parametrize("factor", [1, 2])
def test_what_is_masked_shows_nowhere_at_any_band(factor: int):
    """The picture is the same to the last bit whatever the mask hides."""
    pictures = []
    for blot in (PURPLE, (0, 255, 0)):
        sources = prepared(SEEN_BY_OTHERS, blot)
        sources = sources if factor == 1 else reduced_sources(sources, factor)
        pictures.append(panorama(sources, reduced_maps(MAPS, factor))[0])
    np.testing.assert_array_equal(*pictures)

    maps = reduced_maps(MAPS, factor)
    clean, labels = panorama(
        prepared(np.ones((160, 160), bool), PURPLE)
        if factor == 1
        else reduced_sources(prepared(np.ones((160, 160), bool), PURPLE), factor),
        maps,
    )
    difference = np.abs(pictures[0].astype(int) - clean)[labels != UNCOVERED]
    assert difference.mean() < 0.5
    assert difference.max() < 20


def test_what_no_other_image_shows_is_published_and_counted():
    blots = (PURPLE, (0, 255, 0))
    pictures = {blot: panorama(prepared(BOTH, blot), offsets={}) for blot in blots}
    (one, labels), (other, _) = pictures.values()
    sources = prepared(BOTH, PURPLE)
    share = last_resort_share(labels, MAPS, sources.masked)

    differs = (one != other).any(axis=2)
    assert differs.sum() == pytest.approx(share * (labels != UNCOVERED).sum())
    assert 0.9 < differs.sum() / (7 * 20) < 1.5  # a pixel of the photo is about one of the picture
    rows, columns = np.nonzero(differs)
    assert abs(columns.mean() - WIDTH_PX / 2) < 2
    middle = int(rows.mean()), int(columns.mean())
    assert (one[middle] == PURPLE).all()

    dark = Offsets(np.full((WIDTH_PX // 2, WIDTH_PX, 3), np.log(0.51), np.float32), 1)
    darker, _ = panorama(prepared(BOTH, PURPLE), offsets={1: dark})
    assert (darker[middle] == (130, 0, 130)).all(), "it is as bright as its photo beside it"


def test_a_place_goes_to_the_unmasked_image_that_shows_it():
    sources = prepared(SEEN_BY_OTHERS, PURPLE)
    labels = fixed_labels(MAPS)
    result = kept_out(labels, MAPS, sources.masked)

    changed = labels != result
    assert changed.sum() > 100
    assert set(result[changed]) == {0}
    assert ((result == UNCOVERED) == (labels == UNCOVERED)).all()
    assert last_resort_share(result, MAPS, sources.masked) == 0
    assert last_resort_share(labels, MAPS, sources.masked) > 0.005


def test_masked_by_all_is_still_shown():
    photos = [photo_of_sphere(camera) for camera in RIG.cameras]
    none = np.zeros((160, 160), bool)
    sources = sources_of(photos, [none] * 3, RIG, PLAIN, MAPS)
    labels = kept_out(fixed_labels(MAPS), MAPS, sources.masked)

    np.testing.assert_array_equal(labels, fixed_labels(MAPS))
    assert last_resort_share(labels, MAPS, sources.masked) == 1.0
    assert stitch(sources, MAPS, labels, 5)[labels != UNCOVERED].std() > 20


def test_routed_seams_leave_out_what_is_masked():
    sources = prepared(BOTH, PURPLE)
    small = reduced_sources(sources, 2)
    proofs = proofs_of(small, reduced_maps(MAPS, 2))

    labels = routed_labels(MAPS, proofs, 20, sources.masked)

    found = MAPS[1]
    assert found is not None
    share = last_resort_share(labels, MAPS, sources.masked)
    assert share == last_resort_share(panorama(sources)[1], MAPS, sources.masked) > 0
    assert hidden(sources.masked[1], found, found.box).sum() > 2 * share * (labels < 3).sum()
