"""Shows what items in flight report, while they are being made.

A thread looks into the store every few seconds. So the items may run anywhere, in this process too,
and nothing is asked of them but a small file; see `operators.items.reports`.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from operators.items.reports import Reports, load, reporting
from operators.store.storage import Storage
from tasks.core.ports import Tracker

T = TypeVar("T")

LOOK_INTERVAL_S = 5.0
# Curves of more items are for no eye, and a burden to the tracker.
MAX_ITEMS = 200
_MAX_CHARS = 150
_ODD = re.compile(r"(?:[^A-Za-z0-9_.-]|\.\.)+")


@dataclass
class _Shown:
    """How much of an item's reports the tracker has."""

    name: str
    steps: dict[str, int] = field(default_factory=dict)

    def new(self, name: str, points: list[tuple[int, T]]) -> list[tuple[int, T]]:
        """Points after those that it has, which count as shown from now on."""
        found = [each for each in points if each[0] > self.steps.get(name, -1)]
        if found:
            self.steps[name] = found[-1][0]
        return found


@dataclass
class Watch:
    """Hands new reports of items to a tracker; a context manager, within which it looks by itself.

    Attributes:
        storage: Where the items report.
        tracker: Receives ``<item_id>/<name>``: metrics by step, and pictures as figures.
    """

    storage: Storage
    tracker: Tracker
    _items: dict[str, _Shown] = field(default_factory=dict)
    _num_shown: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look_on, name="reports", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def begin(self, key: str, item_id: str) -> None:
        """Look for reports of an item from now on."""
        with self._lock:
            self._items.setdefault(key, _Shown(_ODD.sub("_", item_id)[:_MAX_CHARS]))

    def end(self, key: str, reports: Reports | None) -> None:
        """Show the last of an item's reports, which its worker gave back."""
        with self._lock:
            self._show(self._items[key], reports)
            del self._items[key]

    def look(self) -> None:
        """Show what is new."""
        with self._lock:
            watched = set(self._items)
        if not watched:
            return
        if self._num_shown:
            self.tracker.log_metrics({})  # what came last may wait there for more of its batch
        for key in reporting(self.storage) & watched:
            reports = load(self.storage, key)
            with self._lock:
                if key in self._items:  # it may have ended meanwhile
                    self._show(self._items[key], reports)

    def _look_on(self) -> None:
        while not self._ended.wait(LOOK_INTERVAL_S):
            self.look()

    def _show(self, shown: _Shown, reports: Reports | None) -> None:
        if reports is None or not self._has_room(shown):
            return
        rows: dict[int, dict[str, float]] = defaultdict(dict)
        for name, curve in reports.curves.items():
            for step, value in shown.new(name, curve.points):
                rows[step][f"{shown.name}/{name}"] = value
        for step in sorted(rows):
            self.tracker.log_metrics(rows[step], step)
        for name, picture in reports.pictures.items():
            for _, data in shown.new(name, [picture]):
                self._show_picture(f"{shown.name}/{name}", data)

    def _has_room(self, shown: _Shown) -> bool:
        if not shown.steps:
            self._num_shown += 1
        return bool(shown.steps) or self._num_shown <= MAX_ITEMS

    def _show_picture(self, name: str, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture"
            path.write_bytes(data)
            self.tracker.log_figure(path, name)
