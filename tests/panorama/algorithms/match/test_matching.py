from __future__ import annotations

import numpy as np
import pytest

from tasks.panorama.algorithms.match.matching import match_images, match_pairs
from tasks.panorama.config import MatchConfig
from tasks.panorama.metrics.misalignment import errors_px
from tasks.panorama.types import Alignment, ByteImage, Rig
from tests.support.panorama.rigs import ring_rig
from tests.support.panorama.views import photograph, textured_sphere

PAIRS = [(0, 1), (1, 2)]
SPHERE = textured_sphere()
CONFIG = MatchConfig()


def _rig(step_deg: float = 30.0) -> Rig:
    return ring_rig(3, step_deg, model="OPENCV")


def _photos(rig: Rig) -> list[ByteImage]:
    gains = (0.8, 1.0, 1.2)
    return [
        np.clip(photograph(camera, SPHERE) * gain, 0, 255).astype(np.uint8)
        for camera, gain in zip(rig.cameras, gains, strict=True)
    ]


@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_matches_show_the_same_point_though_the_calibration_is_off(scale: float) -> None:
    true, nominal = _rig(30.0), _rig(30.6)
    config = MatchConfig(scale=scale)
    matches = match_images(_photos(true), [None] * 3, nominal, PAIRS, config)
    assert len(matches) > 300
    nominal_px = errors_px(Alignment(nominal, (None,) * 3), matches)
    true_px = errors_px(Alignment(true, (None,) * 3), matches)
    px = 2048 / np.pi / nominal.cameras[0].params[0]  # panorama px per source px
    assert np.median(nominal_px) == pytest.approx(6.8, abs=0.5)
    assert np.median(true_px) < 0.25 * px
    assert np.mean(true_px > px) < 0.02


def test_colours_are_those_of_the_images() -> None:
    rig = _rig()
    matches = match_images(_photos(rig), [None] * 3, rig, PAIRS, CONFIG)
    ratio = np.median(matches.colours_b / matches.colours_a, axis=0)
    np.testing.assert_allclose(ratio, 1.22, rtol=0.06)  # between 1.0 / 0.8 and 1.2 / 1.0


def test_masked_parts_give_no_matches() -> None:
    rig = _rig()
    mask = np.ones((320, 240), bool)
    mask[:160] = False
    matches = match_images(_photos(rig), [None, mask, None], rig, PAIRS, CONFIG)
    in_second = np.concatenate(
        [
            matches.points_b_px[matches.image_b == 1],
            matches.points_a_px[matches.image_a == 1],
        ]
    )
    assert len(in_second) > 50
    assert in_second[:, 1].min() > 158


def test_what_is_masked_changes_no_match() -> None:
    rig = _rig()
    mask = np.ones((320, 240), bool)
    mask[100:180, 40:120] = False
    found = []
    for grey in (0, 255):
        photos = _photos(rig)
        photos[1] = photos[1].copy()
        photos[1][~mask] = grey
        found.append(match_images(photos, [None, mask, None], rig, PAIRS, CONFIG))
    for one, other in zip(*(vars(matches).values() for matches in found), strict=True):
        np.testing.assert_array_equal(one, other)


def test_flat_images_give_no_matches() -> None:
    rig = _rig()
    flat = [np.full((320, 240, 3), 90, np.uint8)] * 3
    assert len(match_images(flat, [None] * 3, rig, PAIRS, CONFIG)) == 0


def test_no_pairs_give_no_matches() -> None:
    rig = _rig()
    assert len(match_images(_photos(rig), [None] * 3, rig, [], CONFIG)) == 0


def test_a_fifth_of_the_matches_is_held_out() -> None:
    rig = _rig()
    matches = match_images(_photos(rig), [None] * 3, rig, PAIRS, CONFIG)
    assert 0.05 < matches.held_out.mean() < 0.4
    none = match_images(_photos(rig), [None] * 3, rig, PAIRS, MatchConfig(held_out_share=0.0))
    assert not none.held_out.any()


def test_flow_of_a_true_rig_is_nearly_none() -> None:
    rig = _rig()
    for found in match_pairs(_photos(rig), [None] * 3, rig, PAIRS, CONFIG):
        assert found.flow.kept.any()
        assert np.median(np.linalg.norm(found.flow.flow.forth[found.flow.kept], axis=1)) < 0.2
        assert found.flow.patches[0].shape == found.flow.kept.shape
        assert set(found.matches.image_a.tolist()) == {found.pair[0]}


def test_long_photos_are_reduced_for_the_flow_and_matched_in_their_own_px() -> None:
    rig = _rig()
    photos = _photos(rig)
    (found, _) = match_pairs(photos, [None] * 3, rig, PAIRS, MatchConfig(max_side_px=160))
    (full, _) = match_pairs(photos, [None] * 3, rig, PAIRS, MatchConfig())
    assert found.flow.kept.size < 0.3 * full.flow.kept.size
    assert found.matches.points_a_px[:, 1].max() > 250
    off_px = errors_px(Alignment(rig, (None,) * 3), found.matches)
    assert np.median(off_px) < 1.5
