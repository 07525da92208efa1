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
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from operators.plain_log import plain
from tasks.serving.config import PER_MILLE, LogConfig
from tasks.serving.figures.page import Figures
from tasks.serving.log import Logged, prune, row_of, write_rows
from tasks.serving.types import Answered, Question

_MAX_ROWS: Final = 1000
_MAX_GATHERED_BYTES: Final = 16_000_000
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
        self._figures = figures
        self._rows: list[Logged] = []
        self._num_bytes = self._share = self._num_files = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def note(
        self, config: LogConfig, question: Question, answered: Answered, took_s: float
    ) -> None:
        """Keep a request, if it is one of the sample: evenly, so many of a thousand."""
        if not config.folder:
            return
        self._share += config.share
        if self._share < PER_MILLE:
            return
        self._share -= PER_MILLE
        if self._num_bytes > _MAX_GATHERED_BYTES:
            self._figures.num_unlogged += 1
            return
        row = row_of(question, answered, time.time() - took_s, took_s, config.redact)
        self._rows.append(row)
        self._num_bytes += len(row.request) + len(row.answer)
        if len(self._rows) >= _MAX_ROWS or self._num_bytes > _MAX_GATHERED_BYTES:
            self._flush(config)
        elif self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_MAX_WAIT_S, self._flush, config)

    async def close(self, config: LogConfig) -> None:
        """Write what is gathered."""
        while self._rows or self._writing is not None:
            self._flush(config)
            if self._writing is not None:
                await self._writing

    def _flush(self, config: LogConfig) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is None and self._rows:
            rows, self._rows, self._num_bytes = self._rows, [], 0
            self._num_files += 1
            self._writing = asyncio.get_running_loop().create_task(self._write(config, rows))

    async def _write(self, config: LogConfig, rows: Sequence[Logged]) -> None:
        folder = Path(config.folder)
        name = f"requests-{time.time_ns()}-{os.getpid()}-{self._num_files}.parquet"
        try:
            await asyncio.to_thread(write_rows, folder / name, rows)
            self._figures.num_logged += len(rows)
            rows = ()
            await asyncio.to_thread(prune, folder, config.max_mb * _MB, config.max_age_s)
        except Exception as error:  # serving goes on, whatever the disk says
            self._figures.num_unlogged += len(rows)
            logger.warning("the request log lost %d rows: %s", len(rows), plain(error))
        finally:
            self._writing = None
