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
    """Dense correspondences between overlapping images.

    Lengths in px are those of the source images, whatever the scale.
    """

    scale: float = setting(
        0.7, ge=0.1, le=1.0, help="Size of the images in which the flow runs, against the source."
    )
    min_overlap: float = setting(
        0.02, ge=0, le=1, help="Share of an image that another must see for the two to be matched."
    )
    block_px: float = setting(
        16.0, ge=2, le=256, unit="px", help="Side of the blocks that give one match each."
    )
    max_round_trip_px: float = setting(
        1.0, gt=0, le=32, unit="px", help="How far flow there and back may miss its start."
    )
    min_structure: float = setting(
        3.0, ge=0, le=1000, help="Least structure (smaller eigenvalue) that can be trusted."
    )
    max_displacement: float = setting(
        0.08,
        gt=0,
        le=1,
        help="How far the calibration may be off, relative to an image's longer side.",
    )
    held_out_share: float = setting(
        0.2, ge=0, lt=1, help="Share of the matches that serve only to judge."
    )


@dataclass(frozen=True, config=SETTINGS)
class SolveConfig:
    """Recalibration, photometry and the spline fields.

    A weight of 0.5 means that 1 px of what it weighs costs as much as a misalignment by 0.5 px,
    everywhere: in all matches of a camera, or in one match per 16 x 16 source px for the fields.
    """

    recalibrate: bool = setting(
        True, help="Refine rotations and focal lengths before the fields are fitted."
    )
    refine_focal: bool = setting(True, help="Whether recalibration changes focal lengths.")
    rotation_ridge: float = setting(
        0.4, ge=0, le=100, help="Weight of the turn of a camera against its calibration."
    )
    focal_ridge: float = setting(
        0.1, ge=0, le=100, help="Weight of a change of focal length against the calibration."
    )
    num_cells: int = setting(9, ge=1, le=40, help="Spline cells along the longer side of an image.")
    bending: float = setting(
        0.05, gt=0, le=100, help="Weight of a field's bending over a tenth of the longer side."
    )
    ridge: float = setting(
        0.03, ge=0, le=100, help="Weight of a field's displacement, everywhere in the image."
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
