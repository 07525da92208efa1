"""A pool of items for loops that ask and tell, and the journal that lets such a loop replay.

What such a loop does next depends on the order in which its items ended. So each end is noted
in a journal before the loop is told. A loop that starts again under the same key is told the
noted ends in the noted order, without making anything twice, and so comes to the same state.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from operators.items.progress import Progress
from operators.items.running import Running
from operators.store.storage import Storage, storage_errors
from tasks.core.errors import ArtifactError, TransientError
from tasks.core.ports import Skipped
from tasks.core.records import Record


@dataclass(frozen=True)
class Event:
    """One item that ended.

    Attributes:
        key: The item's key.
        item_id: Its id.
        num_submitted: Items that had been submitted by then.
        reason: Why it was skipped; None if it was made.
    """

    key: str
    item_id: str
    num_submitted: int
    reason: str | None


_EVENTS = TypeAdapter(Event)


@dataclass(frozen=True)
class Journal:
    """Events of one stage key, each a small file that appears whole.

    Attributes:
        storage: Where it is kept.
        folder: Its folder, relative to the store's root.
    """

    storage: Storage
    folder: str

    def events(self) -> list[Event]:
        """All events, the earliest first."""
        events: list[Event] = []
        with storage_errors(f"{self.storage.uri}/{self.folder}"):
            while True:
                try:
                    data = self.storage.read_file(self._file(len(events)))
                    events.append(_EVENTS.validate_json(data))
                except (FileNotFoundError, NotADirectoryError):
                    return events
                except ValidationError as error:
                    raise ArtifactError(
                        f"{self._path(len(events))} was altered: remove its folder, and the loop "
                        "starts anew from the items that are committed"
                    ) from error

    def add(self, index: int, event: Event) -> None:
        """Note an event.

        Raises:
            TransientError: Another driver noted one under this index: it runs the same stage.
        """
        data = json.dumps(event.__dict__).encode()
        try:
            self.storage.write(self._file(index), data, is_new=True)
        except FileExistsError as error:
            raise TransientError(
                f"{self._path(index)} was written by another driver of the same stage; when that "
                "has ended, this one can go on from there"
            ) from error

    def _path(self, index: int) -> str:
        return self.storage.path(self._file(index))

    def _file(self, index: int) -> str:
        return f"{self.folder}/{index:08d}.json"


@dataclass
class ItemPool:
    """Items in flight of a loop that asks and tells; see `tasks.core.ports.ItemPool`."""

    running: Running
    size: int
    journal: Journal
    progress: Progress
    _noted: deque[Event] = field(default_factory=deque)
    _num_submitted: int = 0
    _num_ended: int = 0
    _waiting: dict[str, Any] = field(default_factory=dict)
    _outcomes: dict[str, Record] = field(default_factory=dict)
    _found: set[str] = field(default_factory=set)

    def __enter__(self) -> Self:
        self._noted = deque(self.journal.events())
        self.running.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """End the loop; what is committed stays."""
        self.running.__exit__()

    @property
    def num_free(self) -> int:
        """How many more items may be submitted now; in a replay, how many were."""
        if self._noted:
            return self._noted[0].num_submitted - self._num_submitted
        return self.size - len(self._waiting)

    def submit(self, item: Any) -> None:
        """Start an item, unless it is committed or its end is noted."""
        key = self.running.work.key(item)
        if key in self._waiting:
            raise ValueError(f"item {item.item_id} is in flight already")
        self._waiting[key] = item
        self._num_submitted += 1
        self.progress.unit = getattr(item, "unit", self.progress.unit)
        event = next((each for each in self._noted if each.key == key), None)
        if event is not None and event.reason is not None:
            self._outcomes[key] = Skipped(item_id=item.item_id, reason=event.reason)
        elif (found := self.running.work.find(key)) is not None:
            self._outcomes[key] = found
            self._found.add(key)
        else:
            self.running.submit(key, item)

    def next_ended(self) -> tuple[Any, Record]:
        """Return the item that ended next, noted before this returns."""
        is_replay = bool(self._noted)
        key = self._noted.popleft().key if is_replay else self._first_ended()
        if key not in self._waiting:
            raise ArtifactError(
                f"{self.journal.folder}: the journal says that an item ended which was not "
                "started; remove the folder, and the loop starts anew from the items that are "
                "committed"
            )
        while key not in self._outcomes:
            self._collect()
        item, outcome = self._waiting.pop(key), self._outcomes.pop(key)
        if not is_replay:
            reason = outcome.reason if isinstance(outcome, Skipped) else None
            event = Event(key, item.item_id, self._num_submitted, reason)
            self.journal.add(self._num_ended, event)
        self._num_ended += 1
        self.progress.add(outcome, item, reused=key in self._found)
        return item, outcome

    def _first_ended(self) -> str:
        """Key of the item whose end is told next: found ones first, in order of submission."""
        while not self._outcomes:
            self._collect()
        return next(iter(self._outcomes))

    def _collect(self) -> None:
        key, _, outcome = self.running.next_ended()
        if isinstance(outcome, Skipped):  # as the journal tells it: nothing is tried anew
            outcome = outcome.model_copy(update={"may_pass": False})
        self._outcomes[key] = outcome
