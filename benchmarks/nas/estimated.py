"""Figures of what was estimated, as a share of 1, and of what was counted."""

from __future__ import annotations

from benchmarks.results_file import Figure
from tasks.report.estimates import Estimate


def percent(estimate: Estimate, unit: str) -> Figure:
    """An estimate of 1 in percent, or in points, with its interval."""
    low, high = estimate.low, estimate.high
    interval = None if low is None or high is None else (100 * low, 100 * high)
    return Figure(value=100 * estimate.value, unit=unit, interval=interval)


def plain(value: float, unit: str) -> Figure:
    """A value without an interval."""
    return Figure(value=value, unit=unit, interval=None)
