"""Everything that is fitted to the matches of a capture, in order.

Rigid recalibration first, then fields for what is left, and the photometry from the same matches.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from tasks.panorama.algorithms.fit.inversion import inverse_field
from tasks.panorama.algorithms.fit.kernel_interpolation import interpolate_fields
from tasks.panorama.algorithms.fit.recalibrate import recalibrate
from tasks.panorama.algorithms.fit.solve_fields import solve_fields
from tasks.panorama.algorithms.fit.spline import SplineField
from tasks.panorama.algorithms.light.photometric import fit_photometry
from tasks.panorama.config import SolveConfig
from tasks.panorama.types import (
    Alignment,
    Correspondences,
    DisplacementField,
    Photometry,
    Rig,
)

_LOG = logging.getLogger(__name__)
_STIFFER = 3.0  # how much more a field may not bend after it folded
_MAX_REFITS = 4
_CHECK_STEP_PX = 16.0


@dataclass(frozen=True)
class Fitted:
    """What the matches of a capture say.

    Attributes:
        nominal: The calibration as it was given.
        recalibrated: Rotations and focal lengths refined.
        warped: The refined calibration with a field per image.
        kernel: The baseline of kernel interpolation; None unless asked for.
        photometry: Gains and falloff.
        bending: Weight of bending that the fields were fitted with in the end; 0 if every
            weight left folds, and the images are not warped.
    """

    nominal: Alignment
    recalibrated: Alignment
    warped: Alignment
    kernel: Alignment | None
    photometry: Photometry
    bending: float


def align_images(matches: Correspondences, rig: Rig, config: SolveConfig) -> Fitted:
    """Fit calibration, fields and photometry; held-out matches are left alone.

    Args:
        matches: All matches.
        rig: Nominal calibration.
        config: Settings of all fits.

    Returns:
        The fits. The fields fold nowhere: where matches ask for a fold, bending is made dearer
        until there is none, and in the end the images stay unwarped.

    Raises:
        DataError: A solver failed.
    """
    fitted = matches.select(~matches.held_out)
    none: tuple[DisplacementField | None, ...] = (None,) * len(rig.cameras)
    refined = recalibrate(fitted, rig, config) if config.recalibrate else rig
    warped, bending = _unfolded(fitted, refined, config)
    kernel = None
    if config.baselines:
        fields = interpolate_fields(fitted, refined, config.kernel_sigma_px)
        kernel = Alignment(refined, fields)
    return Fitted(
        nominal=Alignment(rig, none),
        recalibrated=Alignment(refined, none),
        warped=warped,
        kernel=kernel,
        photometry=fit_photometry(fitted, rig),
        bending=bending,
    )


def _unfolded(matches: Correspondences, rig: Rig, config: SolveConfig) -> tuple[Alignment, float]:
    for refit in range(_MAX_REFITS + 1):
        stiff = replace(config, bending=config.bending * _STIFFER**refit)
        fields = solve_fields(matches, rig, stiff)
        if all(_is_invertible(field) for field in fields):
            return Alignment(rig, fields), stiff.bending
        _LOG.info("a field folds with bending %.3g, fitting stiffer ones", stiff.bending)
    return Alignment(rig, (None,) * len(rig.cameras)), 0.0


def _is_invertible(field: SplineField) -> bool:
    return inverse_field(field, field.width_px, field.height_px, _CHECK_STEP_PX)[1]
