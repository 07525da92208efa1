"""When and where photos were taken, by what their files say (EXIF 2.32, tags 0x9003 and GPS).

Cameras note local time and no zone, so times are local. A file that says nothing, or nonsense, is
as good as one without metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

_SIGNS = {"N": 1.0, "E": 1.0, "S": -1.0, "W": -1.0}
_MAX_DEG = {"Latitude": 90.0, "Longitude": 180.0}
_FORMAT = "%Y:%m:%d %H:%M:%S"


@dataclass(frozen=True)
class Whereabouts:
    """When and where a capture was taken.

    Attributes:
        time: Local time of the first photo; None where no photo says it.
        position: Latitude and longitude of the first that has them, degrees (WGS 84).
    """

    time: datetime | None
    position: tuple[float, float] | None


def read_whereabouts(photos: Iterable[Path]) -> Whereabouts:
    """Read what the photos of one capture say of time and place."""
    said = [_exif(path) for path in photos]
    times = [time for tags, _ in said if (time := _time(tags)) is not None]
    positions = [each for _, gps in said if (each := _position(gps)) is not None]
    return Whereabouts(min(times, default=None), positions[0] if positions else None)


def _exif(path: Path) -> tuple[dict[int, Any], dict[int, Any]]:
    """All tags of a photo, and those of its position."""
    # the readers raise whatever a bad file makes them stumble over
    with suppress(Exception), Image.open(path) as image:
        exif = image.getexif()
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}, dict(gps)
    return {}, {}


def _time(tags: dict[int, Any]) -> datetime | None:
    stated = tags.get(ExifTags.Base.DateTimeOriginal) or tags.get(ExifTags.Base.DateTime)
    try:
        return datetime.strptime(str(stated).strip("\0 "), _FORMAT)
    except ValueError:
        return None


def _position(gps: dict[int, Any]) -> tuple[float, float] | None:
    latitude, longitude = _degrees(gps, "Latitude"), _degrees(gps, "Longitude")
    return None if latitude is None or longitude is None else (latitude, longitude)


def _degrees(gps: dict[int, Any], name: str) -> float | None:
    """One coordinate, out of degrees, minutes and seconds."""
    try:
        parts = [float(each) for each in gps[ExifTags.GPS[f"GPS{name}"]]]
        sign = _SIGNS[str(gps[ExifTags.GPS[f"GPS{name}Ref"]]).strip("\0 ")]
        degrees = sign * sum(part / 60**power for power, part in enumerate(parts))
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    return round(degrees, 7) if abs(degrees) <= _MAX_DEG[name] else None
