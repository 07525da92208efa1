"""Simulated captures, in memory and as the folders that the `restitch` pipeline reads.

A folder holds ``images/<camera>.jpg`` and the nominal calibration as a COLMAP rig, and
``truth/`` with everything that a stitcher doesn't know.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.colmap import write_rig
from tasks.panorama.input.truth import save_truth
from tasks.panorama.simulation.config import SimulationConfig
from tasks.panorama.simulation.rays.ray_tiles import camera_view, equirect_view
from tasks.panorama.simulation.rays.rendering import Picture, render
from tasks.panorama.simulation.rays.surfaces import Scene
from tasks.panorama.simulation.rays.true_points import find_true_points
from tasks.panorama.simulation.rosette import make_rigs, nominal_focal_px
from tasks.panorama.simulation.scenes.plaza import build_plaza
from tasks.panorama.simulation.scenes.room import build_room
from tasks.panorama.simulation.scenes.street import build_street
from tasks.panorama.simulation.sensor import draw_photometry, expose
from tasks.panorama.types import ByteImage, Rig, Truth

_BUILDERS: dict[str, Callable[[np.random.Generator, float], Scene]] = {
    "street": build_street,
    "plaza": build_plaza,
    "room": build_room,
}
# Streams of random numbers, so that one setting doesn't change what another draws.
_SCENE, _RIG, _LIGHT, _NOISE = range(4)


@dataclass(frozen=True)
class SimulatedCapture:
    """A capture in memory.

    Attributes:
        images: One (h, w, 3) uint8 BGR photo per camera.
        rig: Nominal calibration.
        truth: What it really was.
    """

    images: tuple[ByteImage, ...]
    rig: Rig
    truth: Truth


def render_capture(settings: SimulationConfig) -> SimulatedCapture:
    """Simulate a capture."""
    scene = build_scene(settings)
    rigs = make_rigs(settings, _generator(settings, _RIG))
    photometry = draw_photometry(settings, _generator(settings, _LIGHT))
    images, depths = [], []
    for index, camera in enumerate(rigs.true.cameras):
        picture = render(scene, camera_view(camera))
        noise = _generator(settings, _NOISE, index)
        images.append(expose(picture.colours, photometry, index, settings.noise_grey, noise))
        if settings.depth_maps:
            depths.append(picture.distance_m)
    panorama = _panorama(scene, settings.panorama_width_px)
    truth = Truth(
        rig=rigs.true,
        photometry=photometry,
        points=find_true_points(scene, rigs.true),
        panorama=None if panorama is None else _to_bytes(panorama),
        panorama_is_sky=None if panorama is None else panorama.is_sky,
        depths_m=tuple(depths),
    )
    return SimulatedCapture(tuple(images), rigs.nominal, truth)


def build_scene(settings: SimulationConfig) -> Scene:
    """Build the scene of a capture, with textures as fine as its sharpest picture needs."""
    focal_px = max(nominal_focal_px(settings), settings.panorama_width_px / (2 * np.pi))
    return _BUILDERS[settings.scene](_generator(settings, _SCENE), focal_px)


def simulate_capture(
    folder: Path, settings: SimulationConfig, *, replace_existing: bool = False
) -> None:
    """Simulate a capture and write it; the folder appears whole or not at all.

    Args:
        folder: Folder of the capture.
        settings: The settings.
        replace_existing: Whether a folder that exists gives way, once the new one is whole.

    Raises:
        DataError: The folder exists, or a file could not be written.
    """
    if folder.exists() and not replace_existing:
        raise DataError(f"{folder}: exists already; choose another name or delete it first")
    capture = render_capture(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    half_done = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write(half_done, capture, settings.jpeg_quality)
        half_done.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        half_done.rename(folder)
    except BaseException:
        shutil.rmtree(half_done, ignore_errors=True)
        raise


def _write(folder: Path, capture: SimulatedCapture, jpeg_quality: int) -> None:
    photos = folder / "images"
    photos.mkdir()
    for camera, image in zip(capture.rig.cameras, capture.images, strict=True):
        path = photos / f"{camera.name}.jpg"
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality])
        path.write_bytes(data.tobytes())  # which, other than OpenCV, says why it can't
    write_rig(folder / "sparse", capture.rig)
    save_truth(folder / "truth", capture.truth)


def _panorama(scene: Scene, width_px: int) -> Picture | None:
    return render(scene, equirect_view(width_px)) if width_px else None


def _to_bytes(picture: Picture) -> ByteImage:
    return np.asarray(np.clip(np.rint(picture.colours), 0, 255), np.uint8)


def _generator(settings: SimulationConfig, *stream: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, *stream])
