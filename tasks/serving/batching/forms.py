"""What of a signature decides who may share a batch.

Items can share one if all sizes but their number agree; a size with a padding rule may differ,
and the shorter are filled up, if every output that has it can be cut back by its name. Inputs that
aren't by item must be equal.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

from tasks.bundle.manifest import Region, Signature, Tensor
from tasks.serving.types import Arrays


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of one tensor."""

    tensor: str
    axis: int


class Form:
    """A signature, or the region of a graph, as batches see it.

    Attributes:
        signature: The signature, or region.
        counted: Axis that counts items, of each input that has one; empty where a call is one.
        told: The same of each output.
        tensors: Outputs by name.
        ragged: Where the sizes are that may differ, by their name.
        fixed: Inputs that aren't by item.
    """

    def __init__(self, signature: Signature | Region) -> None:
        """Note the axes of a signature."""
        self.signature = signature
        self.counted = counted(signature.inputs, signature.batch)
        self.told = counted(signature.outputs, signature.batch)
        self.tensors = {each.name: each for each in signature.outputs}
        free = {name for name in signature.padding if _is_cut_back(signature, name)}
        self.ragged = {
            name: [
                Axis(each.name, each.shape.index(name))
                for each in signature.inputs
                if name in each.shape
            ]
            for name in sorted(free)
        }
        is_free = {signature.batch, *free}
        self._tied = [
            Axis(each.name, axis)
            for each in signature.inputs
            for axis, size in enumerate(each.shape)
            if isinstance(size, str) and size not in is_free
        ]
        self.fixed = [each.name for each in signature.inputs if each.name not in self.counted]

    def num_items(self, arrays: Arrays) -> int:
        """How many items inputs hold; 1 where a call is one."""
        for name, axis in self.counted.items():
            return int(arrays[name].shape[axis])
        return 1

    def lane(self, name: str, arrays: Arrays) -> Hashable:
        """What must be equal of all that share a batch; None if nobody can.

        Args:
            name: What the signature is asked as.
            arrays: Inputs that fit it.
        """
        if not self.counted:
            return None
        if not self._tied and not self.fixed:
            return name
        tied = tuple(arrays[each.tensor].shape[each.axis] for each in self._tied)
        # Objects are pointers: what counts of texts is what they say.
        values = [arrays[each] for each in self.fixed]
        told = (repr(v.tolist()) if v.dtype == object else v.tobytes() for v in values)
        return (name, tied, *told)


def counted(tensors: tuple[Tensor, ...], batch: str | None) -> dict[str, int]:
    """Axis that counts items, by name of each tensor that has one."""
    return {each.name: each.shape.index(batch) for each in tensors if batch and batch in each.shape}


def _is_cut_back(signature: Signature | Region, name: str) -> bool:
    """Whether each output's axes are either the size itself, or have nothing to do with it."""
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    axes = {axis for each in (*signature.inputs, *signature.outputs) for axis in each.shape}
    return not any(isinstance(a, str) and a != name and word.search(a) for a in axes)
