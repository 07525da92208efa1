"""Keeps a sample of the requests with their answers, in Parquet files of bounded size and age.

Rows are gathered and written by a thread, a file at a time, whole or not at all. Serving never
waits for it: what can't be written, as on a full disk, or comes faster than it is written, is
dropped and counted. Rows still gathered (ten seconds' at most) are lost with the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path
from typing import Final

from tasks.serving.config import LogConfig
from tasks.serving.figures.page import Figures
from tasks.serving.log import Sample, prune, row_of, write_rows
from tasks.serving.types import Answered, Question

_MAX_WAIT_S: Final = 10.0
_MB: Final = 1_000_000
logger = logging.getLogger(__name__)


class RequestLog:
    """The log; all calls come from one event loop."""

    def __init__(self, figures: Figures) -> None:
        """Begin with nothing gathered.

        Args:
            figures: Where rows are counted, written and dropped ones.
        """
        self._figures, self._sample = figures, Sample()
        self._full = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def note(
        self, config: LogConfig, question: Question, answered: Answered, took_s: float
    ) -> None:
        """Keep a request, if it is one of the sample."""
        if not config.folder or not self._sample.picks(config.share):
            return
        self._sample.add(row_of(question, answered, time.time() - took_s, took_s, config.redact))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write(config))
        if self._sample.is_full:
            self._full.set()

    async def close(self) -> None:
        """Write what is gathered."""
        while self._writing is not None:
            self._full.set()
            await self._writing

    async def _write(self, config: LogConfig) -> None:
        """Write a file once there are enough rows for one, or they have waited for long."""
        await asyncio.wait([ready := asyncio.ensure_future(self._full.wait())], timeout=_MAX_WAIT_S)
        ready.cancel()
        self._full.clear()
        rows, folder = self._sample.take(), Path(config.folder)
        name = f"requests-{time.time_ns()}-{os.getpid()}.parquet"
        try:
            await asyncio.to_thread(write_rows, folder / name, rows)
            self._figures.num_logged += len(rows)
            rows = []
            await asyncio.to_thread(prune, folder, config.max_mb * _MB, config.max_age_s)
        except Exception as error:  # serving goes on, whatever the disk says
            self._figures.num_unlogged += len(rows)
            logger.warning("the request log lost %d rows: %s", len(rows), error)
        self._figures.num_unlogged += self._sample.num_lost
        self._sample.num_lost = 0
        loop = asyncio.get_running_loop()
        self._writing = loop.create_task(self._write(config)) if self._sample else None
