"""Settings of the `restitch` pipeline: the science, not the machines."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from tasks.core.config import MAX_WHOLE, SETTINGS, setting

_TIME = r"^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?)?)?$"  # ISO 8601, local


@dataclass(frozen=True, config=SETTINGS)
class IngestConfig:
    """Which captures to stitch, and what their photos and rigs have to satisfy."""

    captures: str = setting(
        "",
        param="captures",
        path="read",
        needed=True,
        stores=True,
        help="Folder, or s3://…, that holds one folder per capture, or one capture itself.",
    )
    place: str = setting(
        "",
        pattern=r"^[^/\\]{0,200}$",
        help="Only captures here: latitude,longitude,radius in m (by the photos' GPS), or a "
        "pattern of capture names such as berlin-*, with ? for a comma; empty for all.",
    )
    rig: str = setting(
        "",
        pattern=r"^([a-z]+-[0-9a-f]{12})?$",
        help="Only captures of this rig, as the catalogue's column rig names it; empty for all.",
    )
    since: str = setting(
        "",
        pattern=_TIME,
        help="Only captures taken on this day or later, such as 2026-05-01; empty for all.",
    )
    until: str = setting(
        "",
        pattern=_TIME,
        help="Only captures taken on this day or earlier, such as 2026-05-31; empty for all.",
    )
    min_overlap: float = setting(
        0.02, ge=0, le=1, help="Share of an image that another must see for the two to connect."
    )
    trust_rigs: bool = setting(
        False,
        help="Use rigs as they are given, even where the photos contradict them; it is still said.",
    )
    thumbnail_px: int = setting(
        240,
        ge=16,
        le=1024,
        unit="px",
        label="Thumbnail side",
        help="Longer side of a photo on the contact sheet.",
    )
    max_skipped_fraction: float = setting(
        0.5, ge=0, le=1, help="Share of captures that may be unusable before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class InspectConfig:
    """The part of `IngestConfig` that decides what becomes of one capture."""

    min_overlap: float
    trust_rigs: bool
    thumbnail_px: int


@dataclass(frozen=True, config=SETTINGS)
class MatchConfig:
    """Dense correspondences between overlapping images.

    Lengths in px are those of the images in which the flow runs: the photos, unless reduced.
    """

    scale: float = setting(
        1.0, ge=0.1, le=1.0, help="Size of the images in which the flow runs, against the photos."
    )
    max_side_px: int = setting(
        1600, ge=64, le=16384, unit="px", help="Photos longer than this are reduced for the flow."
    )
    min_overlap: float = setting(
        0.02, ge=0, le=1, help="Share of an image that another must see for the two to be matched."
    )
    blocks_per_side: int = setting(
        64, ge=4, le=1024, help="Blocks along an image's longer side; each gives one match."
    )
    max_round_trip_px: float = setting(
        1.0,
        gt=0,
        le=32,
        unit="px",
        label="Maximum error of flow there and back",
        help="How far flow there and back may miss its start.",
    )
    min_structure: float = setting(
        2.0, ge=0, le=1000, help="Least structure (smaller eigenvalue) that can be trusted."
    )
    max_displacement: float = setting(
        0.08,
        gt=0,
        le=1,
        help="How far the calibration may be off, relative to an image's longer side.",
    )
    held_out_share: float = setting(
        0.2,
        ge=0,
        lt=1,
        label="Held-out share",
        help="Share of the matches that serve only to judge.",
    )
    max_skipped_fraction: float = setting(
        0.5, ge=0, le=1, help="Share of captures that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class SolveConfig:
    """Recalibration, photometry and the spline fields.

    A weight of 0.5 means that 1 px of what it weighs costs as much as a misalignment by 0.5 px,
    everywhere: in all matches of a camera, or for the fields in one match per square of a 64th of
    the longer side.
    """

    recalibrate: bool = setting(
        True, help="Refine rotations and focal lengths before the fields are fitted."
    )
    refine_focal: bool = setting(
        True, label="Refine focal lengths", help="Whether recalibration changes focal lengths."
    )
    rotation_ridge: float = setting(
        0.3, ge=0, le=100, help="Weight of the turn of a camera against its calibration."
    )
    focal_ridge: float = setting(
        0.1, ge=0, le=100, help="Weight of a change of focal length against the calibration."
    )
    num_cells: int = setting(
        14, ge=1, le=40, help="Spline cells along the longer side of an image."
    )
    bending: float = setting(
        0.015, gt=0, le=100, help="Weight of a field's bending over a tenth of the longer side."
    )
    ridge: float = setting(
        0.01, ge=0, le=100, help="Weight of a field's displacement, everywhere in the image."
    )
    gauge: float = setting(
        0.2,
        ge=0,
        le=100,
        help="Weight of what both images of a match move in common: it aligns nothing.",
    )
    loss_width_px: float = setting(
        0.7, gt=0, le=100, unit="px", help="Misalignment beyond which a match counts less."
    )
    max_iterations: int = setting(50, ge=1, le=1000, help="Iterations of each solver call.")
    baselines: bool = setting(
        False, help="Fit kernel interpolation too, for comparison; it is never published."
    )
    kernel_sigma_px: float = setting(
        26.0, gt=0, le=1000, unit="px", help="Width of the kernel of that baseline."
    )
    max_skipped_fraction: float = setting(
        0.5, ge=0, le=1, help="Share of captures that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class GateConfig:
    """When a repair may be published in place of the unrepaired stitch.

    Lengths in px are those of a panorama 4096 wide.
    """

    min_held_out: int = setting(
        20,
        ge=1,
        le=100_000,
        label="Minimum held-out matches",
        help="Held-out matches that an overlap needs to be judged alone.",
    )
    overlap_tolerance_px: float = setting(
        0.1, ge=0, le=10, unit="px", help="How much worse one overlap may be."
    )
    overlap_sigmas: float = setting(
        2.0,
        ge=0,
        le=10,
        label="Overlap tolerance in standard errors",
        help="Standard errors of an overlap's change that count as chance, besides.",
    )
    max_worse_share: float = setting(
        0.02,
        ge=0,
        le=1,
        help="Share of held-out matches, or of the area, that may lie in overlaps that got worse.",
    )
    similarity_tolerance: float = setting(
        0.03, ge=0, le=1, help="How much the structural similarity of one overlap may fall."
    )
    invisible_seam: float = setting(
        1.15,
        ge=1,
        le=10,
        label="Worst seam that can't be seen",
        help="Worst seam excess (1: no seam) up to which a repair is not refused for it.",
    )
    seam_tolerance: float = setting(
        0.1, ge=0, le=1, help="How much worse the worst seam may be beyond that, relative."
    )
    max_warp_px: float = setting(
        10.0,
        gt=0,
        le=1000,
        unit="px",
        label="Maximum displacement",
        help="Limit of the displacement (95th percentile).",
    )
    max_strain: float = setting(0.05, gt=0, le=1, help="Limit of the local stretch.")
    limits_refuse: bool = setting(
        False,
        label="Refuse beyond these limits",
        help="Refuse a repair that passes these two limits, instead of warning.",
    )


@dataclass(frozen=True, config=SETTINGS)
class RenderConfig(GateConfig):
    """The panorama picture: size, seams, blending and the quality gate."""

    width_px: int = setting(
        4096,
        ge=0,
        le=16384,
        multiple_of=64,
        unit="px",
        help="Width of the panorama; 0 makes it as fine as the images.",
    )
    num_bands: int = setting(5, ge=0, le=8, help="Band-pass levels of the blend; 0: hard seams.")
    seam_reach: float = setting(
        0.03,
        ge=0,
        le=0.25,
        label="Reach of a seam",
        help="How far a seam may move to where images agree, relative to the panorama's width.",
    )
    jpeg_quality: int = setting(
        92, ge=1, le=100, label="JPEG quality", help="JPEG quality of the panorama."
    )
    max_skipped_fraction: float = setting(
        0.5, ge=0, le=1, help="Share of captures that may fail before the stage fails."
    )


@dataclass(frozen=True, config=SETTINGS)
class PublishConfig:
    """The report, and where the panoramas go."""

    export_to: str = setting(
        "",
        path="write",
        stores=True,
        help="Folder, or s3://…, that receives copies of panoramas and report; empty for none.",
    )
    num_crops: int = setting(
        2, ge=1, le=8, help="Worst seams of each capture that the contact sheet shows."
    )


@dataclass(frozen=True, config=SETTINGS)
class RestitchConfig:
    """All settings of `restitch`, one section per stage."""

    seed: int = setting(0, ge=0, le=MAX_WHOLE, help="Root seed of all random draws.")
    ingest: IngestConfig = Field(default_factory=IngestConfig)
    match: MatchConfig = Field(default_factory=MatchConfig)
    solve: SolveConfig = Field(default_factory=SolveConfig)
    render: RenderConfig = Field(default_factory=RenderConfig)
    publish: PublishConfig = Field(default_factory=PublishConfig)
