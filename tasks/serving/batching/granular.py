"""What a worker does where requests share less than whole calls: steps of a cell, or a region.

Requests come one by one and end one by one; `step` does a bit for all that are there. What is
before and after the shared part is done for each by itself.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Generic, Protocol, TypeVar

from tasks.bundle.cells import Loop
from tasks.bundle.manifest import Network, Region
from tasks.bundle.runtimes import Entered, Servable
from tasks.core.errors import DataError
from tasks.serving.batching.forms import Form
from tasks.serving.batching.merging import merge, split
from tasks.serving.batching.queue import Batch, Waiting
from tasks.serving.heads import heads_of, together
from tasks.serving.types import Arrays, Question

KeyT = TypeVar("KeyT")
_NO_MODEL: Final = ""


class Flow(Protocol[KeyT]):
    """Requests under way."""

    def __len__(self) -> int:
        """How many there are, or items of them."""

    def add(self, key: KeyT, signature: str, arrays: Arrays) -> None:
        """Let a request take part.

        Raises:
            DataError: It can't be answered.
        """

    def step(self) -> list[tuple[KeyT, Arrays | DataError]]:
        """Go on with all; returns those that are done, with what they are answered."""


def is_granular(network: Network) -> bool:
    """Whether requests to a network are to share less than whole calls."""
    return network.cell is not None or network.region is not None


def flow_of(servable: Servable) -> Flow[Any] | None:
    """How requests share a network; None where they share whole calls."""
    if (loop := servable.loop()) is not None:
        return Sequences(servable, loop)
    return None if servable.region is None else Regions(servable, servable.region)


@dataclass(frozen=True)
class _Request(Generic[KeyT]):
    key: KeyT
    heads: tuple[str, ...]
    entered: Entered

    @classmethod
    def begin(cls, servable: Servable, key: KeyT, signature: str, arrays: Arrays) -> _Request[KeyT]:
        heads = heads_of(signature)
        return cls(key, heads, servable.enter(heads, arrays))

    def end(self, servable: Servable, found: Arrays | DataError) -> Arrays | DataError:
        if isinstance(found, DataError):
            return found
        try:
            return together(servable.leave(self.heads, self.entered, found))
        except DataError as error:
            return error


class Sequences(Generic[KeyT]):
    """Requests to a cell: `step` is one of each sequence."""

    def __init__(self, servable: Servable, loop: Loop[_Request[KeyT]]) -> None:
        """Begin without a request."""
        self._servable, self._loop = servable, loop

    def __len__(self) -> int:
        """How many sequences there are."""
        return len(self._loop)

    def add(self, key: KeyT, signature: str, arrays: Arrays) -> None:
        """See `Flow`."""
        request = _Request.begin(self._servable, key, signature, arrays)
        self._loop.add(request, request.entered.arrays)

    def step(self) -> list[tuple[KeyT, Arrays | DataError]]:
        """See `Flow`."""
        done = self._loop.step()
        return [(request.key, request.end(self._servable, found)) for request, found in done]


class Regions(Generic[KeyT]):
    """Requests to a region: `step` is a batch of the oldest and of all that may share one."""

    def __init__(self, servable: Servable, region: Region) -> None:
        """Begin without a request."""
        self._servable, self._form = servable, Form(region)
        self._waiting: list[Waiting[_Request[KeyT]]] = []

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self._waiting)

    def add(self, key: KeyT, signature: str, arrays: Arrays) -> None:
        """See `Flow`."""
        request = _Request.begin(self._servable, key, signature, arrays)
        middle = request.entered.arrays
        question = Question(_NO_MODEL, 0, signature, middle)
        lane: Hashable = self._form.lane("", middle)
        self._waiting.append(Waiting(question, request, 0.0, self._form.num_items(middle), lane))

    def step(self) -> list[tuple[KeyT, Arrays | DataError]]:
        """See `Flow`."""
        if not self._waiting:
            return []
        lane = self._waiting[0].lane
        members = tuple(each for each in self._waiting if each.lane == lane)
        self._waiting = [each for each in self._waiting if each.lane != lane]
        batch = Batch(self._form, "", members, sum(each.num_items for each in members))
        return [(one.key, one.end(self._servable, found)) for one, found in self._answer(batch)]

    def _answer(
        self, batch: Batch[_Request[KeyT]]
    ) -> Iterator[tuple[_Request[KeyT], Arrays | DataError]]:
        """What the region gives each; a batch that fails is asked one by one."""
        try:
            parts = split(batch, self._servable.answer(merge(batch)))
        except DataError as error:
            if len(batch.members) == 1:
                yield batch.members[0].ticket, error
                return
            for each in batch.members:
                yield from self._answer(replace(batch, members=(each,), num_items=each.num_items))
        else:
            for each, part in zip(batch.members, parts, strict=True):
                yield each.ticket, part
