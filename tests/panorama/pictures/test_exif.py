from __future__ import annotations

import pytest
from PIL import ExifTags, Image

from tasks.panorama.input.photo_facts import photo_facts
from tasks.panorama.photo_records import Position
from tasks.panorama.pictures.exif import exif_of
from tasks.panorama.pictures.imprint import UNKNOWN, Imprint


def read(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(b"Exif\0\0" + data)
    return exif


@pytest.mark.parametrize(("latitude", "longitude"), [(47.999999999, -8.5), (-0.25, 179.9999)])
def test_what_is_written_is_what_photos_say(latitude, longitude):
    imprint = Imprint(
        position=Position(latitude_deg=latitude, longitude_deg=longitude),
        altitude_m=-12.5,
        heading_deg=12.25,
        is_magnetic=latitude > 0,
        first_date="2024-05-06T07:08:09-03:30",
        artist="Jürgen",
        copyright="©",
        make="a",
        model="b",
    )
    exif = read(exif_of(imprint, (64, 32)))
    tags = {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    tags[ExifTags.IFD.GPSInfo] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    facts = photo_facts(tags)
    assert facts.position.latitude_deg == pytest.approx(latitude, abs=2e-8)
    assert facts.position.longitude_deg == pytest.approx(longitude, abs=2e-8)
    assert (facts.altitude_m, facts.heading_deg) == (-12.5, 12.25)
    assert (facts.taken_at, facts.is_magnetic) == (imprint.first_date, imprint.is_magnetic)
    assert (facts.artist, facts.copyright, facts.make, facts.model) == ("Jürgen", "©", "a", "b")


def test_what_is_unknown_is_not_stated():
    exif = read(exif_of(UNKNOWN, (64, 32)))
    unknown = {ExifTags.Base[name] for name in ("Artist", "Copyright", "Make", "Model", "DateTime")}
    assert not {*unknown, ExifTags.IFD.GPSInfo} & set(exif)
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    assert ExifTags.Base.DateTimeOriginal not in inner
    assert (inner[ExifTags.Base.ColorSpace], inner[ExifTags.Base.ExifImageWidth]) == (1, 64)
