from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.panorama.algorithms.calibrate.features import Features, find_features
from tasks.panorama.algorithms.calibrate.rig_evidence import RigEvidence, weigh_rig
from tasks.panorama.camera.overlaps import overlapping_pairs
from tasks.panorama.types import Rig
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere

RIG = ring_rig(5, 30.0)


def photos_of(seed: int) -> list[Features]:
    sphere = textured_sphere(1536, seed)
    return [find_features(photograph(c, sphere), None, 80_000, 400) for c in RIG.cameras]


FEATURES, ELSEWHERE = photos_of(0), photos_of(1)


def weigh(features: list[Features], rig: Rig = RIG) -> RigEvidence:
    return weigh_rig(features, [None] * len(features), rig, overlapping_pairs(rig, 0.02))


def with_camera(index: int, **changed: object) -> Rig:
    cameras = list(RIG.cameras)
    cameras[index] = replace(cameras[index], **changed)
    return Rig(tuple(cameras))


def test_a_rig_that_is_right_or_nearly_so_is_borne_out():
    turn = Rotation.from_euler("xyz", [1.0, -1.5, 2.0], degrees=True).as_matrix()
    for rig in (RIG, with_camera(2, camera_from_rig=turn @ RIG.cameras[2].camera_from_rig)):
        found = weigh(FEATURES, rig)
        assert found.fits
        assert found.contradicting == {}
        for pair in ((0, 1), (1, 2), (2, 3), (3, 4)):
            assert found.overlaps[pair].agrees


def test_what_a_photo_masks_is_not_expected_of_it():
    """Such as what the rig takes to lie beside the circle of a fisheye photo."""
    strangers = [FEATURES[0], ELSEWHERE[1]]
    rig, usable = Rig(RIG.cameras[:2]), np.ones((320, 240), bool)
    assert weigh_rig(strangers, [None, usable], rig, [(0, 1)]).overlaps[0, 1].disagrees
    usable[:, :120] = False  # of the second, all that the first sees
    found = weigh_rig(strangers, [None, usable], rig, [(0, 1)])
    assert found.overlaps[0, 1].num_expected < 10
    assert found.fits


def test_photos_that_changed_places_are_told_from_their_neighbours():
    found = weigh([FEATURES[index] for index in (0, 1, 3, 2, 4)])
    assert found.fits
    assert set(found.contradicting) == {2, 3}
    assert found.overlaps[2, 3].disagrees


@pytest.mark.parametrize("index", [0, 2])
def test_a_photo_of_another_place_is_told(index):
    features = [*FEATURES[:index], ELSEWHERE[index], *FEATURES[index + 1 :]]
    found = weigh(features)
    assert found.fits
    assert found.contradicting == {index: "it shows nothing of what its neighbours by the rig show"}


def test_a_camera_that_was_turned_is_told():
    turn = Rotation.from_euler("xyz", [5.0, 25.0, -8.0], degrees=True).as_matrix()
    found = weigh(FEATURES, with_camera(1, camera_from_rig=turn @ RIG.cameras[1].camera_from_rig))
    assert found.fits
    assert found.contradicting == {1: "it looks elsewhere than the rig says"}


def test_a_camera_whose_overlap_is_too_small_to_say_anything_is_told_by_its_links():
    turn = Rotation.from_euler("y", -38.0, degrees=True).as_matrix()
    rig = with_camera(4, camera_from_rig=turn @ RIG.cameras[4].camera_from_rig)
    found = weigh(FEATURES, rig)
    assert not any(each.disagrees for each in found.overlaps.values())
    assert found.contradicting == {4: "it looks elsewhere than the rig says"}


@pytest.mark.parametrize("factor", [0.65, 1.5, 2.5])
def test_a_rig_of_another_lens_fits_nothing(factor):
    cameras = [
        replace(c, params=(c.params[0] * factor, c.params[1] * factor, *c.params[2:]))
        for c in RIG.cameras
    ]
    assert not weigh(FEATURES, Rig(tuple(cameras))).fits


def test_a_rig_of_other_photos_fits_nothing():
    assert not weigh([FEATURES[index] for index in (3, 0, 4, 1, 2)]).fits


def test_photos_without_structure_say_nothing():
    none = Features(np.zeros((0, 2)), np.zeros((0, 128), np.float32))
    found = weigh([none] * 5)
    assert found.fits
    assert found.contradicting == {}
    mixed = weigh([FEATURES[0], FEATURES[1], FEATURES[2], none, none])
    assert mixed.fits
    assert mixed.contradicting == {}


def test_cameras_that_share_nothing_can_not_be_compared():
    rig = ring_rig(3, 110.0)
    found = weigh([FEATURES[0], ELSEWHERE[1], FEATURES[4]], rig)
    assert found.overlaps == {}
    assert found.fits
