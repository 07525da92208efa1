"""EXIF of a panorama: where, when, by whom and with what it was taken.

Source: CIPA DC-008, "Exchangeable image file format" (EXIF) 2.32. Texts are UTF-8, as the Metadata
Working Group advises ("Guidelines for Handling Image Metadata" 2.0, section 3.2), for EXIF's ASCII
has no place for most names.
"""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image

from tasks.panorama.photo_records import Position
from tasks.panorama.pictures.imprint import Imprint

SOFTWARE = "Orrery restitch"
# What every EXIF of a JPEG states (tables 21 and 22).
_REQUIRED: dict[int, Any] = {
    ExifTags.Base.XResolution: 72.0,
    ExifTags.Base.YResolution: 72.0,
    ExifTags.Base.ResolutionUnit: 2,  # inches
    ExifTags.Base.YCbCrPositioning: 1,  # centred
}
_REQUIRED_INSIDE: dict[int, Any] = {
    ExifTags.Base.ExifVersion: b"0232",
    ExifTags.Base.FlashPixVersion: b"0100",
    ExifTags.Base.ComponentsConfiguration: b"\1\2\3\0",  # Y, Cb, Cr
    ExifTags.Base.ColorSpace: 1,  # sRGB
}
_ABOVE_SEA, _BELOW_SEA = b"\0", b"\1"
_GPS_VERSION = b"\2\3\0\0"
_PREFIX = b"Exif\0\0"


def exif_of(imprint: Imprint, size_px: tuple[int, int]) -> bytes:
    """Write an imprint as the EXIF of a picture in sRGB.

    Args:
        imprint: Where the panorama comes from.
        size_px: Width and height of the picture.

    Returns:
        The TIFF structure, without the letters that mark it in a JPEG.
    """
    exif = Image.Exif()
    exif.update({ExifTags.Base.Software: SOFTWARE, **_REQUIRED})
    texts = {
        ExifTags.Base.Make: imprint.make,
        ExifTags.Base.Model: imprint.model,
        ExifTags.Base.Artist: imprint.artist,
        ExifTags.Base.Copyright: imprint.copyright,
    }
    for tag, text in texts.items():
        if text:
            exif[tag] = text.encode()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner.update(_REQUIRED_INSIDE)
    inner[ExifTags.Base.ExifImageWidth], inner[ExifTags.Base.ExifImageHeight] = size_px
    if imprint.first_date:
        date, offset = imprint.first_date[:19], imprint.first_date[19:]
        exif[ExifTags.Base.DateTime] = _exif_date(date)
        inner[ExifTags.Base.DateTimeOriginal] = _exif_date(date)
        if offset:
            inner[ExifTags.Base.OffsetTimeOriginal] = offset
    if gps := _gps(imprint):
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(gps)
    # Pillow takes these four bytes for numbers: type 1 in place of 7.
    begin = (ExifTags.Base.ComponentsConfiguration.to_bytes(2), b"\0\0\0\4\1\2\3\0")
    data = exif.tobytes().removeprefix(_PREFIX)
    return data.replace(b"\0\1".join(begin), b"\0\7".join(begin))


def _exif_date(date: str) -> str:
    return date.replace("-", ":").replace("T", " ")


def _gps(imprint: Imprint) -> dict[int, Any]:
    found: dict[int, Any] = {}
    if imprint.position is not None:
        found |= _place(imprint.position)
    if imprint.altitude_m is not None:
        below = imprint.altitude_m < 0
        found[ExifTags.GPS.GPSAltitudeRef] = _BELOW_SEA if below else _ABOVE_SEA
        found[ExifTags.GPS.GPSAltitude] = round(abs(imprint.altitude_m), 3)
    if imprint.heading_deg is not None:
        found[ExifTags.GPS.GPSImgDirectionRef] = "M" if imprint.is_magnetic else "T"
        found[ExifTags.GPS.GPSImgDirection] = round(imprint.heading_deg, 3) % 360
    return {ExifTags.GPS.GPSVersionID: _GPS_VERSION} | found if found else {}


def _place(position: Position) -> dict[int, Any]:
    north, east = position.latitude_deg, position.longitude_deg
    return {
        ExifTags.GPS.GPSLatitudeRef: "S" if north < 0 else "N",
        ExifTags.GPS.GPSLatitude: _parts(abs(north)),
        ExifTags.GPS.GPSLongitudeRef: "W" if east < 0 else "E",
        ExifTags.GPS.GPSLongitude: _parts(abs(east)),
    }


def _parts(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes and seconds; 0.0001 seconds are 3 mm."""
    tenths_ms = round(degrees * 3600 * 10_000)
    minutes, rest = divmod(tenths_ms, 60 * 10_000)
    return float(minutes // 60), float(minutes % 60), rest / 10_000
