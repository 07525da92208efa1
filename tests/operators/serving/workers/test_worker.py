"""A worker that loads, answers, refuses, hangs and dies, as the ingress sees it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from operators.serving.workers.worker import Worker
from tasks.bundle.manifest import parse_bundle
from tasks.core.errors import DataError, ResourceError, WorkerLostError
from tasks.serving.frames import Load
from tests.support.serving.faulty_bundles import faulty
from tests.support.serving.leftovers import processes

WORKER = "operators.serving.workers.process"
X = np.array([[1, 2], [3, 4]], np.float32)
PARENT = """
import asyncio, sys
from operators.serving.workers.worker import Worker

async def main():
    worker = await Worker.start()
    print(worker.pid, flush=True)
    await worker.ended

asyncio.run(main())
"""


@asynccontextmanager
async def started() -> AsyncIterator[Worker]:
    worker = await Worker.start()
    try:
        yield worker
    finally:
        worker.end()
        await worker.ended


async def asked(worker: Worker, x: np.ndarray) -> np.ndarray:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    worker.ask("predict", {"x": x}, lambda y, _: future.set_result(y["y"]), future.set_exception)
    return await future


def policies(pid: int) -> list[int]:
    """Scheduling policies of a process's threads, the main one first."""
    threads = sorted(int(each.name) for each in Path(f"/proc/{pid}/task").iterdir())
    return [os.sched_getscheduler(each) for each in threads]


def test_a_worker_loads_and_answers(tmp_path):
    bundle = faulty(tmp_path / "b")

    async def run() -> None:
        async with started() as worker:
            loaded = await worker.load(Load(str(tmp_path / "b")), 60)
            assert parse_bundle(loaded.bundle, "b") == bundle
            assert loaded.network == "only"
            assert loaded.cpu_s <= loaded.taken_s + 0.05
            np.testing.assert_array_equal(await asked(worker, X), 2 * X)
            large = np.random.default_rng(0).normal(size=(50_000, 2)).astype(np.float32)
            np.testing.assert_array_equal(await asked(worker, large), 2 * large)
            with pytest.raises(DataError, match=r"expected float32 of shape \(-1, 2\)"):
                await asked(worker, X[:, :1])
            np.testing.assert_array_equal(await asked(worker, X), 2 * X)
        assert await worker.ended == "ended with exit code 0"
        worker.kill("its number may be another's by now")
        assert not psutil.pid_exists(worker.pid)

    asyncio.run(run())


def test_one_who_stops_waiting_for_its_end_leaves_others_waiting():
    async def run() -> None:
        async with started() as worker:
            waiting = asyncio.ensure_future(worker.gone())
            worker.end()
            await asyncio.sleep(0)
            waiting.cancel()
            assert await worker.ended == "ended with exit code 0"

    asyncio.run(run())


def test_loading_is_of_the_idle_class_and_answering_is_not(tmp_path):
    faulty(tmp_path / "b", sleep_s=0.2)

    async def run() -> None:
        async with started() as worker:
            loading = asyncio.ensure_future(worker.load(Load(str(tmp_path / "b")), 60))
            seen: set[int] = set()
            while not loading.done():
                seen |= set(policies(worker.pid)[1:])
                await asyncio.sleep(0.02)
            assert os.SCHED_IDLE in seen  # and the usual one on a machine that is too busy
            assert policies(worker.pid)[0] == os.SCHED_OTHER
            mine = os.getpriority(os.PRIO_PROCESS, 0)
            assert os.getpriority(os.PRIO_PROCESS, worker.pid) == mine

    asyncio.run(run())


@pytest.mark.parametrize(
    ("told", "kind", "reason"),
    [
        ({"golden_factor": 3.0}, DataError, "expected y within 0.0001"),
        ({"is_nan": True}, DataError, "a difference of nan"),
        ({"memory_mb": 600}, ResourceError, "more memory than its limit, 100 MB"),
        ({"hangs_at_size": 7, "warm_up": 7}, DataError, "loaded and warm within 2 s"),
        ({"dies_of": 1.0}, WorkerLostError, "SIGKILL"),
    ],
    ids=["other golden outputs", "NaN", "memory", "hangs while it warms up", "dies"],
)
def test_what_can_t_be_served_ends_with_its_reason(tmp_path, told, kind, reason):
    faulty(tmp_path / "b", **told)

    async def run() -> None:
        async with started() as worker:
            await asyncio.sleep(0)
            limit_s = 2 if "hangs_at_size" in told else 60
            with pytest.raises(kind, match=reason):
                await worker.load(Load(str(tmp_path / "b"), "", 100_000_000), limit_s)

    asyncio.run(run())


def test_a_batch_that_takes_too_much_memory_is_refused_alone(tmp_path):
    faulty(tmp_path / "b")

    async def run() -> None:
        async with started() as worker:
            await worker.load(Load(str(tmp_path / "b"), "", 64_000_000), 60)
            with pytest.raises(ResourceError, match="too low for this batch"):
                await asked(worker, np.zeros((20_000_000, 2), np.float32))
            np.testing.assert_array_equal(await asked(worker, X), 2 * X)

    asyncio.run(run())


def test_who_asks_a_worker_that_is_killed_is_told(tmp_path):
    faulty(tmp_path / "b", sleep_s=0.01)

    async def run() -> None:
        async with started() as worker:
            await worker.load(Load(str(tmp_path / "b")), 60)
            answer = asyncio.ensure_future(asked(worker, X))
            await asyncio.sleep(0)
            assert worker.asked_s == pytest.approx(time.monotonic(), abs=1)
            os.kill(worker.pid, signal.SIGKILL)
            with pytest.raises(WorkerLostError, match="ended with SIGKILL"):
                await answer
            assert not worker.is_open

    asyncio.run(run())


def test_a_worker_ends_with_its_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.send_signal(signal.SIGSTOP)  # it can't close its socket
    parent.kill()
    parent.communicate()
    worker.wait(10)


def test_a_start_that_nobody_waits_for_any_more_leaves_no_process():
    async def run() -> None:
        for _ in range(3):
            starting = asyncio.ensure_future(Worker.start())
            await asyncio.sleep(0)
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
        async with started(), asyncio.timeout(10):  # its thread has started the others by then
            while len(processes(WORKER)) > 1:
                await asyncio.sleep(0.01)

    asyncio.run(run())
    assert not processes(WORKER)


def test_a_machine_without_room_for_another_process_says_so_and_loses_nothing(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("operators.serving.workers.worker.spawn", full)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(ResourceError, match="no worker can be started"):
        asyncio.run(Worker.start())
    assert len(list(Path("/proc/self/fd").iterdir())) == before
