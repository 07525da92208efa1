"""How much a network gains from batches, measured: CPU time an item by the size of the batch.

Whether batching pays is a network's own affair: on a CPU an LSTM's items cost half in a batch,
those of a convolutional network nothing less. So a server takes its batch size from here.
"""

from __future__ import annotations

import statistics
import time
from typing import Final

from tasks.bundle.replay import batch_of, golden_of
from tasks.bundle.runtimes import Servable
from tasks.core.errors import DataError

SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
_TIMES: Final = 3
_ENOUGH_S: Final = 30.0


def measure(servable: Servable) -> tuple[tuple[int, float], ...]:
    """Batch sizes and CPU microseconds an item, of the default signature, on one thread.

    The median of three calls after one that isn't counted. Larger batches than a network takes are
    left out, and where all calls together take longer than half a minute; without batches there is
    nothing to measure.
    """
    name, signature = next(iter(servable.bundle.signatures.items()))
    if signature.batch is None:
        return ()
    inputs, _ = golden_of(servable.folder, signature)
    begun_s, points = time.thread_time(), []
    for size in SIZES:
        given = batch_of(signature, inputs, size)
        try:
            servable.ask(name, given)
        except DataError:
            break
        taken_s = []
        for _ in range(_TIMES):
            asked_s = time.thread_time()
            servable.ask(name, given)
            taken_s.append(time.thread_time() - asked_s)
        points.append((size, round(1e6 * statistics.median(taken_s) / size, 1)))
        if time.thread_time() - begun_s > _ENOUGH_S:
            break
    return tuple(points)
