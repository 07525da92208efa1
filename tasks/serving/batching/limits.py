"""How large a batch may be: as the settings say, else as pays by the bundle's latency curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.serving.config import Batching

_GAIN = 1.1  # a batch that saves less than a tenth only makes its first item wait
_ENOUGH = 1.05


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Limits of one version's queue.

    Attributes:
        max_batch_size: Items a batch; a single request may hold more, and then goes alone.
        batch_timeout_s: How long the oldest waits for a full batch.
        max_enqueued: Requests that may wait.
        max_items: Items that one request may hold.
        allowed: Sizes that batches are filled up to; empty for none.
    """

    max_batch_size: int
    batch_timeout_s: float = 0.0
    max_enqueued: int = 1000
    max_items: int = 4096
    allowed: tuple[int, ...] = ()


def limits_of(settings: Batching, curve: Sequence[tuple[int, float]]) -> BatchLimits:
    """Limits by settings and a network's curve: batch sizes, and CPU microseconds an item."""
    return BatchLimits(
        max_batch_size=settings.max_batch_size or best_size(curve),
        batch_timeout_s=settings.batch_timeout_us / 1e6,
        max_enqueued=settings.max_enqueued,
        max_items=settings.max_items,
        allowed=settings.allowed_batch_sizes,
    )


def best_size(curve: Sequence[tuple[int, float]]) -> int:
    """Smallest batch whose items cost about as little as they do anywhere; 1 if none saves."""
    if not curve:
        return 1
    costs = dict(sorted(curve))
    least = min(costs.values())
    if costs.get(1, max(costs.values())) < _GAIN * least:
        return 1
    return next(size for size, cost in costs.items() if cost <= _ENOUGH * least)
