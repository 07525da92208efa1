from __future__ import annotations

import cv2
import numpy as np

from tasks.panorama.algorithms.stitch.seams import UNCOVERED
from tasks.panorama.pictures.render_files import (
    before_after,
    worst_crops,
    worst_seams,
    write_before,
    write_panorama,
)

WIDTH_PX = 512


def test_panorama_is_cropped_to_what_is_covered(found, tmp_path):
    write_panorama(tmp_path / "panorama.jpg", found, 90)
    write_before(tmp_path / "before.jpg", found, 90)

    rows, columns = np.nonzero(found.labels != UNCOVERED)
    picture = cv2.imread(str(tmp_path / "panorama.jpg"))
    assert picture.shape[:2] == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    text = (tmp_path / "panorama.jpg").read_bytes()[:2000].decode("latin1")
    for name, value in (
        ("FullPanoWidthPixels", WIDTH_PX),
        ("FullPanoHeightPixels", WIDTH_PX // 2),
        ("CroppedAreaLeftPixels", columns.min()),
        ("CroppedAreaTopPixels", rows.min()),
        ("SourcePhotosCount", 2),
    ):
        assert f'GPano:{name}="{value}"' in text
    before = (tmp_path / "before.jpg").read_bytes()[:2000].decode("latin1")
    assert f'GPano:FullPanoWidthPixels="{WIDTH_PX // 2}"' in before


def test_crops_show_before_and_after(found):
    crops = worst_crops(found, worst_seams(found), "capture", ["left", "right"], 5)

    assert 1 <= len(crops) <= 4
    width_px = crops[0].shape[1] // 2
    left, right = crops[0][40:, : width_px - 4], crops[0][40:, -(width_px - 4) :]
    assert np.abs(left.astype(int) - right).max() > 5
    together = before_after(found, "capture", crops)
    assert together.shape[0] > sum(crop.shape[0] for crop in crops)
    assert before_after(found, "capture", []).shape[0] > 50
