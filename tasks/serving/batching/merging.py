"""Puts the questions of a batch together, and cuts the answers apart.

Shorter items are filled up to the longest by the signature's padding rule, and a batch to an
allowed size by its last item again; what was filled in is cut off the answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.serving.batching.queue import Batch, TicketT
from tasks.serving.types import Arrays


def merge(batch: Batch[TicketT], allowed: tuple[int, ...] = ()) -> Arrays:
    """Inputs of all questions as one call's.

    Args:
        batch: The questions.
        allowed: Sizes that the number of items is filled up to; a larger batch stays as it is.
    """
    form = batch.form
    given: Sequence[Arrays] = [each.question.arrays for each in batch.members]
    size = next((each for each in allowed if each >= batch.num_items), batch.num_items)
    if len(given) == 1 and size == batch.num_items:
        return given[0]
    if len(given) > 1 and form.ragged:
        given = _filled(batch, given)
    found = {name: given[0][name] for name in form.fixed}
    for name, axis in form.counted.items():
        parts = [each[name] for each in given]
        if size > batch.num_items:
            last = np.take(parts[-1], [-1], axis)
            parts.append(np.repeat(last, size - batch.num_items, axis))
        found[name] = np.concatenate(parts, axis)
    return found


def split(batch: Batch[TicketT], outputs: Arrays) -> Sequence[Arrays]:
    """Answers of a batch's call by question: those outputs that each wanted, without filling."""
    axes, tensors = batch.form.told, batch.form.tensors
    is_alone = len(batch.members) == 1 and not batch.members[0].question.outputs
    if is_alone and all(outputs[each].shape[axes[each]] == batch.num_items for each in axes):
        return [outputs]
    found, begin = [], 0
    for member in batch.members:
        end, mine = begin + member.num_items, {}
        sizes = _sizes(batch, member.question.arrays)
        for name in member.question.outputs or outputs:
            array = outputs[name]
            if name in axes:
                array = _part(array, axes[name], begin, end)
            for axis, size in enumerate(tensors[name].shape if sizes else ()):
                if size in sizes:
                    array = _part(array, axis, 0, sizes[str(size)])
            mine[name] = array
        found.append(mine)
        begin = end
    return found


def _filled(batch: Batch[TicketT], given: Sequence[Arrays]) -> Sequence[Arrays]:
    """Inputs, each as long as the longest."""
    sizes = [_sizes(batch, each) for each in given]
    found = [dict(each) for each in given]
    for name, axes in batch.form.ragged.items():
        longest = max(each[name] for each in sizes)
        fill = batch.form.signature.padding[name]
        for arrays, own in zip(found, sizes, strict=True):
            for each in axes if own[name] < longest else ():
                arrays[each.tensor] = _longer(arrays[each.tensor], each.axis, longest, fill)
    return found


def _longer(array: npt.NDArray[Any], axis: int, size: int, fill: float) -> npt.NDArray[Any]:
    shape = list(array.shape)
    shape[axis] = size
    found = np.full(shape, b"" if array.dtype == object else fill, array.dtype)
    found[(slice(None),) * axis + (slice(array.shape[axis]),)] = array
    return found


def _sizes(batch: Batch[TicketT], arrays: Arrays) -> dict[str, int]:
    """Sizes of a question that may differ from others', by name."""
    return {
        name: int(arrays[axes[0].tensor].shape[axes[0].axis])
        for name, axes in batch.form.ragged.items()
    }


def _part(array: npt.NDArray[Any], axis: int, begin: int, end: int) -> npt.NDArray[Any]:
    if begin == 0 and end == array.shape[axis]:
        return array
    return array[(slice(None),) * axis + (slice(begin, end),)]
