"""Hugin projects (``.pto``): the lenses and orientations in them, in and out.

Source: Hugin, ``doc/nona.txt`` (the script format); H. Dersch, Panorama Tools (lens
correction). How an ``i`` line becomes a camera:

- ``f`` is the lens: rectilinear (0; PINHOLE where ``a b c`` are zero), panoramic (1), fisheye (2
  and 3), equirectangular (4), orthographic (8), stereographic (10), Thoby (20), equisolid (21).
  ``v`` is the horizontal field of view of the whole image, as if it were centred: that of two
  fisheye circles side by side is twice theirs.
- ``d e`` shift the centre, right and down, in px.
- Turn by ``y`` to the right, then by ``p`` up, then by ``r`` clockwise, each about the
  camera's own axes.
- The camera's name is the image's file name without ending and folder; with the folder where the
  capture's photos lie in it. Several cameras of one picture, as in a file that holds both circles
  of a 360 camera, are numbered: ``a``, ``a:2``.
- A crop (``S``, ``C``) limits which pixels are shown, not where they lie; masks (``k`` lines) do
  too: see `hugin_masks`. ``disabled`` on an image's ``#-hugin`` line switches the image off.
- Translations and photometric parameters are not read; of the first that is logged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from math import degrees, floor, isclose, pi, radians
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.core.files import read_bytes
from tasks.panorama.camera.lenses import PROJECTIONS
from tasks.panorama.input.rig_files.checks import MAX_CAMERAS, MAX_NUMBER, MAX_RIG_BYTES, check_rig
from tasks.panorama.input.rig_files.hugin_masks import (
    MAX_MASKS,
    Crop,
    Mask,
    MaskedImage,
    parse_mask,
    usable_pixels,
)
from tasks.panorama.types import BoolArray, Camera, CameraModel, Rig

_LOG = logging.getLogger(__name__)
_TOKEN = re.compile(r'"[^"]*"|[^\s"]+(?:"[^"]*")?')
_FIELD = re.compile(r"^([A-Za-z]+)(=?)(.*)$")
_LENSES: dict[float, CameraModel] = {
    0: "HUGIN",
    1: "HUGIN_CYLINDRICAL",
    2: "HUGIN_FISHEYE",
    3: "HUGIN_FISHEYE",
    4: "HUGIN_EQUIRECTANGULAR",
    8: "HUGIN_ORTHOGRAPHIC",
    10: "HUGIN_STEREOGRAPHIC",
    20: "HUGIN_THOBY",
    21: "HUGIN_EQUISOLID",
}
_LENS_OF_MODEL = {model: lens for lens, model in _LENSES.items()} | {"PINHOLE": 0}
# Widest view; two circles of an equidistant lens may stand side by side.
_MAX_VIEW_DEG: dict[CameraModel, float] = {"HUGIN": 179.0, "HUGIN_FISHEYE": 720.0}
_TRANSLATIONS = ("TrX", "TrY", "TrZ")
_IMAGE_COMMENT = "#-hugin "  # one for each image line, in order
_CIRCULAR_FISHEYE = 2
_MAX_SHOWN, _MAX_NAME, _MAX_STEM = 100, 4096, 255
_NUMBERED = re.compile(r":\d+$")  # Windows and macOS have no such names of files


@dataclass(frozen=True)
class Project:
    """What a project says.

    Attributes:
        rig: The cameras of the images that are switched on.
        switched_off: Names of the others.
    """

    rig: Rig
    switched_off: tuple[str, ...]
    _images: tuple[MaskedImage, ...]
    _masks: tuple[Mask, ...]

    def usable(self, name: str) -> BoolArray | None:
        """Where the image of a camera may be used, (height, width); None for everywhere."""
        names = [image.camera.name for image in self._images]
        return usable_pixels(names.index(name), self._images, self._masks)


def read_rig(path: Path, photos: Sequence[str] = (), frame: str = "") -> Rig:
    """Read the cameras of a Hugin project that are switched on; see `read_project`."""
    return read_project(path, photos, frame).rig


def read_project(path: Path, photos: Sequence[str] = (), frame: str = "") -> Project:
    """Read a Hugin project.

    Args:
        path: The ``.pto`` file.
        photos: Names of the capture's photos, for the folders that they lie in.
        frame: Name that the frame's photos have in their cameras' folders; empty where the
            photos are one capture.

    Raises:
        DataError: The project can't be read as a rig; says what to change.
    """
    data = read_bytes(path, MAX_RIG_BYTES, "a readable Hugin project")
    lines = data.decode("utf-8", "replace").splitlines()
    images = _read_images(lines, path)
    comments = [line for line in lines if line.startswith(_IMAGE_COMMENT)]
    is_off = [
        number < len(comments) and "disabled" in comments[number] for number in range(len(images))
    ]
    cameras = _cameras(images, photos, frame)
    check_rig(Rig(cameras), str(path))
    used = tuple(c for c, off in zip(cameras, is_off, strict=True) if not off)
    return Project(
        rig=check_rig(Rig(used), f"{path}, images that are switched on"),
        switched_off=tuple(c.name for c, off in zip(cameras, is_off, strict=True) if off),
        _images=tuple(
            MaskedImage(camera, not off, image.origin("v"), image.origin("j"), image.crop)
            for camera, off, image in zip(cameras, is_off, images, strict=True)
        ),
        _masks=_read_masks(lines, path, len(images)),
    )


def camera_views(path: Path, photos: Sequence[str]) -> list[tuple[str, str]]:
    """Name of each camera of a project, and of the photo that it takes its part of.

    Args:
        path: The ``.pto`` file.
        photos: Names of the capture's photos, for the folders that they lie in.

    Raises:
        DataError: The project can't be read as a rig.
    """
    return [(each.name, photo_of(each.name, photos)) for each in read_rig(path, photos).cameras]


def photo_of(camera: str, photos: Container[str]) -> str:
    """Name of the photo that a camera takes its part of."""
    return camera if camera in photos else _NUMBERED.sub("", camera)


def _read_images(lines: Sequence[str], path: Path) -> list[_ImageLine]:
    numbered = [(i, line) for i, line in enumerate(lines, start=1) if line.startswith("i ")]
    if len(numbered) > MAX_CAMERAS:
        raise DataError(f"{path}: expected at most {MAX_CAMERAS} cameras, found {len(numbered)}.")
    images: list[_ImageLine] = []
    for number, line in numbered:
        images.append(_ImageLine(f"{path}, line {number}", line, images))
    return images


def _cameras(images: Sequence[_ImageLine], photos: Sequence[str], frame: str) -> tuple[Camera, ...]:
    """The camera of each image line; those of one picture are numbered."""
    names = [image.photo(photos, frame) for image in images]
    cameras: list[Camera] = []
    for index, (image, name) in enumerate(zip(images, names, strict=True)):
        earlier = [i for i in range(index) if names[i] == name]
        # Only another part of the picture can be another camera.
        is_new_part = earlier and all(images[i].shift != image.shift for i in earlier)
        cameras.append(image.camera(f"{name}:{len(earlier) + 1}" if is_new_part else name))
    return tuple(cameras)


def _read_masks(lines: Sequence[str], path: Path, num_images: int) -> tuple[Mask, ...]:
    found = [(number, line) for number, line in enumerate(lines, 1) if line.startswith("k ")]
    if len(found) > MAX_MASKS:
        raise DataError(f"{path}: expected at most {MAX_MASKS} masks, found {len(found)}.")
    return tuple(parse_mask(line, f"{path}, line {number}", num_images) for number, line in found)


def write_rig(path: Path, rig: Rig, image_suffix: str = ".jpg") -> None:
    """Write a rig as a Hugin project that renders an equirectangular panorama.

    Args:
        path: The ``.pto`` file.
        rig: Cameras of the model PINHOLE or one of HUGIN's.
        image_suffix: Ending of the image files.

    Raises:
        DataError: A camera has another lens model or unequal focal lengths.
    """
    lines = ['p f2 w4096 h2048 v360 n"TIFF_m"', "m i0"]
    lines.extend(_camera_line(camera, image_suffix) for camera in rig.cameras)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


class _ImageLine:
    """An ``i`` line: its parameters, with references to earlier images looked up."""

    def __init__(self, where: str, line: str, earlier: list[_ImageLine]) -> None:
        self.where = where
        self.crop: Crop | None = None
        self._index = len(earlier)
        self._origins: dict[str, int] = {}
        self._values: dict[str, float] = {}
        self._file_name = ""
        crop = ""
        for token in _TOKEN.findall(line)[1:]:
            match = _FIELD.match(token)
            if match is None:
                raise self._error(f"expected a letter and a value, found {token[:_MAX_SHOWN]!r}")
            name, is_reference, text = match.groups()
            if name == "n":
                self._file_name = text.strip('"')
            elif name in ("S", "C"):
                crop = text
            else:
                self._values[name] = self._value(token, name, text, earlier, bool(is_reference))
        if crop:
            self.crop = self._crop(crop)

    def origin(self, name: str) -> int:
        """Index of the image that a parameter comes from: the line's own, or one it refers to."""
        return self._origins.get(name, self._index)

    @property
    def shift(self) -> tuple[float, float]:
        """How far the centre lies from the picture's, px."""
        return self._get("d"), self._get("e")

    def photo(self, photos: Sequence[str], frame: str) -> str:
        """Name of the photo, below the folder of the capture that its own folder ends with."""
        if not 0 < len(self._file_name) <= _MAX_NAME:
            raise self._error(
                f'expected the image\'s name as n"…" of at most {_MAX_NAME} characters, found '
                f"{'another' if self._file_name else 'none'}"
            )
        named = PureWindowsPath(self._file_name)
        inside = {PurePosixPath(name).parent for name in photos}
        parts = named.parent.parts
        matching = [
            place for place in inside if parts[len(parts) - len(place.parts) :] == place.parts
        ]
        folder = max(matching, key=lambda place: len(place.parts), default=PurePosixPath())
        return str(folder / (frame or named.stem[:_MAX_STEM]))

    def camera(self, name: str) -> Camera:
        """The camera that the line describes."""
        width_px, height_px = int(self._required("w")), int(self._required("h"))
        model = self._model()
        focal = self._focal_px(model, width_px)
        self._check_unsupported()
        centre = ((width_px - 1) / 2 + self.shift[0], (height_px - 1) / 2 + self.shift[1])
        distortion = tuple(self._get(name) for name in "abc")
        if model == "HUGIN" and not any(distortion):
            model, distortion = "PINHOLE", ()
        angles = [self._get("y"), self._get("p"), self._get("r")]
        return Camera(
            name=name,
            width_px=width_px,
            height_px=height_px,
            model=model,
            params=(focal, focal, *centre, *distortion),
            camera_from_rig=Rotation.from_euler("YXZ", angles, degrees=True).as_matrix().T,
            centre_m=np.zeros(3),
        )

    def _model(self) -> CameraModel:
        lens = self._required("f")
        if lens not in _LENSES:
            raise self._error(
                "expected lens type 0 (rectilinear), 1 (panoramic), 2 or 3 (fisheye), 4 "
                "(equirectangular), 8 (orthographic), 10 (stereographic), 20 (Thoby) or 21 "
                f"(equisolid), found f{lens:g}; remap the image to one of them"
            )
        return _LENSES[lens]

    def _focal_px(self, model: CameraModel, width_px: int) -> float:
        view_deg = self._required("v")
        projection = PROJECTIONS[model]
        limit = _MAX_VIEW_DEG.get(model, floor(degrees(2 * projection.max_angle)))
        if not 0 < view_deg <= limit:
            raise self._error(
                f"expected a field of view of 0 to {limit:g} degrees, found {view_deg:g}"
            )
        if projection.radius is None:
            return width_px / radians(view_deg)
        return width_px / 2 / float(projection.radius(np.array(radians(view_deg) / 2)))

    def _check_unsupported(self) -> None:
        if self._get("g") or self._get("t"):
            raise self._error("expected no shear (g, t); set both to 0 and optimise again")
        if any(self._get(name) for name in _TRANSLATIONS):
            _LOG.warning("%s: the camera's translation (TrX, TrY, TrZ) is ignored", self.where)

    def _value(
        self, token: str, name: str, text: str, earlier: list[_ImageLine], is_reference: bool
    ) -> float:
        try:
            if is_reference:  # no number is one beyond the last; -1 would be the last
                index = int(text) if text.isdecimal() else len(earlier)
                self._origins[name] = earlier[index].origin(name)
                return earlier[index]._values[name]
            value = float(text)
        except (ValueError, IndexError, KeyError) as error:
            expected = "a reference to an earlier image" if is_reference else "a number"
            raise self._error(f"expected {expected} in {token[:_MAX_SHOWN]!r}") from error
        if not abs(value) <= MAX_NUMBER:
            raise self._error(
                f"expected a finite number in {token[:_MAX_SHOWN]!r}, up to {MAX_NUMBER:g}; "
                "optimise again"
            )
        return value

    def _crop(self, text: str) -> Crop | None:
        try:
            left, right, top, bottom = (float(each) for each in text.split(","))
        except ValueError as error:
            raise self._error(
                f"expected a crop of 4 numbers, found {text[:_MAX_SHOWN]!r}"
            ) from error
        if not max(abs(left), abs(right), abs(top), abs(bottom)) <= MAX_NUMBER:
            raise self._error(f"expected a crop within the image, found {text[:_MAX_SHOWN]!r}")
        if right <= left or bottom <= top:  # so Hugin writes that there is none
            return None
        return Crop(left, right, top, bottom, self._get("f") == _CIRCULAR_FISHEYE)

    def _get(self, name: str) -> float:
        return self._values.get(name, 0.0)

    def _required(self, name: str) -> float:
        if name not in self._values:
            raise self._error(f"expected parameter {name!r}, found none; save the project again")
        return self._values[name]

    def _error(self, message: str) -> DataError:
        return DataError(f"{self.where}: {message}.")


