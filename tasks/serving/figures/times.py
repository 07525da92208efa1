"""Times and sizes of answers as histograms.

Noting an answer costs one entry in a list; many are sorted at a time. They count requests: of the
batch that one was in, its size and its time.
"""

from __future__ import annotations

from typing import Final

import numpy as np

_SECONDS: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
_SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0, 4096.0)
BOUNDS: Final = {
    "took_seconds": _SECONDS,
    "queued_seconds": _SECONDS,
    "computed_seconds": _SECONDS,
    "batch_size": _SIZES,
}
TOLD: Final = {
    "took_seconds": "From a request's last byte to its answer.",
    "queued_seconds": "Wait for the worker.",
    "computed_seconds": "Work on the batch that a request was in.",
    "batch_size": "Items of the batch that a request was in.",
}
Row = tuple[float, float, float, float]  # as BOUNDS has them
_MAX_ROWS: Final = 4096


class Times:
    """Times and sizes of one version's answers; what is read of them is up to the last `sort`.

    Attributes:
        counts: By name of a bound, answers between each two of them, and above the last.
        totals: By name of a bound, the sum of the values.
    """

    __slots__ = ("_rows", "counts", "totals")

    def __init__(self) -> None:
        """Begin with none."""
        self.counts = {name: np.zeros(len(bounds) + 1, int) for name, bounds in BOUNDS.items()}
        self.totals = dict.fromkeys(BOUNDS, 0.0)
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Note an answer."""
        self._rows.append(row)
        if len(self._rows) >= _MAX_ROWS:
            self.sort()

    def sort(self) -> None:
        """Sort what was noted."""
        columns = np.array(self._rows).reshape(-1, len(BOUNDS)).T
        for (name, bounds), column in zip(BOUNDS.items(), columns, strict=True):
            places = np.searchsorted(bounds, column)
            self.counts[name] += np.bincount(places, minlength=len(bounds) + 1)
            self.totals[name] += float(column.sum())
        self._rows.clear()
