"""Figures of a transfer by name, for the tracker and for comparisons between runs."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.nas.report.by_seed import named
from tasks.nas.transfer.scores import (
    DetectorScore,
    NetworkScore,
    detector_gains,
    gains,
)


def figures_of(
    networks: Sequence[NetworkScore], detectors: Sequence[DetectorScore], cells: str
) -> dict[str, float]:
    """All figures; accuracies and precisions in percent, differences in points of it.

    Args:
        networks: Classifiers.
        detectors: Detectors.
        cells: Name of the cells among both.

    Returns:
        ``accuracy_<network>_<size>_<group>``, ``cells_minus_<other>_<size>_<group>``,
        ``map_<network>``, ``ap50_<network>`` and ``map_cells_minus_<other>``; all of them also
        with ``_se``, ``_low`` and ``_high`` behind, where there are several seeds.
    """
    found: dict[str, float] = {}
    for score in networks:
        found |= named(f"accuracy_{score.name}_{score.size}_{score.group}", score.test)
    for (other, size, group), gain in gains(networks, cells).items():
        found |= named(f"cells_minus_{other}_{size}_{group}", gain)
    for each in detectors:
        found |= named(f"map_{each.name}", each.mean_ap) | named(f"ap50_{each.name}", each.ap50)
    for other, gain in detector_gains(detectors, cells).items():
        found |= named(f"map_cells_minus_{other}", gain)
    return found
