"""How pictures for people become files: one encoder, one quality."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from tasks.core.errors import DataError

JPEG_QUALITY: Final = 88  # text and thin lines stay sharp; nothing is measured on these pictures


def encode(
    picture: npt.NDArray[np.uint8] | bytes, name: str, jpeg_quality: int = JPEG_QUALITY
) -> bytes:
    """Write a picture as a file's bytes.

    Args:
        picture: (h, w, 3), RGB; or a file's bytes already, such as a plot's, which stay.
        name: File name; ``.jpg`` or ``.png`` says how.
        jpeg_quality: 1 to 100.

    Raises:
        DataError: The encoder refuses it, for example because it is larger than a JPEG may be.
    """
    if isinstance(picture, bytes):
        return picture
    # Of a picture that came as a reversed view of BGR, this is no copy.
    bgr = np.ascontiguousarray(picture[..., ::-1])
    suffix = f".{name.rpartition('.')[2]}"
    settings = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality] if suffix == ".jpg" else []
    is_encoded, data = cv2.imencode(suffix, bgr, settings)
    if not is_encoded:
        raise DataError(f"{name}: the encoder refused a picture of shape {picture.shape}")
    return data.tobytes()
