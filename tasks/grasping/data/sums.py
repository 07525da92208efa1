"""Sums over rows that add up over shards: histograms, figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M, GRASP_AREA_M

_NUM_BINS = 20
_HALF_X_M, _HALF_Y_M = (length_m / 2 for length_m in GRASP_AREA_M)
RANGES: Final[dict[str, tuple[float, float]]] = {
    "lift_height_m": (-0.05, 0.35),
    "finger_gap_m": (0.0, 0.1),
    "closing_x_m": (BIN_CENTRE_M[0] - _HALF_X_M, BIN_CENTRE_M[0] + _HALF_X_M),
    "closing_y_m": (BIN_CENTRE_M[1] - _HALF_Y_M, BIN_CENTRE_M[1] + _HALF_Y_M),
    "closing_height_m": (0.0, 0.1),
    "closing_yaw_rad": (-np.pi / 2, np.pi / 2),
    "brightness": (0.0, 255.0),
}
"""What histograms are made of, and the range of their bins; the ends take what is beyond."""


def edges(name: str) -> list[float]:
    """Return the limits of a histogram's bins."""
    return [float(each) for each in np.linspace(*RANGES[name], _NUM_BINS + 1)]


def histograms(
    rows: Iterable[Mapping[str, Any]], brightness: Iterable[float]
) -> dict[str, tuple[int, ...]]:
    """Count values in fixed bins.

    Args:
        rows: Values by column; ``closing`` is the pose at which the fingers close, or None.
        brightness: Mean grey value of each picture.
    """
    values: dict[str, list[float]] = {name: [] for name in RANGES}
    values["brightness"].extend(brightness)
    for row in rows:
        values["lift_height_m"].append(row["lift_height_m"])
        values["finger_gap_m"].append(row["finger_gap_m"])
        if row["closing"] is None:
            continue
        x_m, y_m, z_m, yaw_rad = row["closing"]
        values["closing_x_m"].append(x_m)
        values["closing_y_m"].append(y_m)
        values["closing_height_m"].append(z_m - BIN_FLOOR_M)
        values["closing_yaw_rad"].append(yaw_rad)
    counts = {}
    for name, found in values.items():
        low, high = RANGES[name]
        clipped = np.clip(np.array(found, np.float64), low, high)
        counts[name] = tuple(int(n) for n in np.histogram(clipped, _NUM_BINS, (low, high))[0])
    return counts


def added_figures(figures: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add up the sums of shards."""
    sums: dict[str, float] = {}
    for each in figures:
        for name, value in each.items():
            sums[name] = sums.get(name, 0.0) + value
    return sums


def added_histograms(
    histograms: Iterable[Mapping[str, tuple[int, ...]]],
) -> dict[str, tuple[int, ...]]:
    """Add up the histograms of shards."""
    sums: dict[str, tuple[int, ...]] = {}
    for each in histograms:
        for name, counts in each.items():
            before = sums.get(name, (0,) * len(counts))
            sums[name] = tuple(a + b for a, b in zip(before, counts, strict=True))
    return sums
