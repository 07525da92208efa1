from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tasks.core.errors import DataError, ResourceError
from tasks.panorama.input.photos import read_photo
from tasks.panorama.photo_records import Position
from tasks.panorama.pictures import gpano
from tasks.panorama.pictures.gpano import (
    NAMESPACE,
    XMP_SIGNATURE,
    GPano,
    read_place,
    write_panorama_jpeg,
)
from tasks.panorama.pictures.imprint import Imprint

PICTURE = np.random.default_rng(0).integers(0, 256, (4, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)


IMPRINT = Imprint(
    position=Position(latitude_deg=-33.858333, longitude_deg=151.215),
    altitude_m=-2.5,
    first_date="2024-05-06T07:08:09+02:00",
    last_date="2024-05-06T07:08:11+02:00",
    artist="Jörg & <Ana>",
    copyright="© Jörg",
    make="Maker",
    model="Model",
)


def read_fields(path: Path) -> dict[str, str]:
    """GPano fields of the first XMP packet, found by walking the JPEG's segments."""
    data = path.read_bytes()
    place = 2
    while data[place + 1] != 0xDA:
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        body = data[place + 4 : place + 2 + size]
        if body.startswith(XMP_SIGNATURE):
            root = ElementTree.parse(io.BytesIO(body[len(XMP_SIGNATURE) :])).getroot()  # noqa: S314
            (description,) = root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
            return {
                name.removeprefix(f"{{{NAMESPACE}}}"): value
                for name, value in description.attrib.items()
                if NAMESPACE in name
            }
        place += 2 + size
    raise AssertionError("no XMP segment")


def test_fields_and_pixels(tmp_path):
    path = tmp_path / "a.jpg"
    place = GPano(128, 64, 10, 5, num_photos=15, imprint=replace(IMPRINT, heading_deg=-90.0))
    write_panorama_jpeg(path, PICTURE, place, 95)
    assert read_fields(path) == {
        "UsePanoramaViewer": "True",
        "ProjectionType": "equirectangular",
        "StitchingSoftware": "Orrery restitch",
        "FullPanoWidthPixels": "128",
        "FullPanoHeightPixels": "64",
        "CroppedAreaImageWidthPixels": "64",
        "CroppedAreaImageHeightPixels": "32",
        "CroppedAreaLeftPixels": "10",
        "CroppedAreaTopPixels": "5",
        "SourcePhotosCount": "15",
        "PoseHeadingDegrees": "270.000",
        "FirstPhotoDate": "2024-05-06T07:08:09+02:00",
        "LastPhotoDate": "2024-05-06T07:08:11+02:00",
    }
    assert np.abs(read_photo(path).astype(int) - PICTURE).mean() < 12
    with Image.open(path) as image:
        assert image.info["xmp"].startswith(b"<?xpacket")
        assert "GPano" in image.info["xmp"].decode()
    assert path.read_bytes().count(XMP_SIGNATURE) == 1


@pytest.mark.parametrize(
    "place",
    [GPano(128, 64, 10, 5, num_photos=15, imprint=Imprint(heading_deg=270.0)), GPano(64, 32)],
)
def test_what_was_written_is_read(tmp_path, place):
    write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, place)
    assert read_place(tmp_path / "a.jpg") == place


def test_other_pictures_say_no_place(tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg")
    assert read_place(tmp_path / "a.jpg") is None


def test_unknown_facts_are_not_stated(tmp_path):
    write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, GPano(64, 32))
    unknown = {"SourcePhotosCount", "PoseHeadingDegrees", "FirstPhotoDate", "LastPhotoDate"}
    assert not unknown & set(read_fields(tmp_path / "a.jpg"))


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs Debian's libimage-exiftool-perl")
def test_others_read_what_is_stated(tmp_path):
    """ExifTool is what street-imagery tools read and write with."""
    place = GPano(128, 64, 10, 5, num_photos=15, imprint=replace(IMPRINT, heading_deg=359.9996))
    write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, place)
    command = [
        "exiftool",
        "-json",
        "-n",
        "-G1",
        "-validate",
        "-all",
        "-composite:all",
        str(tmp_path / "a.jpg"),
    ]
    done = subprocess.run(command, capture_output=True, check=True)
    (found,) = json.loads(done.stdout)
    assert found["ExifTool:Validate"] == "0 0 0", "no errors, no warnings"
    assert found["Composite:GPSLatitude"] == pytest.approx(-33.858333, abs=1e-7)
    assert found["Composite:GPSLongitude"] == pytest.approx(151.215, abs=1e-7)
    expected = {
        "Composite:GPSAltitude": -2.5,
        "GPS:GPSImgDirection": 0,
        "XMP-GPano:PoseHeadingDegrees": 0,
        "XMP-GPano:SourcePhotosCount": 15,
        "XMP-GPano:CroppedAreaLeftPixels": 10,
        "XMP-GPano:CroppedAreaImageWidthPixels": 64,
        "XMP-GPano:FullPanoWidthPixels": 128,
        "XMP-GPano:FirstPhotoDate": "2024:05:06 07:08:09+02:00",
        "XMP-GPano:LastPhotoDate": "2024:05:06 07:08:11+02:00",
        "ExifIFD:DateTimeOriginal": "2024:05:06 07:08:09",
        "ExifIFD:OffsetTimeOriginal": "+02:00",
        "ExifIFD:ColorSpace": 1,
        "IFD0:Artist": "Jörg & <Ana>",
        "IFD0:Copyright": "© Jörg",
        "IFD0:Make": "Maker",
        "IFD0:Model": "Model",
        "XMP-dc:Creator": "Jörg & <Ana>",
        "XMP-dc:Rights": "© Jörg",
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "place", [GPano(128, 64, 65, 0), GPano(128, 64, 0, 33), GPano(128, 64, -1, 0), GPano(128, 63)]
)
def test_picture_outside_the_panorama(tmp_path, place):
    with pytest.raises(DataError, match="expected it to lie within"):
        write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, place)
    assert not list(tmp_path.iterdir())


def test_larger_than_a_jpeg(tmp_path):
    with pytest.raises(DataError, match="at most 65500 px"):
        write_panorama_jpeg(tmp_path / "a.jpg", np.zeros((2, 66_000, 3), np.uint8), GPano(2, 1))


def test_more_than_a_segment_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(gpano, "SOFTWARE", "x" * 65_534)
    with pytest.raises(DataError, match="the JPEG encoder refused"):
        write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, GPano(64, 32))
    assert not list(tmp_path.iterdir())


def test_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ResourceError, match=r"No space left on device.*free disk space"):
        write_panorama_jpeg(tmp_path / "a.jpg", PICTURE, GPano(64, 32))
    assert not list(tmp_path.iterdir())
