"""A picture of flow in overlaps: both views, the flow as colours, and what of it is trusted.

Source of the colours: Baker, Scharstein, Lewis, Roth, Black, Szeliski, "A Database and Evaluation
Methodology for Optical Flow" (IJCV 2011), section 4.3: hue is direction, saturation is length.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.panorama.algorithms.match.matching import PairFlow
from tasks.panorama.types import ByteImage, Float32Array

_ROW_WIDTH_PX = 1280
_GAP_PX = 4
_LONGEST_QUANTILE = 0.99
_MARK_PX = 2
_MARK_BGR = (60, 220, 60)


def flow_picture(flows: Sequence[PairFlow]) -> ByteImage:
    """Draw overlaps one below the other, each as: first, second, flow, trusted flow.

    Args:
        flows: At least one overlap.

    Returns:
        (h, w, 3) BGR.
    """
    rows = [_row(flow) for flow in flows]
    gap = np.full((_GAP_PX, _ROW_WIDTH_PX, 3), 255, np.uint8)
    parts = [part for row in rows for part in (row, gap)]
    return np.concatenate(parts[:-1], axis=0)


def flow_colours(flow: Float32Array, longest_px: float) -> ByteImage:
    """Colours of a flow: hue is its direction, white is none.

    Args:
        flow: (h, w, 2) px.
        longest_px: Length that gets full saturation.
    """
    length, degrees = cv2.cartToPolar(flow[..., 0], flow[..., 1], angleInDegrees=True)
    hsv = np.full((*flow.shape[:2], 3), 255, np.uint8)
    hsv[..., 0] = (np.asarray(degrees) / 2).astype(np.uint8)
    hsv[..., 1] = np.clip(np.asarray(length) / max(longest_px, 1e-6) * 255, 0, 255)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.uint8)


def _row(flow: PairFlow) -> ByteImage:
    length = np.linalg.norm(flow.flow.forth, axis=2)
    longest_px = (
        float(np.quantile(length[flow.kept], _LONGEST_QUANTILE)) if flow.kept.any() else 1.0
    )
    colours = flow_colours(flow.flow.forth, longest_px)
    trusted = np.where(flow.kept[..., None], colours, np.uint8(64))
    first, second = (cv2.cvtColor(patch, cv2.COLOR_GRAY2BGR) for patch in flow.patches)
    for x, y in (flow.starts_px // 2).astype(int).tolist():
        cv2.circle(first, (x, y), _MARK_PX, _MARK_BGR, -1)
    parts = [np.asarray(part, np.uint8) for part in (first, second, colours, trusted)]
    wide = first.shape[1] > 2 * first.shape[0]  # long overlaps go one below the other
    if wide:
        row = np.concatenate([np.concatenate(parts[:2], axis=1), np.concatenate(parts[2:], axis=1)])
    else:
        row = np.concatenate(parts, axis=1)
    height_px = max(1, round(row.shape[0] * _ROW_WIDTH_PX / row.shape[1]))
    size = (_ROW_WIDTH_PX, height_px)
    return np.asarray(cv2.resize(row, size, interpolation=cv2.INTER_AREA), np.uint8)
