from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.panorama.algorithms.fit.align import align_images
from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.algorithms.stitch.restitch import (
    REFITTED,
    Restitched,
    restitch,
    unrepaired_windows,
)
from tasks.panorama.algorithms.stitch.seams import UNCOVERED, fixed_labels
from tasks.panorama.algorithms.stitch.stitch import stitch
from tasks.panorama.config import RenderConfig, SolveConfig
from tasks.panorama.types import UNREPAIRED, Alignment, Correspondences, Photometry, Rig
from tests.support.panorama.matches import matches_under
from tests.support.panorama.spheres import photo_of_sphere, pinhole

WIDTH_PX = 512
NONE = (None, None, None)
TRUE = Rig(tuple(pinhole(f"c{k}", 150 + 40.0 * k, 0.0) for k in range(3)))
OFF = Rig((TRUE.cameras[0], pinhole("c1", 191.5, 1.0), TRUE.cameras[2]))
FOUR = Rig(tuple(pinhole(f"c{k}", 40.0 * k - 60, 0.0) for k in range(4)))
FOUR_OFF = Rig((FOUR.cameras[0], pinhole("c1", -18.5, 1.0), *FOUR.cameras[2:]))
NO_FIELDS = (None,) * 4
CONFIG = RenderConfig(width_px=WIDTH_PX)
SOLVE = SolveConfig(num_cells=4)


@pytest.fixture(scope="module")
def matches() -> Correspondences:
    found = matches_under(Alignment(TRUE, NONE), [(0, 1), (1, 2)], 200)
    return replace(found, held_out=np.ones(len(found), bool))


def restitched(nominal: Rig, repair: Rig, matches: Correspondences) -> Restitched:
    photos = [photo_of_sphere(camera) for camera in TRUE.cameras]
    ways = {UNREPAIRED: Alignment(nominal, NONE), "recalibrated": Alignment(repair, NONE)}
    plain = Photometry(np.ones((3, 3)), (0.0, 0.0))
    return restitch(photos, NONE, ways, plain, matches, SolveConfig(), CONFIG)


def test_good_repair_is_drawn(matches: Correspondences):
    found = restitched(OFF, TRUE, matches)

    assert found.decision.published == "recalibrated"
    assert found.panorama.shape == (WIDTH_PX // 2, WIDTH_PX, 3)
    assert (found.panorama[found.labels == UNCOVERED] == 0).all()
    assert found.panorama[found.labels != UNCOVERED].min() > 30
    assert set(found.assessments) == {UNREPAIRED, "recalibrated"}


def test_harmful_repair_is_not(matches: Correspondences):
    found = restitched(TRUE, OFF, matches)

    assert found.decision.published == UNREPAIRED
    assert "held-out error" in found.decision.reasons[0]
    assert found.maps is found.nominal


def test_second_best_way_is_not_stitched_where_the_best_passes(matches: Correspondences):
    photos = [photo_of_sphere(camera) for camera in TRUE.cameras]
    plain = Photometry(np.ones((3, 3)), (0.0, 0.0))
    half_way = Rig((TRUE.cameras[0], pinhole("c1", 190.7, 0.5), TRUE.cameras[2]))
    rigs = {UNREPAIRED: OFF, "recalibrated": half_way, "warped": TRUE}
    ways = {name: Alignment(rig, NONE) for name, rig in rigs.items()}

    found = restitch(photos, NONE, ways, plain, matches, SolveConfig(), CONFIG)

    assert found.decision.published == "warped"
    assert set(found.assessments) == {UNREPAIRED, "warped"}
    assert found.outlines["recalibrated"].numbers["held_out_mean_px"] > 1


def restitched_misled(matches: Correspondences, *pairs: tuple[int, int]) -> Restitched:
    """All matches of some overlaps, held-out ones too, are off alike."""
    photos = [photo_of_sphere(camera) for camera in FOUR.cameras]
    misled = np.zeros(len(matches), bool)
    for a, b in pairs:
        misled |= (matches.image_a == a) & (matches.image_b == b)
    off = replace(matches, points_b_px=matches.points_b_px + np.outer(misled, (14.0, -8.0)))
    ways = {UNREPAIRED: Alignment(FOUR_OFF, NO_FIELDS)}
    ways["warped"] = align_images(off, FOUR_OFF, SOLVE).warped
    plain = Photometry(np.ones((4, 3)), (0.0, 0.0))
    return restitch(photos, NO_FIELDS, ways, plain, off, SOLVE, CONFIG)


@pytest.fixture(scope="module")
def fittable() -> Correspondences:
    found = matches_under(Alignment(FOUR, NO_FIELDS), [(0, 1), (1, 2), (2, 3)], 400)
    return replace(found, held_out=np.arange(len(found)) % 4 == 0)


def test_repair_that_an_overlap_misled_is_fitted_again_without_it(fittable: Correspondences):
    found = restitched_misled(fittable, (2, 3))

    assert found.decision.published == REFITTED
    assert found.outlines[REFITTED].held == ((2, 3),)
    assert "warped: SSIM falls on overlap 2-3" in found.decision.reasons[-1]
    before, after = (found.assessments[way].figures.overlaps for way in (UNREPAIRED, REFITTED))
    assert after[0, 1].similarity > 0.99 > before[0, 1].similarity
    assert after[2, 3].similarity > before[2, 3].similarity - CONFIG.similarity_tolerance


def test_there_is_no_second_fit_where_most_overlaps_misled_the_first(fittable: Correspondences):
    found = restitched_misled(fittable, (1, 2), (2, 3))

    assert found.decision.published == UNREPAIRED
    assert set(found.assessments) == {UNREPAIRED, "warped"}


def test_second_fit_needs_other_matches_to_judge_it_by(fittable: Correspondences):
    only = fittable.select((fittable.image_a == 2) | ~fittable.held_out)

    found = restitched_misled(only, (2, 3))

    assert found.decision.published == UNREPAIRED
    assert set(found.assessments) == {UNREPAIRED, "warped"}


def test_window_is_cut_from_the_whole(matches: Correspondences):
    found = restitched(TRUE, OFF, matches)
    window = Box(WIDTH_PX - 30, 90, 60, 70)

    (part,) = unrepaired_windows(found, [window], 2)

    whole = stitch(found.sources, found.nominal, fixed_labels(found.nominal), 2)
    expected = whole[90:160][:, columns_of(window, WIDTH_PX)]
    assert np.abs(part.astype(int) - expected).max() <= 2


def test_published_picture_is_what_its_parts_give(matches: Correspondences):
    found = restitched(TRUE, OFF, matches)

    again = stitch(found.sources, found.maps, found.labels, CONFIG.num_bands)

    assert (again == found.panorama).all()


def test_width_can_follow_the_images(matches: Correspondences):
    photos = [photo_of_sphere(camera) for camera in TRUE.cameras]
    plain = Photometry(np.ones((3, 3)), (0.0, 0.0))
    ways = {UNREPAIRED: Alignment(TRUE, NONE)}

    found = restitch(photos, NONE, ways, plain, matches, SolveConfig(), RenderConfig(width_px=0))

    assert found.panorama.shape[1] == 640
    assert not found.decision.is_repaired
