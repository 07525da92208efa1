"""What goes wrong with captures in the field, done to a small simulated one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from tasks.panorama.input.photos import read_photo
from tasks.panorama.input.rig_files.colmap import read_rig, write_rig
from tasks.panorama.types import ByteImage, Rig

Fault = Callable[[Path, Path, np.random.Generator], None]
_STOPS = (-1.5, 0.0, 1.5)


def swap(folder: Path, other: Path, rng: np.random.Generator) -> None:  # noqa: ARG001
    """Two cameras' cables changed places."""
    first, second = rng.choice(_photos(folder), 2, replace=False)
    held = folder / "held.jpg"
    shutil.move(first, held)
    shutil.move(second, first)
    shutil.move(held, second)


def turn(folder: Path, other: Path, rng: np.random.Generator) -> None:  # noqa: ARG001
    """One camera was knocked by 10 to 60 degrees after it was calibrated."""
    cameras = list(read_rig(folder / "sparse").cameras)
    index = int(rng.integers(len(cameras)))
    axis = rng.normal(size=3)
    angle_rad = np.radians(rng.uniform(10.0, 60.0))
    rotation = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle_rad).as_matrix()
    cameras[index] = replace(
        cameras[index], camera_from_rig=rotation @ cameras[index].camera_from_rig
    )
    _write_rig(folder, Rig(tuple(cameras)))


def stale(folder: Path, other: Path, rng: np.random.Generator) -> None:
    """One camera delivered a photo of another place."""
    shutil.copyfile(rng.choice(_photos(other)), rng.choice(_photos(folder)))


def black(folder: Path, other: Path, rng: np.random.Generator) -> None:  # noqa: ARG001
    """One camera delivered a black photo, with the sensor's noise."""
    path = Path(rng.choice(_photos(folder)))
    noise = rng.normal(0, 1.5, read_photo(path).shape)
    _write(path, np.clip(noise, 0, 255).astype(np.uint8))


def lens(folder: Path, other: Path, rng: np.random.Generator) -> None:  # noqa: ARG001
    """The rig is calibrated for another lens, wider or longer by a quarter to four fifths."""
    factor = float(rng.uniform(1.25, 1.8)) ** int(rng.choice([-1, 1]))
    rig = read_rig(folder / "sparse")
    cameras = [
        replace(c, params=(c.params[0] * factor, c.params[1] * factor, *c.params[2:]))
        for c in rig.cameras
    ]
    _write_rig(folder, Rig(tuple(cameras)))


def bracket(folder: Path, other: Path, rng: np.random.Generator) -> None:  # noqa: ARG001
    """Each photo comes in three exposures, 1.5 stops apart; a camera by hand has no rig."""
    shutil.rmtree(folder / "sparse")
    for path in _photos(folder):
        linear = (read_photo(Path(path)) / 255.0) ** 2.2
        Path(path).unlink()
        for stops in _STOPS:
            exposed = np.clip(linear * 2.0**stops, 0, 1) ** (1 / 2.2) * 255
            name = f"{Path(path).stem}_ev{stops:+g}.jpg"
            _write(folder / "images" / name, np.rint(exposed).astype(np.uint8))


FAULTS: dict[str, Fault] = {
    "swap": swap,
    "turn": turn,
    "stale": stale,
    "black": black,
    "lens": lens,
    "bracket": bracket,
}


def _photos(folder: Path) -> list[str]:
    return [str(path) for path in sorted((folder / "images").iterdir())]


def _write(path: Path, pixels: ByteImage) -> None:
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])


def _write_rig(folder: Path, rig: Rig) -> None:
    shutil.rmtree(folder / "sparse")
    write_rig(folder / "sparse", rig)
