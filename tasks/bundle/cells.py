"""Runs a recurrent network whose graph is one step: sequences share steps, not whole runs.

Each step batches whoever is there. A sequence leaves with its last step, and another takes its
place at the next one, so no step is spent on filling up: Gao et al., *Low Latency RNN Inference
with Cellular Batching*, 2018, section 3, and Yu et al., *Orca: A Distributed Serving System for
Transformer-Based Generative Models*, 2022, section 3.1. Here a network is one cell, and the
length of a sequence is known when it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from tasks.bundle.arrays import Arrays
from tasks.bundle.manifest import Cell
from tasks.core.errors import DataError

KeyT = TypeVar("KeyT")
Array = npt.NDArray[Any]
_LEAST_ROWS = 16


@dataclass(slots=True, eq=False)
class _Sequence(Generic[KeyT]):
    """What was asked at once: items of one length, which end with the same step."""

    key: KeyT
    num_steps: int


class Loop(Generic[KeyT]):
    """Sequences on their way through a cell: a row each, those that are there in the first rows."""

    def __init__(
        self,
        step: Callable[[Arrays], Arrays],
        cell: Cell,
        outputs: Collection[str] | None = None,
    ) -> None:
        """Begin without a sequence.

        Args:
            step: The network: one step of a batch.
            cell: How steps follow each other.
            outputs: Names of those that are wanted; None for all.
        """
        self._step, self._cell, self._wanted = step, cell, outputs
        self._num = 0
        self._sequences: list[_Sequence[KeyT]] = []  # of each row
        self._items: list[int] = []  # which item of it
        self._rows = np.arange(0)
        self._at, self._ends = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._inputs: dict[str, Array] = {}  # (row, step, ...) of sequences, (row, ...) of others
        self._states = {
            each.name: np.zeros((0, *each.sizes[1:]), each.numpy_dtype)
            for each in cell.state.values()
        }
        self._collected: dict[str, Array] = {}

    def __len__(self) -> int:
        """How many items are on their way."""
        return self._num

    def add(self, key: KeyT, inputs: Arrays) -> None:
        """Let sequences take part from the next step on.

        Args:
            key: What they are known by.
            inputs: What the network takes, but for its states; items along the first axis.

        Raises:
            DataError: They are empty or not all as long, or have other sizes than those before.
        """
        num_items, num_steps = self._sizes(inputs)
        begin, end = self._num, self._num + num_items
        self._make_room(inputs, end, num_steps)
        for name, array in inputs.items():
            place = (slice(begin, end), *([slice(num_steps)] if name in self._cell.along else []))
            self._inputs[name][place] = array
        for state in self._states.values():
            state[begin:end] = 0
        self._at[begin:end], self._ends[begin:end] = 0, num_steps
        sequence = _Sequence(key, num_steps)
        self._sequences += [sequence] * num_items
        self._items += range(num_items)
        self._num = end

    def step(self) -> list[tuple[KeyT, Arrays | DataError]]:
        """Take one step with all; returns those that are done, with their outputs.

        What one of them can't be asked is its own fault: it alone ends with the reason.
        """
        if not self._num:
            return []
        rows, at = self._rows[: self._num], self._at[: self._num]
        along = self._cell.along
        given = {
            name: buffer[rows, at] if name in along else buffer[: self._num]
            for name, buffer in self._inputs.items()
        } | {name: state[: self._num] for name, state in self._states.items()}
        failed: dict[int, DataError] = {}
        try:
            found = self._step(given)
        except DataError:
            found = self._one_by_one(given, failed)
        if len(failed) < self._num:
            self._keep(found, rows, at)
        at += 1
        ended = np.flatnonzero(at == self._ends[: self._num]).tolist()
        return self._leave(ended, found, failed) if ended or failed else []

    def _one_by_one(self, given: Arrays, failed: dict[int, DataError]) -> dict[str, Array]:
        """The same step with each alone; noughts stand for what those that fail don't give."""
        parts: list[Arrays] = []
        for row in range(self._num):
            try:
                parts.append(self._step({k: v[row : row + 1] for k, v in given.items()}))
            except DataError as own:
                failed[row] = own
                parts.append({})
        whole = next((each for each in parts if each), {})
        return {
            name: np.concatenate([each.get(name, np.zeros_like(array)) for each in parts])
            for name, array in whole.items()
        }

    def _keep(self, found: Arrays, rows: Array, at: Array) -> None:
        for name, tensor in self._cell.state.items():
            self._states[tensor.name][: self._num] = found[name]
        for name in self._cell.collected:
            array = found[name]
            longest = self._inputs[self._cell.along[0]].shape[1]
            buffer = self._collected.get(name, np.empty((0, 0, *array.shape[1:]), array.dtype))
            buffer = _grown(buffer, (len(self._rows), longest))
            buffer[rows, at] = array
            self._collected[name] = buffer

    def _leave(
        self, ended: list[int], found: Arrays, failed: dict[int, DataError]
    ) -> list[tuple[KeyT, Arrays | DataError]]:
        """Take those out that have ended or failed, with all items of the same request."""
        gone = {self._sequences[row]: error for row, error in failed.items()}
        if gone:
            ended += [row for row in range(self._num) if self._sequences[row] in gone]
        rows_of: dict[_Sequence[KeyT], list[int]] = {}
        for row in sorted(set(ended)):
            rows_of.setdefault(self._sequences[row], []).append(row)
        told = [
            (each.key, gone.get(each) or self._outputs(each, rows, found))
            for each, rows in rows_of.items()
        ]
        self._vacate({row for rows in rows_of.values() for row in rows})
        return told

    def _outputs(self, sequence: _Sequence[KeyT], rows: list[int], found: Arrays) -> Arrays:
        rows.sort(key=self._items.__getitem__)
        return {
            name: self._collected[name][rows, : sequence.num_steps]
            if name in self._cell.collected
            else array[rows]
            for name, array in found.items()
            if self._wanted is None or name in self._wanted
        }

    def _vacate(self, rows: set[int]) -> None:
        """Let the last rows take the place of some."""
        num = self._num - len(rows)
        free = [row for row in rows if row < num]
        movers = [row for row in range(num, self._num) if row not in rows]
        for row, mover in zip(free, movers, strict=True):
            self._sequences[row], self._items[row] = self._sequences[mover], self._items[mover]
        del self._sequences[num:], self._items[num:]
        for kept in (self._inputs, self._states, self._collected):
            for buffer in kept.values() if free else ():
                buffer[free] = buffer[movers]
        self._at[free], self._ends[free] = self._at[movers], self._ends[movers]
        self._num = num

    def _sizes(self, inputs: Arrays) -> tuple[int, int]:
        items = {name: each.shape[0] if each.ndim else 0 for name, each in inputs.items()}
        steps = {
            name: inputs[name].shape[1] if inputs[name].ndim > 1 else 0 for name in self._cell.along
        }
        if len({*items.values()}) > 1 or len({*steps.values()}) > 1 or 0 in {*steps.values()}:
            raise DataError(
                f"expected sequences of one length, of one step or more, and as many of each; got "
                f"items {items}, steps {steps}"
            )
        return next(iter(items.values())), next(iter(steps.values()))

    def _make_room(self, inputs: Arrays, num_rows: int, num_steps: int) -> None:
        for name, array in inputs.items():
            axes = 2 if name in self._cell.along else 1
            known = self._inputs.get(name)
            if known is None:
                self._inputs[name] = np.empty((0,) * axes + array.shape[axes:], array.dtype)
            elif (known.dtype, known.shape[axes:]) != (array.dtype, array.shape[axes:]):
                raise DataError(
                    f"{name}: expected steps of {known.dtype} and shape {known.shape[axes:]}, as "
                    f"those before, got {array.dtype} and {array.shape[axes:]}"
                )
        capacity = len(self._rows)
        if num_rows > capacity:
            capacity = max(num_rows, 2 * capacity, _LEAST_ROWS)
            self._rows = np.arange(capacity)
            self._at, self._ends = (_grown(e, (capacity,)) for e in (self._at, self._ends))
            self._states = {k: _grown(v, (capacity,)) for k, v in self._states.items()}
        for name, buffer in self._inputs.items():
            size = (capacity, num_steps) if name in self._cell.along else (capacity,)
            self._inputs[name] = _grown(buffer, size)


def run(step: Callable[[Arrays], Arrays], cell: Cell, inputs: Arrays) -> Arrays:
    """Outputs of sequences that are all as long.

    Raises:
        DataError: They can't be asked.
    """
    loop = Loop[None](step, cell)
    loop.add(None, inputs)
    done: list[tuple[None, Arrays | DataError]] = []
    while not done:
        done = loop.step()
    found = done[0][1]
    if isinstance(found, DataError):
        raise found
    return found


def _grown(buffer: Array, least: tuple[int, ...]) -> Array:
    """The same array with first axes that are as large at least."""
    shape = (*map(max, buffer.shape, least), *buffer.shape[len(least) :])
    if shape == buffer.shape:
        return buffer
    found = np.zeros(shape, buffer.dtype)
    found[tuple(map(slice, buffer.shape))] = buffer
    return found
