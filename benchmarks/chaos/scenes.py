"""A scene: the stack, a store of its own, and the runs that go on while a fault is made."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from benchmarks.chaos.judge import Ended, ended
from benchmarks.chaos.work import SAMPLE, Work
from benchmarks.full_stack import ENDED, FullStack, until
from tasks.core.errors import OrreryError

PROFILE = {
    "readable": ["/"],
    "writable": ["/"],
    "num_jobs": 1,
    "default": {"num_cpus": 1.0, "memory_gb": 2.0, "limit_s": 300.0},
}
# Items that are committed before a fault is made.
NUM_BEFORE = 3
_BEGIN_LIMIT_S = 300.0


@dataclass
class Scene:
    """What a fault is made in.

    Attributes:
        stack: The running stack.
        store: Folder of the runs' results.
        limit_s: How long a run may take.
        runs: What was started, and when, seconds on the monotonic clock.
        fault_s: When the fault was made; seconds since 1970.
    """

    stack: FullStack
    store: Path
    limit_s: float
    runs: list[tuple[Work, str, float]] = field(default_factory=list)
    fault_s: float = 0.0

    @property
    def victim(self) -> str:
        """The run of the sample pipeline that is in the midst of its items."""
        return next(run for work, run, _ in self.runs if work.dag_id == SAMPLE)

    def start(self, works: Sequence[Work]) -> None:
        """Start runs."""
        for work in works:
            run_id = self.stack.trigger(work.dag_id, work.conf)
            self.runs.append((work, run_id, time.monotonic()))

    def wait_for_items(self, num: int = NUM_BEFORE) -> None:
        """Wait until items of the sample pipeline are committed.

        Raises:
            OrreryError: They are not; the runs are then no scene for a fault.
        """
        items = self.store / SAMPLE
        until(
            lambda: len(list(items.glob("*/items/*/manifest.json"))) >= num,
            _BEGIN_LIMIT_S,
            f"{num} items",
        )

    def make(self, act: Callable[[Scene], None]) -> None:
        """Make a fault."""
        self.fault_s = time.time()
        act(self)

    def commits(self) -> list[float]:
        """When items and results of the sample pipeline were committed, seconds since 1970."""
        found = (self.store / SAMPLE).rglob("manifest.json")
        return sorted(path.stat().st_mtime for path in found)

    def silent_s(self) -> float:
        """Longest time after the fault in which nothing was committed; -1 if nothing was at all."""
        moments = [self.fault_s, *(each for each in self.commits() if each > self.fault_s)]
        return max((after - before for before, after in pairwise(moments)), default=-1.0)

    def ends(self) -> list[Ended]:
        """Wait for all runs, and say how they ended."""
        found = []
        for work, run_id, begun_s in self.runs:
            left_s = max(1.0, begun_s + self.limit_s - time.monotonic())
            state = self.stack.wait(work.dag_id, run_id, left_s)
            seconds = time.monotonic() - begun_s
            found.append(ended(self.stack, work.dag_id, run_id, state, self.store, seconds))
        return found

    def stop(self) -> None:
        """Mark what still runs as failed, so that it does not meet the next fault."""
        for work, run_id, _ in self.runs:
            path = f"/dags/{work.dag_id}/dagRuns/{run_id}"
            if self.stack.state(work.dag_id, run_id) not in ENDED:
                self.stack.airflow("PATCH", path, state="failed")
                try:
                    self._closed(work.dag_id, run_id)
                except OrreryError as error:
                    print(error)

    def _closed(self, dag_id: str, run_id: str) -> None:
        """Wait until a run that was marked as failed has been closed."""
        until(
            lambda: all(
                task["state"] not in (None, "running", "deferred", "queued", "scheduled")
                for task in self.stack.tasks(dag_id, run_id)
            ),
            _BEGIN_LIMIT_S,
            f"the end of {run_id}",
        )
