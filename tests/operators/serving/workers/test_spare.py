"""The worker that waits is used first, replaced afterwards, and gone at the end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from operators.serving.workers.spare import Spare
from tests.support.serving.leftovers import processes

WORKER = "operators.serving.workers.process"


async def until(number: int) -> set[int]:
    while len(found := processes(WORKER)) != number:
        await asyncio.sleep(0.01)
    return found


def test_the_spare_is_lent_first_and_replaced_once_nothing_is_loaded():
    async def run() -> None:
        spare = Spare()
        spare.fill()
        (kept,) = await until(1)
        async with spare.lend() as worker:
            assert worker.pid == kept
            async with spare.lend() as second:
                assert second.pid != kept
            assert len(processes(WORKER)) == 2
        await until(3)
        worker.end()
        second.end()
        await worker.ended
        await second.ended
        await spare.close()
        assert not processes(WORKER)

    asyncio.run(run())


def test_a_load_that_fails_ends_its_worker():
    async def run() -> None:
        spare = Spare()
        with pytest.raises(KeyError):
            async with spare.lend() as worker:
                raise KeyError
        assert worker.ended.done()
        await spare.close()

    asyncio.run(run())


def test_a_spare_that_died_is_not_lent():
    async def run() -> None:
        spare = Spare()
        spare.fill()
        (kept,) = await until(1)
        os.kill(kept, signal.SIGKILL)
        await until(0)
        await asyncio.sleep(0.05)
        async with spare.lend() as worker:
            assert worker.pid != kept
        worker.end()
        await worker.ended
        await spare.close()

    asyncio.run(run())
