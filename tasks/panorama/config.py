"""Settings of the `restitch` pipeline: the science, not the machines."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import SETTINGS, setting


@dataclass(frozen=True, config=SETTINGS)
class IngestConfig:
    """Which captures to stitch, and how photos without a rig are calibrated."""

    captures: str = setting(
        "",
        param="captures",
        help="Folder that holds one folder per capture, or one capture itself.",
    )


@dataclass(frozen=True, config=SETTINGS)
class MatchConfig:
    """Dense correspondences between overlapping images."""


@dataclass(frozen=True, config=SETTINGS)
class SolveConfig:
    """Recalibration, photometry and the spline fields.

    The weights of the regularisers compare with the residual of one match per 16 x 16 source
    px: ``bending = 0.5`` means that bending by 1 px costs as much as a misalignment of 0.5 px.
    """

    recalibrate: bool = setting(
        True, help="Refine rotations and focal lengths before the fields are fitted."
    )
    rotation_sigma_deg: float = setting(
        1.0, gt=0, le=90, unit="degree", help="How far rotations may be off the calibration."
    )
    focal_sigma: float = setting(
        0.01, ge=0, le=0.5, help="How far focal lengths may be off, relative; 0 keeps them."
    )
    num_cells: int = setting(9, ge=1, le=40, help="Spline cells along the longer side of an image.")
    bending: float = setting(
        0.3, gt=0, le=100, help="Weight of a field's bending over a tenth of the longer side."
    )
    ridge: float = setting(
        0.05, ge=0, le=100, help="Weight of a field's displacement, everywhere in the image."
    )
    gauge: float = setting(
        0.5,
        ge=0,
        le=100,
        help="Weight of what both images of a match move in common: holds the picture in place.",
    )
    loss_width_px: float = setting(
        1.0, gt=0, le=100, unit="px", help="Misalignment beyond which a match counts less."
    )
    max_iterations: int = setting(50, ge=1, le=1000, help="Iterations of each solver call.")


@dataclass(frozen=True, config=SETTINGS)
class RenderConfig:
    """The panorama picture: size, seams and blending."""


@dataclass(frozen=True, config=SETTINGS)
class PublishConfig:
    """What may be published, and the report."""


@dataclass(frozen=True, config=SETTINGS)
class RestitchConfig:
    """All settings of `restitch`, one section per stage."""

    seed: int = setting(0, ge=0, help="Root seed of all random draws.")
    ingest: IngestConfig = Field(default_factory=IngestConfig)
    match: MatchConfig = Field(default_factory=MatchConfig)
    solve: SolveConfig = Field(default_factory=SolveConfig)
    render: RenderConfig = Field(default_factory=RenderConfig)
    publish: PublishConfig = Field(default_factory=PublishConfig)
