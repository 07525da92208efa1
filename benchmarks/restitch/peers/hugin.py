"""Hugin's chain as a peer: what a person gets from it without touching anything.

Control points by ``cpfind``, cleaned by ``cpclean``; positions and light by ``autooptimiser``;
photos laid on the sphere by ``nona``, put together by ``enblend`` (Debian: ``hugin-tools``,
``enblend``). Where a calibration is given the chain starts from it, keeps its lenses (left free,
the zenith's goes astray), and loses the control points that contradict it: repeated windows would
turn photos by tens of degrees. Else it finds everything.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tasks.core.errors import DataError
from tasks.panorama.algorithms.place.canvas import Box, columns_of
from tasks.panorama.camera.camera import rays
from tasks.panorama.input.rig_files.hugin import read_rig, write_rig
from tasks.panorama.metrics.seam_places import UNCOVERED
from tasks.panorama.types import BoolArray, ByteImage, Float32Array, IntArray, Rig

PROGRAMS = (
    "pto_gen",
    "pto_var",
    "cpfind",
    "cpclean",
    "autooptimiser",
    "pano_modify",
    "nona",
    "enblend",
)
LIMIT_S = 900
_NEAR_DEG = 2.5
_ALONE = {"OMP_NUM_THREADS": "1"}  # enblend's threads wait for each other for minutes
CLIPPED_GREY, DARK_GREY = 250, 3  # grey levels from which, and up to which, a photo holds no detail
_SAID = "enblend.txt"
_TIFF_X, _TIFF_Y, _TIFF_PX_PER_UNIT = 286, 287, 282  # where a layer lies on the sphere


class PeerFailedError(Exception):
    """A peer gave no panorama; says what it said."""


@dataclass(frozen=True)
class HuginPanorama:
    """What the chain made of a capture.

    Attributes:
        picture: (width / 2, width, 3) BGR, equirectangular; 0 where nothing covers.
        labels: (width / 2, width) index of the photo that each pixel belongs to.
        rig: The photos' cameras as the chain left them.
        folder: Its files.
    """

    picture: ByteImage
    labels: IntArray
    rig: Rig
    folder: Path

    def layer(self, image: int, box: Box) -> tuple[Float32Array, BoolArray]:
        """A photo at the pixels of a box; see `measure_flat_step`."""
        height_px, width_px = self.labels.shape
        pixels = _placed(self.folder / f"layer{image:04d}.tif", (height_px, width_px))
        rows = np.arange(box.top_px, box.bottom_px)
        inside = (rows >= 0) & (rows < height_px)
        found = pixels[np.ix_(np.clip(rows, 0, height_px - 1), columns_of(box, width_px))]
        colours = found[..., :3]
        whole = (colours.max(axis=2) < CLIPPED_GREY) & (colours.min(axis=2) > DARK_GREY)
        return colours.astype(np.float32), (found[..., 3] > 0) & whole & inside[:, None]


def is_there() -> bool:
    """Whether all programs of the chain are installed."""
    return all(shutil.which(program) for program in PROGRAMS)


def run_hugin(photos: Sequence[Path], rig: Rig | None, width_px: int, folder: Path) -> float:
    """Stitch photos by the chain, in a process that did nothing else before.

    Args:
        photos: At least two, of one file type.
        rig: Their calibration; None if there is none.
        width_px: Width of the whole sphere.
        folder: An empty one for the files on the way, which `read_hugin` reads.

    Returns:
        Largest resident memory of a program, in 1e9 bytes.

    Raises:
        PeerFailedError: It could not.
    """
    size = f"{width_px}x{width_px // 2}"
    if rig is None:
        _run(["pto_gen", "-o", "0.pto", *map(str, photos)], folder)
        _run(["cpfind", "--multirow", "-o", "1.pto", "0.pto"], folder)
        placed = ["-a"]
    else:
        _find_near(photos, rig, folder)
        placed = ["-n"]
    for words in (
        ["cpclean", "-o", "2.pto", "1.pto"],
        ["autooptimiser", *placed, "-m", "-o", "3.pto", "2.pto"],
        ["pano_modify", "-p", "2", "--fov=360x180", f"--canvas={size}", "-o", "4.pto", "3.pto"],
        ["nona", "-m", "TIFF_m", "-z", "NONE", "-o", "layer", "4.pto"],
    ):
        _run(words, folder)
    layers = [path.name for path in sorted(folder.glob("layer*.tif"))]
    if len(layers) < len(photos):
        raise PeerFailedError(f"nona laid {len(layers)} of {len(photos)} photos on the sphere")
    saved = ["--save-masks=mask-%i.tif", "--wrap=horizontal", "-f", size]
    said = _run(["enblend", "--no-pre-assemble", *saved, "-o", "whole.tif", *layers], folder)
    (folder / _SAID).write_text(said)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e9


def read_hugin(folder: Path) -> HuginPanorama:
    """Read what `run_hugin` left in a folder.

    Raises:
        PeerFailedError: It is no panorama.
    """
    picture = _placed(folder / "whole.tif", None)
    size = picture.shape[:2]
    layers = sorted(folder.glob("layer*.tif"))
    labels = np.where(_placed(layers[0], size)[..., 3] > 0, 0, UNCOVERED)
    # A mask says what the next photo takes from all photos before it.
    masks = sorted(folder.glob("mask-*.tif"))
    for index, mask in zip(_blended(folder)[1:], masks, strict=True):
        shown = _placed(layers[index], size)[..., 3] > 0
        takes = _placed(mask, size)[..., 0] > 0
        labels[shown & (takes | (labels == UNCOVERED))] = index
    labels[picture[..., 3] == 0] = UNCOVERED
    colours = np.where(picture[..., 3:] > 0, picture[..., :3], 0)
    try:
        rig = read_rig(folder / "4.pto")
    except DataError as error:
        raise PeerFailedError(f"its cameras make no rig: {error}") from error
    return HuginPanorama(colours, labels.astype(np.int64), rig, folder)


def _find_near(photos: Sequence[Path], rig: Rig, folder: Path) -> None:
    """Find control points that agree with a calibration, ready to optimise orientations."""
    named = [replace(c, name=p.stem) for c, p in zip(rig.cameras, photos, strict=True)]
    for photo in photos:
        (folder / photo.name).symlink_to(photo.resolve())
    write_rig(folder / "given.pto", Rig(tuple(named)), photos[0].suffix)
    _run(["pto_var", "--opt=y,p,r", "-o", "0.pto", "given.pto"], folder)
    _run(["cpfind", "--prealigned", "-o", "found.pto", "0.pto"], folder)
    lines = (folder / "found.pto").read_text().splitlines(keepends=True)
    near = [line for line in lines if not line.startswith("c ") or _is_near(line, rig)]
    (folder / "1.pto").write_text("".join(near))


def _is_near(control_point: str, rig: Rig) -> bool:
    """Whether a calibration puts the two pixels of a ``c`` line close to each other."""
    values = {word[0]: float(word[1:]) for word in control_point.split()[1:]}
    one, other = (
        rays(rig.cameras[int(values[image])], np.array([[values[x], values[y]]]))[0]
        for image, x, y in ("nxy", "NXY")
    )
    return bool(one @ other > np.cos(np.radians(_NEAR_DEG)))


def _blended(folder: Path) -> list[int]:
    """The photos that enblend used, in order: what others cover altogether it leaves out."""
    steps = (folder / _SAID).read_text().split("loading next image: ")[1:]
    return [
        int(step.removeprefix("layer")[:4]) for step in steps if "will not be blended" not in step
    ]


def _run(words: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=os.environ | _ALONE,
            capture_output=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PeerFailedError(f"{words[0]} took more than {LIMIT_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise PeerFailedError(f"{words[0]}: {said[-300:]}")
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def _placed(path: Path, size: tuple[int, int] | None) -> ByteImage:
    """Pixels of a TIFF file, BGR and alpha or one plane, on the sphere of a size."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise PeerFailedError(f"{path.name} can't be read")
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if size is None:
        return np.asarray(pixels, np.uint8)
    with Image.open(path) as tags:
        unit = float(tags.getexif()[_TIFF_PX_PER_UNIT])
        left, top = (round(float(tags.getexif().get(tag, 0)) * unit) for tag in (_TIFF_X, _TIFF_Y))
    placed = np.zeros((*size, pixels.shape[2]), np.uint8)
    room = pixels[: size[0] - top, : size[1] - left]
    placed[top : top + room.shape[0], left : left + room.shape[1]] = room
    return placed
