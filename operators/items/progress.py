"""How far the items of a stage are: in the log and as metrics."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tasks.core.ports import Skipped, Tracker

logger = logging.getLogger(__name__)

_INTERVAL_S = 5.0
_LONG_S = 600.0  # from here on hours and minutes are shown


@dataclass
class Progress:
    """Counts of one map over items.

    Attributes:
        stage: Name of the stage.
        total: Number of units of all items, or a guess, which grows when it was too small; an item
            is one unit unless it says otherwise.
        tracker: Receives ``items_done``, ``items_skipped`` and ``items_per_s``, or the same of
            another unit.
        counts: The stage's items ``made``, ``reused`` and ``skipped``, to which it adds.
        unit: What is shown.
    """

    stage: str
    total: int
    tracker: Tracker
    counts: dict[str, int]
    unit: str = "items"
    _units: Counter[str] = field(default_factory=Counter)
    _started_s: float = field(default_factory=time.monotonic)
    _said_s: float = 0.0

    @classmethod
    def of(cls, stage: str, items: Sequence[Any], tracker: Tracker, counts: dict[str, int]) -> Self:
        """Begin to count items that may name a ``unit`` and hold ``num_units`` of it each."""
        unit = getattr(items[0], "unit", "items") if items else "items"
        return cls(stage, sum(_num_units(item) for item in items), tracker, counts, unit)

    @property
    def done(self) -> int:
        """Units that need no more work."""
        return self._units.total()

    def add(self, outcome: object, item: object = None, *, reused: bool = False) -> None:
        """Count one item; say so at the first, at the last, and now and then between."""
        kind = "skipped" if isinstance(outcome, Skipped) else "reused" if reused else "made"
        if isinstance(outcome, Skipped):
            logger.warning("%s: item %s skipped: %s", self.stage, outcome.item_id, outcome.reason)
        is_first = not self._units
        self._units[kind] += _num_units(item)
        self.total = max(self.total, self.done)
        self.counts[kind] += 1
        now_s = time.monotonic()
        if is_first or self.done == self.total or now_s - self._said_s >= _INTERVAL_S:
            self._said_s = now_s
            self._say(now_s - self._started_s)

    def _say(self, elapsed_s: float) -> None:
        units, unit = self._units, self.unit
        rate = (units["made"] + units["skipped"]) / max(elapsed_s, 1e-6)
        left = f"{_duration((self.total - self.done) / rate)} left" if rate else "time left unknown"
        logger.info(
            "%s: %d/%d %s, %.2f %s/s, %s, %d skipped, %d reused",
            *(self.stage, self.done, self.total, unit, rate, unit, left),
            *(units["skipped"], units["reused"]),
        )
        metrics = {
            f"{unit}_done": self.done,
            f"{unit}_skipped": units["skipped"],
            f"{unit}_per_s": rate,
        }
        self.tracker.log_metrics(metrics, step=self.done)


def _num_units(item: object) -> int:
    return int(getattr(item, "num_units", 1))


def _duration(seconds: float) -> str:
    if seconds < _LONG_S:
        return f"{seconds:.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:.0f} min"
