"""Whether a JPEG's coded data is whole: decoders fill what is missing without a word.

Source: ITU-T T.81, annex B (markers). Two independent tests:

- Markers: the segments must lead from the start to the end-of-image marker.
- Tail: a damaged byte puts the entropy decoder out of step, so that at the end it has run out
  of data or has some left. Both are visible without a decoder of our own: if it ran out, the
  picture changes when foreign bytes are put before the end marker; if it had bytes left, the
  picture stays the same when the last bytes are replaced by foreign ones.

A flipped bit that leaves the decoder in step changes a block's colour only; no decoder can
tell. Of a picture with restart markers, the tail test covers the last interval.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from tasks.core.errors import DataError
from tasks.panorama.types import ByteImage

_SOI, _EOI, _SOS = b"\xff\xd8", 0xD9, 0xDA
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_IN_ENTROPY_DATA = frozenset({0x00, *range(0xD0, 0xD8)})
_NUM_SPARE_BYTES = 24
_SMALL = 8  # Decodes DC only: cheap, and enough to see whether a sequential picture ran out.
_FOREIGN_BYTES = bytes((37 * i * i + 11 * i + 90) % 255 for i in range(256))


def check_jpeg(data: bytes, where: str) -> None:
    """Check that a JPEG's coded data is whole.

    Args:
        data: The file's bytes.
        where: Path for messages.

    Raises:
        DataError: The file is cut short or damaged.
    """
    scans = _scans(data, where)
    start, end = scans[-1]
    while end > start and data[end - 1] == 0xFF:
        end -= 1
    foreign_after = data[:end] + _FOREIGN_BYTES + data[end:]
    foreign_instead = data[: end - _NUM_SPARE_BYTES] + _FOREIGN_BYTES + data[end:]
    first_look = _SMALL if len(scans) == 1 else 1
    if not _is_same_picture(data, foreign_after, (first_look,), where):
        raise _damaged(where, "its data ends before the picture does")
    has_tail = end - start > 2 * _NUM_SPARE_BYTES
    if has_tail and _is_same_picture(data, foreign_instead, (first_look, 1), where):
        raise _damaged(where, "its picture ends before the data does")


def _scans(data: bytes, where: str) -> list[tuple[int, int]]:
    """Start and end of the entropy-coded data of each scan."""
    place = len(_SOI)
    scans: list[tuple[int, int]] = []
    while place + 2 <= len(data):
        if data[place] != 0xFF:
            raise _damaged(where, f"expected a marker at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker == _EOI and scans:
            return scans
        elif marker in _WITHOUT_LENGTH:
            place += 2
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
            if marker == _SOS:
                scans.append((place, _end_of_scan(data, place)))
                place = scans[-1][1]
    raise DataError(
        f"{where}: expected a whole JPEG, but the file ends after {len(data)} bytes without an end "
        "marker: it was cut short. Copy it again from the camera."
    )


def _end_of_scan(data: bytes, place: int) -> int:
    while (found := data.find(b"\xff", place)) >= 0 and found + 1 < len(data):
        following = data[found + 1]
        if following not in _IN_ENTROPY_DATA and following != 0xFF:
            return found
        place = found + (1 if following == 0xFF else 2)
    return len(data)


def _is_same_picture(data: bytes, altered: bytes, scales: tuple[int, ...], where: str) -> bool:
    for scale in scales:
        try:
            expected = _picture(data, scale)
        except (OSError, SyntaxError, ValueError) as error:
            raise _damaged(where, str(error)) from error
        try:
            found = _picture(altered, scale)
        except (OSError, SyntaxError, ValueError):
            return False
        if not np.array_equal(expected, found):
            return False
    return True


def _picture(data: bytes, scale: int) -> ByteImage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(data)) as image:
            image.draft(None, (image.width // scale, image.height // scale))
            return np.asarray(image)


def _damaged(where: str, reason: str) -> DataError:
    return DataError(
        f"{where}: expected a whole JPEG, but it is damaged ({reason}). "
        "Copy it again from the camera, or leave it out together with its camera."
    )
