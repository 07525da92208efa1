"""Textures cut from pictures of a target, which needs no label and no network.

Whatever lies in a target's bin is painted, bit by bit, on the simulation's tray and objects. A
method that adapts to unlabelled pictures must be worth more than this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tasks.core.errors import DataError
from tasks.grasping.looks.lens import pixel_m
from tasks.grasping.looks.textures import SIDE_PX, Textures
from tasks.grasping.types import ByteImage, Camera

NUM_CUTTINGS: Final = 60
"""Patches of one station."""
_CUT_PX: Final = SIDE_PX // 2


def cut_textures(
    pictures: Sequence[ByteImage], rng: np.random.Generator, count: int = NUM_CUTTINGS
) -> Textures:
    """Cut square patches out of pictures, and mirror each so that it repeats without a seam.

    Args:
        pictures: Pictures of one station, (h, w, 3) uint8 each, best without the arm.
        rng: Decides where is cut.
        count: How many are cut.

    Raises:
        DataError: There is no picture, or one is smaller than a patch.
    """
    smallest = min((min(each.shape[:2]) for each in pictures), default=0)
    if smallest < _CUT_PX:
        raise DataError(
            f"expected pictures of at least {_CUT_PX} px to cut textures from, got "
            f"{len(pictures)}, the smallest of {smallest} px; collect with a larger camera.size_px"
        )
    patches = []
    for _ in range(count):
        picture = pictures[int(rng.integers(len(pictures)))]
        top, left = (int(rng.integers(side - _CUT_PX + 1)) for side in picture.shape[:2])
        patches.append(picture[top : top + _CUT_PX, left : left + _CUT_PX])
    cut = np.stack(patches)
    cut = np.concatenate([cut, cut[:, ::-1]], axis=1)
    return Textures(np.concatenate([cut, cut[:, :, ::-1]], axis=2))


def true_repeat_m(camera: Camera) -> float:
    """Length of one repeat of a cutting where it is as large as in a camera's own pictures."""
    return SIDE_PX * pixel_m(camera)
