"""JPEGs decoded strictly: decoders as such fill what is missing without a word.

libjpeg-turbo notes what it has to make up or to leave out (the data ends before the picture does
or goes on after it, a code that no table has, a restart marker out of turn); here that is an error.
A flipped bit that leaves the decoder in step changes a block's colour only; no decoder can tell.

Bytes after the end-of-image marker, a phone's further pictures among them, don't matter.
"""

from __future__ import annotations

import numpy as np
import simplejpeg

from tasks.core.errors import DataError
from tasks.panorama.types import ByteImage


def decode_jpeg(data: bytes, where: str) -> ByteImage:
    """Decode a colour JPEG whose coded data is whole.

    Args:
        data: The file's bytes.
        where: Path for messages.

    Returns:
        (height, width, 3) BGR, as stored; the same values that Pillow gives.

    Raises:
        DataError: The file is cut short or damaged.
    """
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, colorspace="BGR", strict=True))
    except ValueError as error:
        raise DataError(
            f"{where}: expected a whole JPEG, but it is cut short or damaged ({error}). Copy it "
            "again from the camera, or leave it out together with its camera."
        ) from error
