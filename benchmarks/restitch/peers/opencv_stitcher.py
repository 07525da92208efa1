"""OpenCV's Stitcher as a peer: its defaults for panoramas, without a calibration: it takes none.

Its picture is laid on a whole sphere, so that it can be compared: the spherical warp that it
ends with is an equirectangular panorama in steps of its own.
"""

from __future__ import annotations

import json
import resource
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.restitch.peers.hugin import PeerFailedError
from tasks.panorama.input.photos import read_photo
from tasks.panorama.types import BoolArray, ByteImage, FloatArray

_PICTURE, _PLACE = "stitched.png", "place.json"
_REASONS = {
    cv2.STITCHER_ERR_NEED_MORE_IMGS: "need more images",
    cv2.STITCHER_ERR_HOMOGRAPHY_EST_FAIL: "homography estimation failed",
    cv2.STITCHER_ERR_CAMERA_PARAMS_ADJUST_FAIL: "camera parameters adjusting failed",
}


def run_stitcher(photos: Sequence[Path], folder: Path) -> tuple[float, int]:
    """Stitch photos, in a process that did nothing else before.

    Args:
        photos: At least two.
        folder: For the result, which `read_stitched` reads.

    Returns:
        Largest resident memory of the process, in 1e9 bytes, and how many photos were used.

    Raises:
        PeerFailedError: It could not.
    """
    cv2.setNumThreads(1)
    images = [read_photo(path) for path in photos]
    stitcher = cv2.Stitcher.create(cv2.Stitcher_PANORAMA)
    try:
        status, picture = stitcher.stitch(images)
    except cv2.error as error:
        raise PeerFailedError(f"OpenCV: {error.err}") from error
    if status != cv2.STITCHER_OK:
        raise PeerFailedError(f"OpenCV: {_REASONS.get(status, status)}")
    used = [int(index) for index in stitcher.component()]
    cameras, work_scale = stitcher.cameras(), stitcher.workScale()
    px_per_rad = float(np.median([camera.focal for camera in cameras])) / work_scale
    warper = cv2.PyRotationWarper("spherical", px_per_rad)
    corners = []
    for index, camera in zip(used, cameras, strict=True):
        height_px, width_px = images[index].shape[:2]
        scale = camera.focal / work_scale
        intrinsics = np.array(
            [
                [scale, 0, camera.ppx / work_scale],
                [0, scale * camera.aspect, camera.ppy / work_scale],
                [0, 0, 1],
            ],
            np.float32,
        )
        x, y, _, _ = warper.warpRoi(
            (width_px, height_px), intrinsics, np.asarray(camera.R, np.float32)
        )
        corners.append((x, y))
    left_px, top_px = (min(values) for values in zip(*corners, strict=True))
    cv2.imwrite(str(folder / _PICTURE), picture)
    place = {"px_per_rad": px_per_rad, "left_px": left_px, "top_px": top_px}
    (folder / _PLACE).write_text(json.dumps(place))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return peak_gb, len(used)


def read_stitched(folder: Path, width_px: int) -> tuple[ByteImage, BoolArray]:
    """Lay what `run_stitcher` left in a folder on a whole sphere.

    Returns:
        (width / 2, width, 3) BGR, equirectangular, and where it is covered.
    """
    picture = read_photo(folder / _PICTURE)
    place = json.loads((folder / _PLACE).read_text())
    longitude: FloatArray = ((np.arange(width_px) + 0.5) / width_px - 0.5) * 2 * np.pi
    colatitude: FloatArray = (np.arange(width_px // 2) + 0.5) / width_px * 2 * np.pi
    # A picture that passes longitude 180 goes on beyond it.
    right_rad = (place["left_px"] + picture.shape[1]) / place["px_per_rad"]
    longitude = np.where(longitude + 2 * np.pi < right_rad, longitude + 2 * np.pi, longitude)
    x = longitude * place["px_per_rad"] - place["left_px"]
    y = colatitude * place["px_per_rad"] - place["top_px"]
    map_x, map_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    laid = cv2.remap(picture, map_x, map_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    shown = (picture.max(axis=2) > 0).astype(np.uint8)
    covered = cv2.remap(shown, map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(laid, np.uint8), np.asarray(covered > 0, np.bool_)
