"""The rig or project that came with a capture's photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasks.core.errors import DataError
from tasks.panorama.algorithms.calibrate.upright import (
    ANY_LEAN_DEG,
    CALIBRATION_NOISE_DEG,
    CAR_S_LEAN_DEG,
)
from tasks.panorama.input.captures import CaptureFiles
from tasks.panorama.input.rig_files import colmap, hugin
from tasks.panorama.input.rig_files.hugin import Project, photo_of
from tasks.panorama.types import BoolArray, Rig


@dataclass(frozen=True)
class GivenRig:
    """A rig, and what else its file says.

    Attributes:
        rig: The cameras, each of which has a photo.
        source: What kind of file it came from.
        name: Of that file or folder, without the place of the capture, which may be a copy's.
        left_out: Why photos have no camera, by name.
        kept_lean_deg: How much it may lean and count as level.
        project: The whole project; None of a COLMAP model.
    """

    rig: Rig
    source: Literal["colmap", "hugin"]
    name: str
    left_out: Mapping[str, str]
    kept_lean_deg: float
    project: Project | None = None

    def usable(self, camera: str) -> BoolArray | None:
        """Where a camera's image may be used as a project says; None for everywhere."""
        return None if self.project is None else self.project.usable(camera)


def read_given_rig(files: CaptureFiles) -> GivenRig | None:
    """Read the capture's rig or project; None if it has none.

    Raises:
        DataError: The rig can't be read, or a photo is missing for one of its cameras.
    """
    if files.rig is None:
        return None
    photos = list(files.photos)
    if files.rig.is_file():
        project = hugin.read_project(files.rig, photos, files.frame)
        left_out = _left_out(files, project.rig)
        left_out |= dict.fromkeys(project.switched_off, "switched off in the project")
        return GivenRig(project.rig, "hugin", files.rig.name, left_out, ANY_LEAN_DEG, project)
    rig = colmap.read_rig(files.rig, photos, files.frame)
    name = f"{files.rig.parent.name}/0" if files.rig.name == "0" else files.rig.name
    return GivenRig(rig, "colmap", name, _left_out(files, rig), _kept_lean_deg(files.rig))


def _left_out(files: CaptureFiles, rig: Rig) -> dict[str, str]:
    """Photos that a rig has no camera for; raises where a camera has no photo."""
    named = {camera.name: photo_of(camera.name, files.photos) for camera in rig.cameras}
    missing = [camera for camera, photo in named.items() if photo not in files.photos]
    if missing:
        raise DataError(
            f"{files.rig}: the photo of camera {missing[0]!r} is missing ({len(missing)} of "
            f"{len(rig.cameras)} are); photos: {', '.join(files.photos)}. Put it back, or take "
            "the camera out of the rig."
        )
    unnamed = [photo for photo in files.photos if photo not in named.values()]
    return dict.fromkeys(unnamed, "the rig has no camera of this name")


def _kept_lean_deg(model: Path) -> float:
    has_world = (model / "frames.txt").is_file() or not (model / "rigs.txt").is_file()
    return CAR_S_LEAN_DEG if has_world else CALIBRATION_NOISE_DEG
