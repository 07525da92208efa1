"""Gives workers, and keeps one that has imported the runtime: it loads in a tenth of the time."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from operators.serving.workers.worker import Worker
from tasks.core.errors import ResourceError

_LOADS_PER_CPU = 4


class Spare:
    """The workers of all loads; between them one waits."""

    def __init__(self) -> None:
        """Keep none yet; see `fill`."""
        self._slots = asyncio.Semaphore(_LOADS_PER_CPU * (os.cpu_count() or 1))
        self._num_loads, self._is_closed = 0, False
        self._starting: asyncio.Task[Worker] | None = None

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Worker]:
        """Lend a worker for a load: whose block raises, its worker ends.

        The next spare starts once nothing is loaded any more: it would take time from that.
        """
        self._num_loads += 1
        try:
            async with self._slots:
                worker = await self._take()
                try:
                    yield worker
                except BaseException:
                    worker.kill("is not wanted any more")
                    await worker.gone()
                    raise
        finally:
            self._num_loads -= 1
            self.fill()

    def fill(self) -> None:
        """Start the one that waits, unless there is one, or something is loaded."""
        if not (self._is_closed or self._num_loads or self._starting):
            self._starting = asyncio.get_running_loop().create_task(Worker.start())

    async def close(self) -> None:
        """End the one that waits."""
        self._is_closed = True
        if self._starting is not None:
            with suppress(ResourceError):
                worker = await self._starting
                worker.end()
                await worker.gone()

    async def _take(self) -> Worker:
        starting, self._starting = self._starting, None
        if starting is not None:
            with suppress(ResourceError):  # there may be room again
                worker = await starting
                if not worker.ended.done():
                    return worker
        return await Worker.start()
