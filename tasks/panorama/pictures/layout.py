"""Pictures put together: with a caption, side by side, below each other."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tasks.panorama.types import ByteImage

_CAPTION_PX = 28
_GAP_PX = 6
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.55
_INK, _PAPER = (235, 235, 235), (32, 32, 32)


def side_by_side(
    before: ByteImage, after: ByteImage, before_caption: str, after_caption: str
) -> ByteImage:
    """Put two pictures of one size beside each other, each with a caption above."""
    left, right = captioned(before, before_caption), captioned(after, after_caption)
    gap = np.full((left.shape[0], _GAP_PX, 3), _PAPER, np.uint8)
    return np.hstack([left, gap, right])


def captioned(picture: ByteImage, caption: str) -> ByteImage:
    """Put a line of text above a picture, shortened to its width."""
    strip = np.full((_CAPTION_PX, picture.shape[1], 3), _PAPER, np.uint8)
    text = _plain(caption)
    while text and cv2.getTextSize(text, _FONT, _FONT_SCALE, 1)[0][0] > picture.shape[1] - 12:
        text = text[:-1]
    cv2.putText(strip, text, (6, 19), _FONT, _FONT_SCALE, _INK, 1, cv2.LINE_AA)
    return np.vstack([strip, picture])


def stacked(pictures: Sequence[ByteImage]) -> ByteImage:
    """Put pictures below each other, with gaps, on a sheet as wide as the widest."""
    width_px = max(picture.shape[1] for picture in pictures)
    rows: list[ByteImage] = []
    for picture in pictures:
        row = np.full((picture.shape[0] + _GAP_PX, width_px, 3), _PAPER, np.uint8)
        row[: picture.shape[0], : picture.shape[1]] = picture
        rows.append(row)
    return np.vstack(rows)


def fitted(picture: ByteImage, width_px: int) -> ByteImage:
    """Shrink a picture to a width, if it is wider."""
    if picture.shape[1] <= width_px:
        return picture
    height_px = max(1, round(picture.shape[0] * width_px / picture.shape[1]))
    return np.asarray(
        cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8
    )


def _plain(text: str) -> str:
    """The fonts of OpenCV hold ASCII only."""
    return text.encode("ascii", "replace").decode("ascii")
