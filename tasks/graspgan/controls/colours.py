"""Crops given the colours of a target's station: its mean and deviation of each channel.

E. Reinhard, M. Ashikhmin, B. Gooch, P. Shirley, "Color Transfer between Images", IEEE Computer
Graphics and Applications 2001, in RGB: no network, no label, a few pictures of the target.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

ByteArray = npt.NDArray[np.uint8]


def with_colours_of(
    crops: ByteArray, target: ByteArray, target_station: npt.NDArray[np.int64], seed: int
) -> ByteArray:
    """Bring crops to the colours of the target, each to those of a station drawn by chance.

    Args:
        crops: (n, s, s, c).
        target: Unlabelled crops of the target, (m, s, s, c).
        target_station: Their stations, (m,).
        seed: Decides which crop gets which station's colours, as often as the target has it.

    Returns:
        (n, s, s, c).
    """
    rng = np.random.default_rng(seed)
    wanted = rng.choice(target_station, size=len(crops))
    mean, spread = crops.mean(axis=(0, 1, 2)), crops.std(axis=(0, 1, 2))
    found = np.empty_like(crops)
    for station in np.unique(target_station):
        own = target[target_station == station]
        chosen = wanted == station
        scale = own.std(axis=(0, 1, 2)) / np.maximum(spread, 1e-6)
        painted = (crops[chosen] - mean) * scale + own.mean(axis=(0, 1, 2))
        found[chosen] = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
    return found
