"""Names photos by their content, so that one is known again in another order, place or size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

NUM_BYTES = 32  # of SHA-256
Photos = npt.NDArray[np.uint8]
"""(n, 32): what names each photo."""


def name_photos(images: Iterable[npt.NDArray[np.uint8]]) -> Photos:
    """Name images by their size and pixels.

    Pixels, and not the bytes of files: then a set is the same as single files and packed, and
    another if a network is shown something else, be it through another decoder of JPEGs.

    Args:
        images: Each (height, width, 3), RGB, before anything is resized or cut.

    Returns:
        (n, 32).
    """
    names = [
        hashlib.sha256(f"{len(each)} {len(each[0])} ".encode() + each.tobytes()).digest()
        for each in images
    ]
    return np.frombuffer(b"".join(names), np.uint8).reshape(-1, NUM_BYTES)


def in_order(
    photos: Photos, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> npt.NDArray[np.int64]:
    """Order of labelled photos that depends on nothing but themselves.

    Args:
        photos: (n, 32).
        labels: (n,).
        classes: Their names, which count in place of the numbers.

    Returns:
        Indices, (n,).
    """
    entries = _entries(photos, labels, classes)
    order: npt.NDArray[np.int64] = entries.view(f"S{2 * NUM_BYTES}").ravel().argsort(kind="stable")
    return order


def content_of(photos: Photos, labels: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """Digest of labelled photos, the same in whatever order; see `in_order`."""
    entries = _entries(photos, labels, classes)[in_order(photos, labels, classes)]
    return hashlib.sha256(entries.tobytes()).hexdigest()


def _entries(
    photos: Photos, labels: npt.NDArray[np.int64], classes: Sequence[str]
) -> npt.NDArray[np.uint8]:
    """(n, 64): each photo's name, and a digest of its class's."""
    digests = b"".join(hashlib.sha256(name.encode()).digest() for name in classes)
    of_class = np.frombuffer(digests, np.uint8).reshape(-1, NUM_BYTES)
    return np.ascontiguousarray(np.hstack([photos, of_class[labels]]))
