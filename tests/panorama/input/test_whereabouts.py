from __future__ import annotations

from datetime import datetime

import pytest
from PIL import ExifTags, Image

from tasks.panorama.input.whereabouts import Whereabouts, read_whereabouts

NOWHERE = Whereabouts(None, None)


def photo(path, time=None, gps=None):
    image, exif = Image.new("RGB", (8, 8)), Image.Exif()
    if time is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = time
    if gps is not None:
        north, latitude, east, longitude = gps
        exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: north, 2: latitude, 3: east, 4: longitude})
    image.save(path, exif=exif)
    return path


def test_the_first_time_and_a_position_are_read(tmp_path):
    photos = [
        photo(tmp_path / "a.jpg", "2026:05:01 12:30:05"),
        photo(
            tmp_path / "b.jpg", "2026:05:01 12:30:02", ("S", (33.0, 51.0, 24.5), "E", (151, 12, 54))
        ),
    ]
    found = read_whereabouts(photos)
    assert found.time == datetime(2026, 5, 1, 12, 30, 2)
    assert found.position == pytest.approx((-33.8568056, 151.215))


@pytest.mark.parametrize(
    ("time", "gps"),
    [
        (None, None),
        ("0000:00:00 00:00:00", ("N", (95.0, 0.0, 0.0), "E", (1.0, 0.0, 0.0))),
        ("yesterday", ("north", (5.0, 0.0, 0.0), "E", (1.0, 0.0, 0.0))),
        ("", ("N", (5.0, 0.0, 0.0), "up", (1.0, 0.0, 0.0))),
    ],
)
def test_nonsense_is_no_information(tmp_path, time, gps):
    assert read_whereabouts([photo(tmp_path / "a.jpg", time, gps)]) == NOWHERE


def test_a_file_that_is_no_photo_says_nothing(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe1\x00\x10Exif\0\0MM")
    assert read_whereabouts([tmp_path / "a.jpg", tmp_path / "gone.jpg"]) == NOWHERE
