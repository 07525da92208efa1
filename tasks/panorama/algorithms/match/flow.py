"""Dense flow between two views of the same overlap.

Source: Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search" (ECCV
2016), in OpenCV's implementation, there and back. Images are brought to the same local mean
and contrast first: exposure differs between cameras and falls off toward corners, and the flow
takes a difference of brightness for motion.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tasks.panorama.types import BoolArray, ByteImage, Float32Array

MIDDLE_GREY = 128
_CONTRAST = 40.0  # grey levels that one local standard deviation becomes
_NOISE_FLOOR = 6.0  # grey levels added to the deviation, so that noise in flat parts stays small
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


def round_trip_px(flow: FlowPair) -> Float32Array:
    """How far each pixel misses its start after going there and back, (h, w)."""
    map_x, map_y = targets(flow.forth)
    returned = cv2.remap(
        flow.back, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=1e6
    )
    return np.asarray(np.linalg.norm(flow.forth + returned, axis=2), np.float32)


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
