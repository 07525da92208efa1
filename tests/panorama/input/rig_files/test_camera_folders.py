from __future__ import annotations

import pytest

from tasks.panorama.input.rig_files.camera_folders import camera_folders, frames_in

TWO = [("1", "rig/cam0/a"), ("2", "rig/cam1/a")]
PHOTOS = ["rig/cam0/a", "rig/cam0/b", "rig/cam1/a", "rig/cam1/b"]


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        (TWO, {"1": "rig/cam0", "2": "rig/cam1"}),
        ([*TWO, ("1", "rig/cam0/b")], {"1": "rig/cam0", "2": "rig/cam1"}),
        ([*TWO, ("3", "rig/cam1/b")], {}),
        ([*TWO, ("1", "rig/cam1/b")], {}),
        ([("1", "a"), ("2", "b")], {}),
        ([("1", "cam0/a")], {}),
        ([], {}),
    ],
)
def test_folders(views, expected):
    assert camera_folders(views) == expected


@pytest.mark.parametrize(
    ("views", "photos", "expected"),
    [
        (TWO, PHOTOS, ("a", "b")),
        (TWO, [*PHOTOS, "rig/cam1/c", "else/d"], ("a", "b", "c")),
        (TWO, PHOTOS[::2], ()),
        (TWO, PHOTOS[1::2], ("b",)),
        ([("1", "cam0/x"), ("2", "cam1/y")], ["cam0/x", "cam1/y"], ()),
        ([("1", "a"), ("2", "b")], ["a", "b", "c"], ()),
        ([("0", "both"), ("1", "both")], ["both"], ()),
        ([("0", "both"), ("1", "both")], ["x", "y", "cam0/z"], ("x", "y")),
        ([], PHOTOS, ()),
    ],
)
def test_frames(views, photos, expected):
    assert frames_in(views, photos) == expected
