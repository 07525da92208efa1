"""Textures at the scale of the things in a bin, with edges that follow no thing's shape.

A network whose crops are standardised doesn't see another colour or contrast: what it lost to the
surrogate's textures it had back. What it can't be rid of is edges as strong and as long as those
of objects: camouflage, and photographs with their contrast stretched.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Final

import numpy as np

from tasks.core.errors import ConfigError
from tasks.grasping.looks.patterns import ABSTRACT, camouflage, marble, stone, wood
from tasks.grasping.looks.textures import (
    MAX_TEXTURES,
    SIDE_PX,
    Half,
    Textures,
    half_of,
)
from tasks.grasping.types import ByteImage

LEAST_PART: Final = 50
"""Textures of each kind in each half, at least."""
_SEED: Final = 20_180_503
_DEVIATION: Final = 62.0  # of a stretched photograph's grey values, of 255
_COARSE: Final = (wood, stone, marble)  # whose grain a picture of 128 px still shows


def structured_textures(photographs: Textures | None = None, seed: int = 0) -> Textures:
    """Put together what structured looks are painted with.

    Four parts of one size: camouflage and plain pictures for randomisation, and other camouflage
    and stretched pictures for the surrogate. So halves are what they are of any textures, and
    `parts_of` tells the kinds.

    Args:
        photographs: Pictures of the user's, at least 2, of which each half serves its own;
            generated ones if None.
        seed: Decides what is generated. It stays 0 for a target: so a station keeps its bin, and
            an object its surface, from one data set to the next.

    Raises:
        ConfigError: There are too few or too many photographs.
    """
    rng = np.random.default_rng([_SEED, seed])
    pictures = photographs or _likenesses(rng)
    if not 2 <= pictures.num <= MAX_TEXTURES // 2:
        raise ConfigError(
            f"randomise.textures: expected 2 to {MAX_TEXTURES // 2} pictures for the structured "
            f"look, which needs as much camouflage, got {pictures.num}"
        )
    num_each = max(LEAST_PART, len(pictures.half("randomise")))
    plain, stretched = (
        np.resize(pictures.images[pictures.half(half)], (num_each, SIDE_PX, SIDE_PX, 3))
        for half in ("randomise", "surrogate")
    )
    blobs = [camouflage(child, SIDE_PX) for child in rng.spawn(2 * num_each)]
    parts = (blobs[:num_each], plain, blobs[num_each:], [_stretched(each) for each in stretched])
    return Textures(np.concatenate(parts), skipped=pictures.skipped)


def parts_of(num_textures: int, which: Half) -> tuple[range, range]:
    """Return the indices of one half's camouflage and of its pictures.

    Args:
        num_textures: Textures there are in all, as `structured_textures` puts them together.
        which: The half.
    """
    half = half_of(num_textures, which)
    middle = (len(half) + 1) // 2
    return half[:middle], half[middle:]


def _likenesses(rng: np.random.Generator) -> Textures:
    """What serves where there are no photographs."""
    kinds = [pattern for each in (ABSTRACT, _COARSE) for pattern in islice(cycle(each), LEAST_PART)]
    drawn = zip(kinds, rng.spawn(len(kinds)), strict=True)
    return Textures(np.stack([kind(child, SIDE_PX) for kind, child in drawn]))


def _stretched(image: ByteImage) -> ByteImage:
    """The picture about a middle grey and with one contrast; its mean hue stays, (h, w, 3)."""
    colour, grey = image.mean((0, 1)), image.mean(-1)
    factor = _DEVIATION / max(float(grey.std()), 1.0)
    stretched = (image - colour) * factor + colour - grey.mean() + 127.5
    return np.asarray(np.clip(stretched, 0, 255), np.uint8)
