from __future__ import annotations

import numpy as np
import pytest
from PIL import ExifTags, Image

from tasks.panorama.input.photo_facts import exif_focal_px, photo_facts
from tasks.panorama.input.photos import open_photo
from tasks.panorama.photo_records import PhotoFacts, Position

GPS, BASE = ExifTags.GPS, ExifTags.Base
PLACE = {
    GPS.GPSLatitudeRef: "S",
    GPS.GPSLatitude: (33.0, 30.0, 36.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (151.0, 15.0, 0.0),
}


def facts(gps=(), **tags) -> PhotoFacts:
    by_id = {BASE[name].value: value for name, value in tags.items()}
    return photo_facts({**by_id, ExifTags.IFD.GPSInfo: dict(gps)})


def test_of_a_file(tmp_path):
    exif = Image.Exif()
    exif[BASE.Artist], exif[BASE.Model] = "Jürgen".encode(), " Model\0\0"
    exif.get_ifd(ExifTags.IFD.Exif)[BASE.DateTimeOriginal] = "2024:05:06 07:08:09"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE | {GPS.GPSImgDirection: 370.5})
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    assert open_photo(tmp_path / "a.jpg").facts == PhotoFacts(
        position=Position(latitude_deg=-33.51, longitude_deg=151.25),
        heading_deg=10.5,
        taken_at="2024-05-06T07:08:09",
        artist="Jürgen",
        model="Model",
    )


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {**PLACE, GPS.GPSStatus: "V"},
        {**PLACE, GPS.GPSLatitude: (90.0, 0.0, 1.0)},
        {**PLACE, GPS.GPSLatitude: (33.0, 30.0)},
        {**PLACE, GPS.GPSLatitude: 33.0},
        {**PLACE, GPS.GPSLongitude: (float("nan"), 0.0, 0.0)},
        {**PLACE, GPS.GPSLatitude: (0.0,) * 3, GPS.GPSLongitude: (0.0,) * 3},
    ],
)
def test_a_position_that_is_none(gps):
    assert facts(gps).position is None


def test_height_and_heading():
    assert facts({GPS.GPSAltitude: 12.0, GPS.GPSAltitudeRef: b"\1"}).altitude_m == -12.0
    assert facts({GPS.GPSAltitude: 12.0, GPS.GPSAltitudeRef: 0}).altitude_m == 12.0
    assert facts({GPS.GPSAltitude: 1e9}).altitude_m is None
    assert facts({GPS.GPSImgDirection: "?"}).heading_deg is None
    assert [facts({GPS.GPSImgDirectionRef: each}).is_magnetic for each in "MT"] == [True, False]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"DateTime": "2024:05:06 07:08:09"}, "2024-05-06T07:08:09"),
        (
            {"DateTimeOriginal": "2024:05:06 07:08:09", "OffsetTimeOriginal": "+05:45"},
            "2024-05-06T07:08:09+05:45",
        ),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, ""),
        ({"DateTimeOriginal": "2024:13:45 99:00:00"}, ""),
        (
            {"DateTimeOriginal": "    :  :     :  :  ", "DateTime": "2001-02-03 04:05:06"},
            "2001-02-03T04:05:06",
        ),
        ({"DateTime": 7}, ""),
    ],
)
def test_dates(tags, expected):
    assert facts(**tags).taken_at == expected


def test_texts_hold_nothing_that_steers(tmp_path):
    assert facts(Artist="a\x1b[2Jb\nc" + "x" * 500).artist == "a[2Jbc" + "x" * 194
    assert facts(Make=7, Model=b"\xff\xfe").make == ""


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"FocalLengthIn35mmFilm": 43.2666}, np.hypot(1440, 960)),
        (
            {"FocalLength": 24, "FocalPlaneXResolution": 3849.2, "ExifImageWidth": 5616},
            24 / 25.4 * 3849.2 * 1440 / 5616,
        ),
        ({"FocalLength": 24, "FocalPlaneXResolution": 3849.2, "ExifImageWidth": 1440}, None),
        ({"FocalLength": 24}, None),
        ({"FocalLengthIn35mmFilm": "?"}, None),
        ({}, None),
    ],
)
def test_exif_focal(tags, expected):
    by_id = {ExifTags.Base[name].value: value for name, value in tags.items()}
    found = exif_focal_px(by_id, 1440, 960)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-4))


@pytest.mark.hostile
@pytest.mark.parametrize("value", [0, -1, 1e308, (1, 2), b"x", "inf", "nan", None, [], 10**400])
def test_odd_tags_say_nothing_of_the_focal_length(value):
    tags = {ExifTags.Base.FocalLength: value, ExifTags.Base.FocalPlaneXResolution: value}
    tags[ExifTags.Base.ExifImageWidth] = value
    assert exif_focal_px(tags, 1440, 960) is None
    found = exif_focal_px({ExifTags.Base.FocalLengthIn35mmFilm: value}, 1440, 960)
    assert found is None or np.isfinite(found)
