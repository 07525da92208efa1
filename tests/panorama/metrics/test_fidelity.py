"""Peak signal-to-noise ratios with known errors."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.panorama.metrics.fidelity import psnr_db, psnr_gain_db

REFERENCE = np.full((8, 10, 3), 100, np.uint8)
EVERYWHERE = np.ones((8, 10), bool)


def test_known_error():
    assert psnr_db(REFERENCE + np.uint8(10), REFERENCE, EVERYWHERE) == pytest.approx(
        20 * np.log10(255 / 10)
    )


def test_gain_is_taken_where_both_cover_and_no_sky_is():
    ours, theirs = REFERENCE + np.uint8(5), REFERENCE + np.uint8(10)
    ours[:2], theirs[2:4], ours[4:6] = 255, 255, 255
    covered_ours, covered_theirs, is_sky = (EVERYWHERE.copy() for _ in range(3))
    covered_ours[:2], covered_theirs[2:4] = False, False
    is_sky[:4], is_sky[6:] = False, False
    gain = psnr_gain_db(ours, theirs, REFERENCE, covered_ours, covered_theirs, is_sky)
    assert gain == pytest.approx(20 * np.log10(2.0))


def test_identical_pictures_have_a_finite_ratio():
    assert 55.0 < psnr_db(REFERENCE, REFERENCE, EVERYWHERE) < 65.0


def test_bad_input():
    with pytest.raises(DataError, match="at least one pixel"):
        psnr_db(REFERENCE, REFERENCE, ~EVERYWHERE)
    with pytest.raises(DataError, match="expected size"):
        psnr_db(REFERENCE[:4], REFERENCE, EVERYWHERE)
