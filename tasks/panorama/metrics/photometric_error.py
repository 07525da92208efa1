"""Error of the estimated gains against the truth.

The brightness and tint that all images share can't be told from photos, so each channel's
common factor is removed first.
"""

from __future__ import annotations

import numpy as np

from tasks.panorama.types import Photometry


def gain_error_rms(estimated: Photometry, truth: Photometry) -> float:
    """Relative error of the gains, rms over images and channels."""
    ratio = np.log(estimated.gains) - np.log(truth.gains)
    relative = np.expm1(ratio - ratio.mean(axis=0))
    return float(np.sqrt((relative**2).mean()))
