"""Truth on disk."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import DataError
from tasks.panorama.input.truth import load_truth, save_truth
from tasks.panorama.types import Camera, Photometry, Rig, TruePoints, Truth
from tests.support.hostile.arrays import npy
from tests.support.hostile.captures import content, large, png
from tests.support.hostile.images import bomb
from tests.support.hostile.refusals import memory_limit, refused


def _truth() -> Truth:
    rng = np.random.default_rng(0)
    cameras = tuple(
        Camera(name, 8, 6, "OPENCV", tuple(rng.random(8)), rng.random((3, 3)), rng.random(3))
        for name in ("left", "right")
    )
    points = TruePoints(
        np.array([0, 0]),
        np.array([1, 1]),
        rng.random((2, 2)),
        rng.random((2, 2)),
        np.array([True, False]),
    )
    panorama = rng.integers(0, 256, (4, 8, 3), np.uint8)
    depths = tuple(np.array([[1.5, np.inf]], np.float32) * k for k in (1, 2))
    photometry = Photometry(rng.random((2, 3)), (-0.2, -0.1))
    return Truth(Rig(cameras), photometry, points, panorama, panorama[..., 0] > 99, depths)


def test_round_trip(tmp_path):
    truth = _truth()
    save_truth(tmp_path / "truth", truth)
    read = load_truth(tmp_path)
    for one, other in zip(read.rig.cameras, truth.rig.cameras, strict=True):
        assert (one.name, one.width_px, one.height_px, one.model, one.params) == (
            other.name,
            other.width_px,
            other.height_px,
            other.model,
            other.params,
        )
        assert np.array_equal(one.camera_from_rig, other.camera_from_rig)
        assert np.array_equal(one.centre_m, other.centre_m)
    assert np.array_equal(read.photometry.gains, truth.photometry.gains)
    assert read.photometry.vignetting == truth.photometry.vignetting
    for name in ("image_a", "image_b", "points_a_px", "points_b_px", "is_sky"):
        assert np.array_equal(getattr(read.points, name), getattr(truth.points, name))
    assert len(read.points) == 2
    assert np.array_equal(read.panorama, truth.panorama)
    assert np.array_equal(read.panorama_is_sky, truth.panorama_is_sky)
    for one, other in zip(read.depths_m, truth.depths_m, strict=True):
        assert np.array_equal(one, other)


def test_panorama_and_depth_may_be_left_out(tmp_path):
    save_truth(
        tmp_path / "truth", replace(_truth(), panorama=None, panorama_is_sky=None, depths_m=())
    )
    read = load_truth(tmp_path)
    assert read.panorama is None
    assert read.panorama_is_sky is None
    assert read.depths_m == ()


def test_a_real_capture_has_no_truth(tmp_path):
    with pytest.raises(DataError, match="only simulated captures"):
        load_truth(tmp_path)


def cameras(**changes: object) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / "cameras.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


def table(**columns: object) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / "correspondences.parquet"
        pd.DataFrame(pd.read_parquet(path).to_dict("list") | columns).to_parquet(path, index=False)

    return spoil


SPOILT = {
    "cameras that are a list": content("cameras.json", "[]"),
    "cameras that are deep": content("cameras.json", "[" * 100_000),
    "cameras that are cut": content("cameras.json", '{"cameras": ['),
    "cameras that are bytes": content("cameras.json", bytes(range(256))),
    "cameras that are huge": large("cameras.json", 3_000_000_000),
    "no cameras": cameras(cameras=None),
    "a camera that is a number": cameras(cameras=[1]),
    "a camera without a lens": cameras(cameras=[{"name": "left"}]),
    "gains of another rig": cameras(gains_bgr=[[1, 1, 1]]),
    "gains without end": cameras(gains_bgr=[[1e999] * 3] * 2),
    "gains that are texts": cameras(gains_bgr=[["x"] * 3] * 2),
    "vignetting of three": cameras(vignetting=[1, 2, 3]),
    "points that are none": content("correspondences.parquet", "PAR1"),
    "points that are noise": content("correspondences.parquet", bytes(range(256)) * 9),
    "points that are huge": large("correspondences.parquet", 3_000_000_000),
    "points of other cameras": table(image_b=[1, 9]),
    "points of negative cameras": table(image_a=[0, -1]),
    "points that are nowhere": table(x_a=[0.5, float("nan")]),
    "points far away": table(y_b=[0.5, 1e300]),
    "points that are texts": table(x_b=["a", "b"]),
    "points that are lists": table(x_b=[[1], [2]]),
    "a panorama of 50,000 squared": content("panorama.png", bomb("PNG")),
    "a panorama that is cut": content("panorama.png", b"\x89PNG\r\n\x1a\n"),
    "a sky of another size": content("panorama_sky.png", png(size_px=(3, 5))),
    "a sky of 24,000 squared": content("panorama_sky.png", bomb("PNG", 24_000, 24_000)),
    "depths that are none": content("depths.npz", "PK"),
    "depths of others": lambda folder: np.savez(folder / "depths.npz", other=np.zeros(3)),
    "depths that are code": lambda folder: np.savez(
        folder / "depths.npz", left=np.array([{}]), right=np.array([{}])
    ),
    "depths of 80 GB": lambda folder: _npz(folder / "depths.npz", npy("<f8", "(100000, 100000)")),
}


def _npz(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("left", "right"):
            archive.writestr(f"{name}.npy", data)


@pytest.mark.hostile
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_truth_that_means_harm_is_refused_by_its_file(tmp_path, spoil):
    save_truth(tmp_path / "truth", _truth())
    spoil(tmp_path / "truth")
    with memory_limit(), refused(str(tmp_path)):
        load_truth(tmp_path)
