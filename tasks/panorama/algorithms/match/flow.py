"""Flow between two views of the same overlap: dense and rough, then exact where it is asked for.

Sources: Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV
2016), for the dense flow; Lucas & Kanade, "An Iterative Image Registration Technique with an
Application to Stereo Vision" (IJCAI 1981), for single points; both in OpenCV's implementation and
there and back. Images are brought to the same local mean and contrast first: exposure differs
between cameras and falls off toward corners, and the flow takes a difference of brightness for
motion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.types import BoolArray, ByteImage, Float32Array, FloatArray

MIDDLE_GREY = 128
_CONTRAST = 40.0  # grey levels that one local standard deviation becomes
_NOISE_FLOOR = 6.0  # grey levels added to the deviation, so that noise in flat parts stays small
_REFINED_WINDOW_PX = 13
_MAX_REFINEMENT_PX = 3.0  # beyond it the window has slid to something else
_NUM_ITERATIONS, _STEP_PX = 10, 0.01  # until a point's step is this small, or as often
_WINDOW = 0.04  # of the image's longer side: standard deviation of the local window


@dataclass(frozen=True)
class FlowPair:
    """Flow between two views, there and back.

    Attributes:
        forth: (h, w, 2) float32; pixel p of the first view is pixel p + forth(p) of the second.
        back: (h, w, 2) float32, the other way round.
    """

    forth: Float32Array
    back: Float32Array


def normalise(image: ByteImage) -> ByteImage:
    """Grey picture of even brightness and contrast: (h, w, 3) BGR -> (h, w)."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    side = round(_WINDOW * max(grey.shape)) * 2 + 1
    mean = _smooth(grey, side)
    grey -= mean
    deviation = np.sqrt(np.maximum(_smooth(grey * grey, side), 0.0))
    grey *= _CONTRAST / (deviation + _NOISE_FLOOR)
    return np.asarray(np.clip(np.rint(grey + MIDDLE_GREY), 0, 255), np.uint8)


def flow_both_ways(first: ByteImage, second: ByteImage) -> FlowPair:
    """Flow from the first normalised view to the second, and back."""
    return FlowPair(_flow(first, second), _flow(second, first))


def _flow(first: ByteImage, second: ByteImage) -> Float32Array:
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = np.zeros((*first.shape, 2), np.float32)
    num_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # each thread takes a stripe, and the flow depends on the stripes
    try:
        return np.asarray(estimator.calc(first, second, start), np.float32)
    finally:
        cv2.setNumThreads(num_threads)


def halved(image: ByteImage) -> ByteImage:
    """A view in half its size, odd sides rounded up."""
    height, width = image.shape
    size = (-(-width // 2), -(-height // 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def refined(
    first: ByteImage, second: ByteImage, starts_px: FloatArray, rough_px: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Find exactly where points of one view lie in the other.

    Args:
        first: A normalised view.
        second: The other one.
        starts_px: (n, 2) points of the first.
        rough_px: (n, 2) roughly where they lie in the second.

    Returns:
        (n, 2) where they lie, and (n,) how far each misses its start after going there and back,
        px; infinite where it was not found near the rough place.
    """
    if not len(starts_px):
        return np.empty((0, 2)), np.empty(0)
    ends_px, found = _tracked(first, second, starts_px, rough_px)
    back_px, found_back = _tracked(second, first, ends_px, ends_px - rough_px + starts_px)
    missed_px = np.linalg.norm(back_px - starts_px, axis=1)
    near = np.linalg.norm(ends_px - rough_px, axis=1) < _MAX_REFINEMENT_PX
    return ends_px, np.where(found & found_back & near, missed_px, np.inf)


def _tracked(
    first: ByteImage, second: ByteImage, starts_px: FloatArray, rough_px: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Points of the second view that look like those of the first, and whether they were found."""
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _NUM_ITERATIONS, _STEP_PX)
    ends_px, status, _ = cv2.calcOpticalFlowPyrLK(
        first,
        second,
        starts_px.astype(np.float32),
        rough_px.astype(np.float32),
        winSize=(_REFINED_WINDOW_PX, _REFINED_WINDOW_PX),
        maxLevel=0,
        criteria=criteria,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return ends_px.astype(np.float64), np.asarray(status.ravel() > 0, np.bool_)


def round_trip_px(flow: FlowPair) -> Float32Array:
    """How far each pixel misses its start after going there and back, (h, w)."""
    map_x, map_y = targets(flow.forth)
    returned = cv2.remap(
        flow.back, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1e6
    )
    return length_px(flow.forth + returned)


def length_px(flow: Float32Array) -> Float32Array:
    """Lengths of (h, w, 2) vectors, (h, w)."""
    return np.asarray(cv2.magnitude(flow[..., 0], flow[..., 1]), np.float32)


def targets(flow: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Where the flow takes each pixel: x and y, (h, w) each."""
    height, width = flow.shape[:2]
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(flow[..., 0] + columns), np.asarray(flow[..., 1] + rows)


def follow(seen: BoolArray, flow: Float32Array) -> BoolArray:
    """Whether the pixel that each pixel flows to is seen in the second view, (h, w)."""
    map_x, map_y = targets(flow)
    reached = cv2.remap(
        seen.astype(np.uint8), map_x, map_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT
    )
    return np.asarray(reached > 0)


def _smooth(values: Float32Array, side: int) -> Float32Array:
    """Two box filters: close to a Gaussian, at a cost that doesn't grow with the window."""
    once = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.blur(once, (side, side), borderType=cv2.BORDER_REFLECT))
