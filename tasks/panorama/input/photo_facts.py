"""What a photo's EXIF says of where, when, by whom and with what lens it was taken.

Source: CIPA DC-008, "Exchangeable image file format" (EXIF) 2.32, sections 4.6.5 (date, author) and
4.6.6 (GPS). What makes no sense counts as not said; so does 0 degrees north, 0 degrees east, which
cameras write that know no position.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from math import hypot, isfinite
from typing import Any

from PIL import ExifTags

from tasks.panorama.input.rig_files.checks import MAX_FOCAL_RATIO
from tasks.panorama.photo_records import PhotoFacts, Position

_MAX_TEXT = 200
_DATE = re.compile(r"(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_BELOW_SEA = 1
_MAX_ALTITUDE_M = 100_000.0
_NO_FIX, _MAGNETIC = "V", "M"
_DIAGONAL_35_MM = hypot(36.0, 24.0)
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0}
_MAX_FOCAL_MM = 10_000.0
_SURELY_ORIGINAL_WIDTH_PX = 2000


def photo_facts(tags: Mapping[int, Any]) -> PhotoFacts:
    """Gather the facts.

    Args:
        tags: Tags of the picture and of the EXIF directory; those of GPS as one mapping.
    """
    found = tags.get(ExifTags.IFD.GPSInfo)
    gps = found if isinstance(found, Mapping) else {}
    heading = _number(gps.get(ExifTags.GPS.GPSImgDirection))
    return PhotoFacts(
        position=_position(gps),
        altitude_m=_altitude_m(gps),
        heading_deg=None if heading is None else heading % 360,
        is_magnetic=_text(gps.get(ExifTags.GPS.GPSImgDirectionRef)) == _MAGNETIC,
        taken_at=_date(tags),
        artist=_text(tags.get(ExifTags.Base.Artist)),
        copyright=_text(tags.get(ExifTags.Base.Copyright)),
        make=_text(tags.get(ExifTags.Base.Make)),
        model=_text(tags.get(ExifTags.Base.Model)),
    )


def exif_focal_px(tags: Mapping[int, Any], width_px: int, height_px: int) -> float | None:
    """Focal length by EXIF tags, in pixels of an image of the given stored size.

    The 35 mm equivalent compares diagonals (EXIF 2.32, tag 0xA405). Without it, the focal
    plane resolution counts, but not on a small image that claims to be of original size: an
    editor that shrinks an image rewrites its width, not its resolution.
    """
    try:
        equivalent_mm = float(tags.get(ExifTags.Base.FocalLengthIn35mmFilm, 0))
        if 0 < equivalent_mm <= _MAX_FOCAL_MM:
            return equivalent_mm / _DIAGONAL_35_MM * hypot(width_px, height_px)
        focal_mm = float(tags.get(ExifTags.Base.FocalLength, 0))
        resolution = float(tags.get(ExifTags.Base.FocalPlaneXResolution, 0))
        mm_per_unit = _MM_PER_UNIT.get(int(tags.get(0xA210, 2)), 25.4)
        original_width_px = int(tags.get(ExifTags.Base.ExifImageWidth, 0))
        focal_px = focal_mm * resolution / mm_per_unit * width_px / max(original_width_px, 1)
    except (TypeError, ValueError, ArithmeticError):
        return None
    was_rewritten = original_width_px == width_px < _SURELY_ORIGINAL_WIDTH_PX
    if min(focal_mm, resolution, original_width_px) <= 0 or was_rewritten:
        return None
    return focal_px if focal_px < MAX_FOCAL_RATIO * width_px else None


def _position(gps: Mapping[int, Any]) -> Position | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef))
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    if (latitude, longitude) == (0, 0) or _text(gps.get(ExifTags.GPS.GPSStatus)) == _NO_FIX:
        return None
    return Position(latitude_deg=latitude, longitude_deg=longitude)


def _degrees(value: Any, reference: Any) -> float | None:
    """Degrees, minutes and seconds as degrees; south and west are negative."""
    if not isinstance(value, tuple) or len(value) != 3:
        return None
    parts = [_number(part) for part in value]
    if any(part is None for part in parts):
        return None
    degrees = 0.0
    for place, part in enumerate(parts):
        degrees += (part or 0.0) / 60**place
    return -degrees if _text(reference).upper() in ("S", "W") else degrees


def _altitude_m(gps: Mapping[int, Any]) -> float | None:
    altitude = _number(gps.get(ExifTags.GPS.GPSAltitude))
    if altitude is None or abs(altitude) > _MAX_ALTITUDE_M:
        return None
    reference = gps.get(ExifTags.GPS.GPSAltitudeRef)
    is_below = reference in (_BELOW_SEA, bytes([_BELOW_SEA]))
    return -altitude if is_below else altitude


def _date(tags: Mapping[int, Any]) -> str:
    for tag in (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTime):
        match = _DATE.match(_text(tags.get(tag)))
        if match is None:
            continue
        year, month, day, hour, minute, second = match.groups()
        date = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
        with suppress(ValueError):  # no day or hour of any calendar
            datetime.fromisoformat(date)
            offset = _text(tags.get(ExifTags.Base.OffsetTimeOriginal))
            return date + (offset if _OFFSET.fullmatch(offset) else "")
    return ""


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if isfinite(number) else None


def _text(value: Any) -> str:
    """A tag as text. Cameras write UTF-8 where EXIF has ASCII, which Pillow takes for Latin-1."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    return "".join(each for each in value if each.isprintable()).strip()[:_MAX_TEXT]
