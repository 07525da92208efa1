"""Grids of crops: what a generator was given, what it made of it, and what it should look like."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import torch

from tasks.graspgan.networks.generator import Generator
from tasks.graspgan.samples.pools import ByteArray, Pool, in_order

_SCALE, _MOST_PX = 3, 192  # crops are enlarged; whole pictures are rather made smaller
_GAP_PX: Final = 2
_COLOURS: Final = np.array(
    [[40, 40, 40], [120, 120, 120], [230, 150, 40], [70, 110, 200], [60, 170, 120]], np.uint8
)
"""Of the semantic classes: background, tray, object, arm, gripper."""


@torch.no_grad()
def adapted_grid(
    generator: Generator, source: Pool, target: Pool, num: int, seed: int, device: str = "cpu"
) -> ByteArray:
    """Draw rows of simulated crops, the same adapted to each station, maps, and real crops.

    Args:
        generator: In any mode; evaluation mode is set.
        source: Simulated samples with masks.
        target: Pictures of the target.
        num: Samples, one a column.
        seed: Decides which.
        device: Where the generator is.

    Returns:
        (h, w, 3), uint8: from above simulated, adapted (a row a station), the map that is
        predicted, and real ones (a row a station).
    """
    generator.eval()
    rng = np.random.default_rng(seed)
    few = source.taken(rng.choice(len(source), num))
    (batch,) = in_order(few, num, device)
    rows = [few.pictures[0][..., :3]]
    stations = sorted({*target.station.tolist()})
    noise = torch.zeros(generator.noise_shape(batch.pictures), device=device)
    maps = torch.zeros(0)
    for station in stations:
        made, maps = generator(batch.pictures, torch.full((num,), station, device=device), noise)
        grey = ((made[:, :3] + 1) * 127.5).round().clamp(0, 255).byte()
        rows.append(grey.permute(0, 2, 3, 1).cpu().numpy())
    first = maps[:, : maps.shape[1] * 3 // batch.pictures.shape[1]]
    rows.append(_COLOURS[first.argmax(dim=1).cpu().numpy()])
    for station in stations:
        own = np.flatnonzero(target.station == station)
        rows.append(target.pictures[0][rng.choice(own, num)][..., :3])
    return _grid(rows)


def _grid(rows: list[npt.NDArray[np.uint8]]) -> ByteArray:
    """Rows of pictures (n, s, s, 3) on white, of a size to look at."""
    lines, side_px = [], rows[0].shape[1]
    shown_px = min(_SCALE * side_px, _MOST_PX)
    way = cv2.INTER_NEAREST if shown_px >= side_px else cv2.INTER_AREA
    for row in rows:
        large = [cv2.resize(each, (shown_px, shown_px), interpolation=way) for each in row]
        edge = ((_GAP_PX, _GAP_PX), (_GAP_PX, _GAP_PX), (0, 0))
        lines.append(np.hstack([np.pad(each, edge, constant_values=255) for each in large]))
    return np.vstack(lines)
