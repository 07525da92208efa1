from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.restitch.peers.hugin import PeerFailedError
from benchmarks.restitch.peers.opencv_stitcher import read_stitched, run_stitcher


def test_its_picture_is_laid_where_its_warp_put_it(tmp_path: Path) -> None:
    """A picture from 170 degrees on, beyond the sphere's end, below 80 degrees from the zenith."""
    px_per_rad = 180 / np.pi  # a pixel a degree
    cv2.imwrite(str(tmp_path / "stitched.png"), np.full((20, 30, 3), 200, np.uint8))
    place = {"px_per_rad": px_per_rad, "left_px": 170.25, "top_px": 80.25}
    (tmp_path / "place.json").write_text(json.dumps(place))

    picture, covered = read_stitched(tmp_path, 360)

    rows, columns = np.nonzero(covered)
    assert (rows.min(), rows.max()) == (80, 99)
    assert set(columns) == {*range(350, 360), *range(20)}
    assert (picture[covered] >= 190).all()


def test_photos_that_show_nothing_can_not_be_stitched(tmp_path: Path) -> None:
    photos = [tmp_path / f"{index}.jpg" for index in range(2)]
    for photo in photos:
        cv2.imwrite(str(photo), np.full((64, 64, 3), 128, np.uint8))
    with pytest.raises(PeerFailedError, match="OpenCV"):
        run_stitcher(photos, tmp_path)
