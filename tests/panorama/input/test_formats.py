from __future__ import annotations

import pytest

from tasks.panorama.input import formats
from tasks.panorama.input.formats import is_from_camera, is_photo, why_ignored


@pytest.fixture(params=[True, False])
def reads_heic(request, monkeypatch):
    monkeypatch.setattr(formats, "reads_heic", lambda: request.param)
    return request.param


@pytest.mark.parametrize("name", ["a.JPG", "a.jpeg", "dir.x/a.png", "a.tif", "a.webp", "a.insp"])
def test_photos(name):
    assert is_photo(name)
    assert why_ignored(name) is None


def test_heic_is_read_where_its_package_is(reads_heic):
    assert is_photo("IMG_1.HEIC") == reads_heic
    reason = why_ignored("IMG_1.HEIC")
    assert (reason is None) if reads_heic else ("pillow-heif is installed: install it" in reason)
    assert is_from_camera("IMG_1.HEIC")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("a.CR2", "develop it to TIFF or JPEG"), ("a.dng", "raw"), ("a.psd", "photos are read as")],
)
def test_what_is_said_of_other_pictures(name, reason):
    assert not is_photo(name)
    assert reason in why_ignored(name)


@pytest.mark.parametrize("name", ["notes.txt", "capture.pto", "Thumbs.db", "jpg", "a.xmp"])
def test_nothing_is_said_of_what_is_no_picture(name):
    assert not is_photo(name)
    assert why_ignored(name) is None
