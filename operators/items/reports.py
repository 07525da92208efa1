"""What an item says of its progress: curves that stay short, and its newest pictures.

It stands in one small file beside the item's checkpoint, which appears whole and goes with it. So a
report outlives the worker that made it, and whoever waits for the item sees it from another node.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from operators.store.storage import TRAINING, Storage, storage_errors
from tasks.core.errors import OrreryError

logger = logging.getLogger(__name__)

MAX_POINTS = 400
SAVE_INTERVAL_S = 5.0
# A file that takes long to write is written so many times its time later again.
_PAUSE_SHARE = 50.0


@dataclass
class Curve:
    """One number over steps: every point at first, every 2nd, 4th, … when it gets long.

    Attributes:
        points: Step and value, steps rising; the newest is always there.
        stride: Of so many points one stays.
        num_added: How many there were.
    """

    points: list[tuple[int, float]] = field(default_factory=list)
    stride: int = 1
    num_added: int = 0

    def add(self, step: int, value: float) -> None:
        """Add a point; those of the same and of later steps are repeated by who adds it."""
        if self.points and (self.num_added - 1) % self.stride:
            self.points.pop()  # it was there as the newest only
        while self.points and self.points[-1][0] >= step:
            self.points.pop()
        self.points.append((step, value))
        self.num_added += 1
        if len(self.points) > MAX_POINTS:
            self.points, self.stride = [*self.points[:-1:2], self.points[-1]], 2 * self.stride


@dataclass
class Reports:
    """All that an item has said.

    Attributes:
        curves: By the names of their numbers.
        pictures: Step and bytes of the newest picture, by file name.
    """

    curves: dict[str, Curve] = field(default_factory=dict)
    pictures: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    __pydantic_config__ = ConfigDict(
        ser_json_bytes="base64", val_json_bytes="base64", ser_json_inf_nan="constants"
    )


_FILE = TypeAdapter(Reports)


@dataclass
class Reporter:
    """Gathers what an item says and keeps it in the store now and then; in the item's worker.

    Attributes:
        storage: Where it is kept.
        key: Key of the item.
        reports: What was said; None before the first time.
    """

    storage: Storage
    key: str
    reports: Reports | None = None
    _is_saved: bool = True
    _due_s: float = 0.0

    def add(self, metrics: Mapping[str, float], step: int, pictures: Mapping[str, bytes]) -> None:
        """Note numbers and pictures of a step, after what an earlier try has said."""
        if self.reports is None:
            self.reports = load(self.storage, self.key) or Reports()
        for name, value in metrics.items():
            self.reports.curves.setdefault(name, Curve()).add(step, float(value))
        for name, picture in pictures.items():
            self.reports.pictures[name] = (step, picture)
        self._is_saved = False
        if time.monotonic() >= self._due_s:
            self.save()

    def save(self) -> None:
        """Keep what is not kept yet; a store that fails costs no item, it is tried again later."""
        if self.reports is None or self._is_saved:
            return
        begun_s = time.monotonic()
        try:
            self.storage.write(_file(self.key), _FILE.dump_json(self.reports))
            self._is_saved = True
        except (OrreryError, OSError) as error:
            logger.warning("reports of an item wait: %s", error)
        ended_s = time.monotonic()
        self._due_s = ended_s + max(SAVE_INTERVAL_S, _PAUSE_SHARE * (ended_s - begun_s))


def load(storage: Storage, key: str) -> Reports | None:
    """What an item has said so far; None if that is nothing, or can't be read."""
    try:
        with storage_errors(f"{storage.uri}/{_file(key)}"):
            return _FILE.validate_json(storage.read_file(_file(key)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OrreryError, OSError, ValueError) as error:
        logger.warning("reports of an item can't be read: %s", error)
        return None


def reporting(storage: Storage) -> set[str]:
    """Keys that may have said something; one question, however many items there are."""
    try:
        with storage_errors(f"{storage.uri}/{TRAINING}"):
            entries: list[Any] = storage.fs.ls(storage.path(TRAINING), detail=False, refresh=True)
    except (OrreryError, OSError):  # most often there is no such folder
        return set()
    return {str(each).rstrip("/").rpartition("/")[2] for each in entries}


def _file(key: str) -> str:
    return f"{TRAINING}/{key}/reports"