def _camera_line(camera: Camera, image_suffix: str) -> str:
    fx, fy, cx, cy = camera.params[:4]
    if camera.model not in _LENS_OF_MODEL or not isclose(fx, fy, rel_tol=1e-9):
        raise DataError(
            f"camera {camera.name!r}: expected model PINHOLE or one of HUGIN's with one focal "
            f"length, found {camera.model} with {fx:g} and {fy:g} px; write it for COLMAP."
        )
    projection = PROJECTIONS[camera.model]
    half = camera.width_px / 2 / fx
    view = 2 * (half if projection.angle is None else float(projection.angle(np.array(half))))
    yaw, pitch, roll = Rotation.from_matrix(camera.camera_from_rig.T).as_euler("YXZ") * 180 / pi
    a, b, c = camera.params[4:] or (0.0, 0.0, 0.0)
    values = {
        "w": camera.width_px, "h": camera.height_px, "f": _LENS_OF_MODEL[camera.model],
        "v": degrees(view), "r": float(roll), "p": float(pitch), "y": float(yaw),
        "a": a, "b": b, "c": c,
        "d": cx - (camera.width_px - 1) / 2, "e": cy - (camera.height_px - 1) / 2, "g": 0, "t": 0,
    }  # fmt: skip
    fields = " ".join(f"{name}{value!r}" for name, value in values.items())
    return f'i {fields} n"{camera.name}{image_suffix}"'
