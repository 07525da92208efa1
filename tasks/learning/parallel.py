"""One training in several processes, each of which works on a share of every batch.

The processes are those that torch.distributed knows, where it is set up; else there is one. All
draw alike and hold the same weights: they differ in the share of a batch that they take, so their
gradients are averaged before each step of descent. Batch norms see a process's own share.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import torch
from torch import Tensor, distributed

from tasks.core.errors import ConfigError

ValueT = TypeVar("ValueT")


def num_processes() -> int:
    """Processes of the training."""
    return distributed.get_world_size() if _is_set_up() else 1


def rank() -> int:
    """Number of this process, from 0; the first keeps what is kept."""
    return distributed.get_rank() if _is_set_up() else 0


def share(batch_size: int) -> slice:
    """Which places of a batch are this process's.

    Raises:
        ConfigError: The batch can't be divided evenly, so that gradients would weigh unevenly.
    """
    if batch_size % num_processes():
        raise ConfigError(
            f"a batch of {batch_size} can't be shared evenly by {num_processes()} processes: take "
            "a multiple of their number, or another num_workers in the profile"
        )
    size = batch_size // num_processes()
    return slice(rank() * size, (rank() + 1) * size)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its mean over the processes, in place."""
    if num_processes() == 1:
        return
    gradients = [each.grad for each in parameters if each.grad is not None]
    flat = torch.cat([each.flatten() for each in gradients])
    distributed.all_reduce(flat)
    flat /= num_processes()
    parts = torch.split(flat, [each.numel() for each in gradients])
    for each, part in zip(gradients, parts, strict=True):
        each.copy_(part.view_as(each))


def of_the_first(value: ValueT) -> ValueT:
    """The value that the first process gives."""
    values = [value]
    if num_processes() > 1:
        distributed.broadcast_object_list(values)
    return values[0]


def of_all(value: ValueT) -> list[ValueT]:
    """What the processes give, the first one's first."""
    values = [value] * num_processes()
    if num_processes() > 1:
        distributed.all_gather_object(values, value)
    return values


def _is_set_up() -> bool:
    return distributed.is_available() and distributed.is_initialized()
