"""How far the items of a stage are: in the log and as metrics."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from tasks.core.ports import Skipped, Tracker

logger = logging.getLogger(__name__)

_INTERVAL_S = 5.0


@dataclass
class Progress:
    """Counts of one map over items.

    Attributes:
        stage: Name of the stage.
        total: Number of items.
        tracker: Receives ``items_done``, ``items_skipped`` and ``items_per_s``.
    """

    stage: str
    total: int
    tracker: Tracker
    made: int = 0
    reused: int = 0
    skipped: int = 0
    _started_s: float = field(default_factory=time.monotonic)
    _said_s: float = 0.0

    @property
    def done(self) -> int:
        """Items that need no more work."""
        return self.made + self.reused + self.skipped

    def add(self, outcome: object, *, reused: bool = False) -> None:
        """Count one item; say so at the first, at the last, and now and then between."""
        if isinstance(outcome, Skipped):
            self.skipped += 1
            logger.warning("%s: item %s skipped: %s", self.stage, outcome.item_id, outcome.reason)
        elif reused:
            self.reused += 1
        else:
            self.made += 1
        now_s = time.monotonic()
        if self.done in (1, self.total) or now_s - self._said_s >= _INTERVAL_S:
            self._said_s = now_s
            self._say(now_s - self._started_s)

    def _say(self, elapsed_s: float) -> None:
        rate = (self.made + self.skipped) / max(elapsed_s, 1e-6)
        left = f"{(self.total - self.done) / rate:.0f} s left" if rate else "time left unknown"
        logger.info(
            "%s: %d/%d items, %.2f items/s, %s, %d skipped, %d reused",
            *(self.stage, self.done, self.total, rate, left, self.skipped, self.reused),
        )
        metrics = {"items_done": self.done, "items_skipped": self.skipped, "items_per_s": rate}
        self.tracker.log_metrics(metrics, step=self.done)
