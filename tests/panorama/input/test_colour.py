from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import ImageCms

from tasks.panorama.input.colour import adobe_rgb, matrix_profile, to_srgb

# Display P3 (DCI-P3 primaries, white D65) and sRGB, adapted to D50: columns red, green, blue.
P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))


def numbers_of(rgb: tuple[int, int, int], primaries, gamma: float) -> np.ndarray:
    """What another colour space writes for a colour of sRGB: (1, 1, 3) BGR."""
    stored = np.array(rgb) / 255
    linear = np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)
    other = np.linalg.solve(np.array(primaries).T, np.array(SRGB).T @ linear)
    values = np.rint(255 * np.clip(other, 0, 1) ** (1 / gamma)).astype(np.uint8)
    return values[::-1].reshape(1, 1, 3)


@pytest.mark.parametrize("rgb", [(200, 60, 60), (40, 120, 90), (250, 250, 250), (90, 90, 200)])
@pytest.mark.parametrize(
    ("profile", "primaries", "gamma"),
    [(matrix_profile(P3, 2.2), P3, 2.2), (adobe_rgb(), ADOBE, 563 / 256)],
    ids=["Display P3", "Adobe RGB"],
)
def test_a_colour_is_what_it_was(rgb, profile, primaries, gamma):
    stored = numbers_of(rgb, primaries, gamma)
    found = to_srgb(stored, profile, "a.jpg")[0, 0, ::-1].astype(int)
    assert np.abs(found - rgb).max() <= 2


def test_what_is_srgb_stays_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert to_srgb(pixels, profile, "a.jpg") is pixels
    assert to_srgb(pixels, None, "a.jpg") is pixels


@pytest.mark.parametrize("profile", [b"no profile", adobe_rgb()[:200], adobe_rgb()[:16] + b"CMYK"])
def test_a_profile_that_can_not_be_used_is_said(caplog, profile):
    pixels = np.zeros((2, 2, 3), np.uint8)
    with caplog.at_level(logging.WARNING):
        assert to_srgb(pixels, profile, "a.jpg") is pixels
    assert "a.jpg: its colour profile can't be used" in caplog.text


def test_grey_of_another_curve(caplog):
    grey = matrix_profile(P3, 1.0).replace(b"RGB XYZ ", b"GRAYXYZ ").replace(b"rTRC", b"kTRC")
    pixels = np.full((2, 2, 3), 55, np.uint8)  # linear: 0.216 of white, which sRGB writes as 128
    found = to_srgb(pixels, grey, "a.jpg")
    assert caplog.text == ""
    assert np.abs(found.astype(int) - 128).max() <= 1
