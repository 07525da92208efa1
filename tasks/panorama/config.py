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
    """Recalibration, photometry and the spline fields."""


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
