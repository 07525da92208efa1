"""Errors of the estimated gains and vignetting against the truth.

The brightness and tint that all images share can't be told from photos, so each channel's
common factor is removed first.
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.types import Photometry

_NUM_RADII = 101


def gain_error_rms(estimated: Photometry, truth: Photometry) -> float:
    """Relative error of the gains, rms over images and channels."""
    ratio = np.log(estimated.gains) - np.log(truth.gains)
    relative = np.expm1(ratio - ratio.mean(axis=0))
    return float(np.sqrt((relative**2).mean()))


def gain_spread_rms(truth: Photometry) -> float:
    """What `gain_error_rms` would be if all gains were taken as equal."""
    return gain_error_rms(Photometry(np.ones_like(truth.gains), truth.vignetting), truth)


def vignetting_error(estimated: Photometry, truth: Photometry) -> float:
    """Largest error of the falloff between centre and corner, as a share of full light."""
    square = np.linspace(0.0, 1.0, _NUM_RADII) ** 2
    falloffs = [
        1.0 + photometry.vignetting[0] * square + photometry.vignetting[1] * square**2
        for photometry in (estimated, truth)
    ]
    return float(np.abs(falloffs[0] - falloffs[1]).max())
