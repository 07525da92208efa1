"""Figures of a transfer by name, for the tracker and for comparisons between runs."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.nas.report.estimates import Estimate
from tasks.nas.transfer.outcomes import (
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
        ``map_<network>``, ``ap50_<network>`` and ``map_cells_minus_<other>``; differences also
        with ``_se``, ``_low`` and ``_high`` behind, where there are several seeds.
    """
    found = {f"accuracy_{s.name}_{s.size}_{s.group}": 100 * s.test.value for s in networks}
    for (other, size, group), gain in gains(networks, cells).items():
        found |= _named(f"cells_minus_{other}_{size}_{group}", gain)
    found |= {f"map_{each.name}": 100 * each.mean_ap.value for each in detectors}
    found |= {f"ap50_{each.name}": 100 * each.ap50.value for each in detectors}
    for other, gain in detector_gains(detectors, cells).items():
        found |= _named(f"map_cells_minus_{other}", gain)
    return found


def _named(name: str, gain: Estimate) -> dict[str, float]:
    parts = {"": gain.value, "_se": gain.error, "_low": gain.low, "_high": gain.high}
    return {f"{name}{end}": 100 * part for end, part in parts.items() if part is not None}
