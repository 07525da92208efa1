"""Asks networks what is known: golden inputs, in any company, must give the golden outputs.

A server puts whoever asks at the moment into one batch, and fills short items up. So golden items
are asked all at once, each alone, in twos, in another order, and filled up: an answer that depends
on who shares the batch, as of a batch norm in training mode, is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tasks.bundle.arrays import Arrays, read_golden
from tasks.bundle.manifest import Bundle, Signature, Tensor, greatest_difference
from tasks.bundle.runtimes import Entered, Servable
from tasks.core.errors import DataError
from tasks.core.seeds import rng

_FILLED = 3  # by so many values items are filled up


@dataclass(frozen=True)
class Replayed:
    """How well a network gave the golden outputs of a signature.

    Attributes:
        network: Which network.
        signature: What was asked.
        difference: Greatest difference of an output, in any company.
    """

    network: str
    signature: str
    difference: float


def replay(folder: Path, bundle: Bundle) -> tuple[Replayed, ...]:
    """Replay all signatures in all networks of a bundle that was read.

    Raises:
        DataError: A network can't be opened, does not run, or gives something else.
    """
    found = [replay_network(Servable(folder, bundle, each)) for each in bundle.networks]
    return tuple(each for one in found for each in one)


def replay_network(servable: Servable) -> tuple[Replayed, ...]:
    """Replay all signatures in one network; see `replay`.

    Raises:
        DataError: As there.
    """
    signatures = servable.bundle.signatures.items()
    return tuple(
        Replayed(servable.network, name, _difference(servable, name, each))
        for name, each in signatures
    )


def golden_of(folder: Path, signature: Signature) -> tuple[Arrays, Arrays]:
    """Golden inputs and outputs of a signature, which fit it.

    Raises:
        DataError: They don't, or are of fewer than two items.
    """
    where, sizes = signature.golden, dict[str, int]()
    inputs, outputs = read_golden(folder / where)
    for what, tensors, arrays in (
        ("input", signature.inputs, inputs),
        ("output", signature.outputs, outputs),
    ):
        names = [each.name for each in tensors]
        if sorted(names) != sorted(arrays):
            raise DataError(
                f"{where}: expected golden {what}s {', '.join(names)}, got "
                f"{', '.join(sorted(arrays))[:300]}"
            )
        for each in tensors:
            each.check(arrays[each.name], sizes, f"{where}: golden {what} {each.name}")
    if signature.batch is not None and sizes[signature.batch] < 2:
        raise DataError(f"{where}: expected golden inputs of two items or more, got one")
    return inputs, outputs


def batch_of(signature: Signature, inputs: Arrays, size: int) -> Arrays:
    """Golden inputs, over and over, as a batch of so many items; as they are without a batch."""
    num = num_items(signature, inputs)
    return _items(signature, signature.inputs, inputs, np.arange(size) % num)


def items_of(signature: Signature, inputs: Arrays) -> Iterator[Arrays]:
    """Golden inputs, item by item; as they are without a batch."""
    for item in range(num_items(signature, inputs)):
        yield _items(signature, signature.inputs, inputs, np.array([item]))


def warm_up_of(signature: Signature, inputs: Arrays) -> Iterator[Arrays]:
    """What a server asks of a network before it answers anybody."""
    yield from (batch_of(signature, inputs, size) for size in signature.warm_up)


def num_items(signature: Signature, arrays: Arrays) -> int:
    """How many items inputs hold; 1 where a call is one."""
    for each in signature.inputs:
        if signature.batch in each.shape:
            return int(arrays[each.name].shape[each.shape.index(signature.batch)])
    return 1


def _difference(servable: Servable, name: str, signature: Signature) -> float:
    inputs, outputs = golden_of(servable.folder, signature)
    limit = servable.bundle.networks[servable.network].tolerance
    limit = signature.tolerance if limit is None else limit
    worst = 0.0
    for told, given, expected in _companies(signature, inputs, outputs):
        where = (
            f"model {servable.bundle.name}: network {servable.network}, signature {name}, golden "
            f"items {told}"
        )
        try:
            found = servable.ask(name, given)
        except DataError as error:
            raise DataError(
                f"{where}: {error}; export it on the CPU with dynamic axes that begin at 1"
            ) from error
        worst = max(worst, *(_compared(found, expected, limit, where)))
    where = f"model {servable.bundle.name}: network {servable.network}, signature {name}"
    for item, found in _one_after_the_other(servable, name, signature, inputs):
        expected = _items(signature, signature.outputs, outputs, np.array([item]))
        told = f"{where}, golden item {item} that came while others were on their way"
        worst = max(worst, *_compared(found, expected, limit, told))
    return worst


def _one_after_the_other(
    servable: Servable, name: str, signature: Signature, inputs: Arrays
) -> Iterator[tuple[int, Arrays]]:
    """What golden items are answered by a cell if one comes with each step; nothing by others.

    Raises:
        DataError: One of them can't be answered.
    """
    loop, entered = servable.loop(), dict[int, Entered]()
    coming = iter(range(num_items(signature, inputs)))
    while loop is not None:
        for item in itertools.islice(coming, 1):
            given = _items(signature, signature.inputs, inputs, np.array([item]))
            entered[item] = servable.enter((name,), given)
            loop.add(item, entered[item].arrays)
        if not loop:
            return
        for item, told in loop.step():
            if isinstance(told, DataError):
                raise told
            yield item, servable.leave((name,), entered[item], told)[name]


def _compared(found: Arrays, expected: Arrays, limit: float, where: str) -> Iterator[float]:
    yield 0.0
    for name, array in expected.items():
        given = found[name][tuple(slice(size) for size in array.shape)]
        same = given.shape == array.shape
        difference = greatest_difference(given, array) if same else float("inf")
        if not difference <= limit:
            raise DataError(
                f"{where}: expected {name} within {limit:g}, got a difference of {difference:g}: "
                "export the network that made it, in eval mode, which answers each item by itself"
            )
        yield difference


def _companies(
    signature: Signature, inputs: Arrays, outputs: Arrays
) -> Iterator[tuple[str, Arrays, Arrays]]:
    """Golden items in company: how they are asked, with what, and what must come back."""
    yield "all at once", inputs, outputs
    for name, value in signature.padding.items():
        filled = {
            each.name: _filled(inputs[each.name], each, name, value) for each in signature.inputs
        }
        yield f"filled up along {name}", filled, outputs
    if signature.batch is None:
        return
    num = num_items(signature, inputs)
    order = rng(0, "bundle.replay", signature.golden).permutation(num)
    groups: dict[str, Sequence[npt.NDArray[np.int64]]] = {
        "each alone": np.split(np.arange(num), num),
        "in twos": np.split(np.arange(num), range(2, num, 2)),
        "in another order": [order, *np.split(order, range(2, num, 2))],
    }
    told = [each for each in signature.outputs if signature.batch in each.shape]
    for how, parts in groups.items():
        for part in parts:
            given = _items(signature, signature.inputs, inputs, part)
            yield how, given, _items(signature, told, outputs, part)


def _items(
    signature: Signature, tensors: Sequence[Tensor], arrays: Arrays, which: npt.NDArray[np.int64]
) -> Mapping[str, npt.NDArray[np.generic]]:
    """Some items of arrays; what has none is as it is."""
    found = {}
    for each in tensors:
        array = arrays[each.name]
        has = signature.batch is not None and signature.batch in each.shape
        axis = each.shape.index(signature.batch) if has and signature.batch is not None else 0
        found[each.name] = np.take(array, which, axis) if has else array
    return found


def _filled(
    array: npt.NDArray[np.generic], tensor: Tensor, name: str, value: float
) -> npt.NDArray[np.generic]:
    fill = b"" if array.dtype == object else value
    more = [(0, _FILLED if axis == name else 0) for axis in tensor.shape]
    return np.pad(array, more, constant_values=fill)
