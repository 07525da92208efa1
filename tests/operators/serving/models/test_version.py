"""One version with a real worker, which is killed, hangs, and is let go."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from operators.serving.models.pump import Ticket
from operators.serving.models.version import Version
from operators.serving.workers.spare import Spare
from tasks.core.errors import DataError
from tasks.serving.config import Batching, Limits, ModelConfig
from tasks.serving.turns import Turns
from tasks.serving.types import Code, RequestError
from tasks.serving.types import Question as Asked
from tasks.serving.versions import restarts
from tests.support.serving.faulty_bundles import faulty


def question(value: float) -> Asked:
    return Asked("m", 1, "predict", {"x": np.full((1, 2), value, np.float32)})


@asynccontextmanager
async def loaded(
    folder: Path, limits: Limits | None = None, dead: list[str] | None = None, **told: Any
) -> AsyncIterator[Version]:
    """A version that answers, with a spare worker beside it."""
    faulty(folder / "1", **told)
    settings = ModelConfig(folder=str(folder), batching=Batching(max_batch_size=32))
    spare = Spare()
    version = Version(
        "m", 1, settings, limits or Limits(), spare, Turns(2), ([] if dead is None else dead).append
    )
    await version.load(folder / "1")
    try:
        yield version
    finally:
        await version.end()
        await spare.close()


def worker_of(version: Version) -> int:
    assert version._worker is not None
    return version._worker.pid


async def codes(tickets: list[Ticket]) -> list[Code]:
    found = await asyncio.gather(*tickets, return_exceptions=True)
    return [each.code if isinstance(each, RequestError) else Code.OK for each in found]


def test_a_worker_killed_with_32_in_flight_costs_these_and_nothing_else(tmp_path):
    async def run() -> None:
        async with loaded(tmp_path, sleep_s=0.05) as version:
            flying = [version.ask(question(each)) for each in range(32)]
            await asyncio.sleep(0.02)
            waiting = [version.ask(question(each)) for each in range(40)]
            first = worker_of(version)
            os.kill(first, signal.SIGKILL)
            assert await codes(flying) == [Code.UNAVAILABLE] * 32
            answers = await asyncio.gather(*waiting)
            assert [each.arrays["y"][0, 0] for each in answers] == [2 * n for n in range(40)]
            assert worker_of(version) != first
            assert version.figures().num_restarts == 1

    asyncio.run(run())


def test_a_worker_that_is_lost_again_and_again_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(restarts, "_MAX_EARLY", 2)
    monkeypatch.setattr(restarts, "_PAUSE_S", 0.01)
    dead: list[str] = []

    async def run() -> None:
        async with loaded(tmp_path, dead=dead, dies_of=99.0) as version:
            for _ in range(3):
                ticket = version.ask(question(99))
                assert await codes([ticket]) == [Code.UNAVAILABLE]
            await asyncio.sleep(0.05)
            assert dead == ["its worker ended with SIGKILL, as did those before it"]
            with pytest.raises(RequestError, match="m version 1: its worker ended with SIGKILL"):
                version.ask(question(1))

    asyncio.run(run())


def test_a_worker_that_can_t_be_loaded_again_is_given_up_and_who_waits_told(tmp_path):
    dead: list[str] = []

    async def run() -> None:
        async with loaded(tmp_path, dead=dead) as version:
            (tmp_path / "1/told.json").write_text('{"factor": 2}')
            os.kill(worker_of(version), signal.SIGKILL)
            while version._worker is not None:
                await asyncio.sleep(0.005)
            assert await codes([version.ask(question(1))]) == [Code.UNAVAILABLE]
            assert "could not be replaced" in dead[0]
            assert "told.json is not what bundle.json says" in dead[0]

    asyncio.run(run())


def test_a_batch_that_takes_too_long_ends_its_worker(tmp_path):
    async def run() -> None:
        async with loaded(tmp_path, Limits(answer_s=0.1), hangs_at_size=5) as version:
            tickets = [version.ask(question(each)) for each in range(5)]
            while version.figures().num_restarts == 0:
                version.watch()
                await asyncio.sleep(0.02)
            assert await codes(tickets) == [Code.UNAVAILABLE] * 5
            assert "more than 0.1 s" in str(tickets[0].exception())
            assert (await version.ask(question(4))).arrays["y"][0, 0] == 8

    asyncio.run(run())


def test_who_waits_when_a_version_leaves_is_answered_and_who_comes_late_too(tmp_path):
    async def run() -> None:
        async with loaded(tmp_path, Limits(drain_s=20.0), sleep_s=0.02) as version:
            pid = worker_of(version)
            waiting = [version.ask(question(each)) for each in range(40)]
            leaving = asyncio.ensure_future(version.leave())
            await asyncio.sleep(0.3)
            waiting.append(version.ask(question(40)))
            await leaving
            assert await codes(waiting) == [Code.OK] * 41
            assert not psutil.pid_exists(pid)

    asyncio.run(run())


def test_a_version_leaves_within_its_limit(tmp_path):
    async def run() -> None:
        limits = Limits(drain_s=0.2)
        async with loaded(tmp_path, limits, hangs_at_size=5) as version:
            waiting = [version.ask(question(each)) for each in range(5)]
            await asyncio.sleep(0.02)
            waiting.append(version.ask(question(3)))
            begun_s = time.monotonic()
            await version.leave()
            assert await codes(waiting) == [Code.UNAVAILABLE] * 6
            assert time.monotonic() - begun_s < 4

    asyncio.run(run())


def test_settings_of_batches_are_taken_while_it_answers(tmp_path):
    async def run() -> None:
        async with loaded(tmp_path) as version:
            settings = ModelConfig(folder="x", batching=Batching(max_batch_size=3))
            version.configure(settings, Limits())
            answers = await asyncio.gather(*(version.ask(question(each)) for each in range(6)))
            assert {each.batch_size for each in answers} == {3}

    asyncio.run(run())


def test_a_bundle_that_is_none_leaves_nothing(tmp_path):
    async def run() -> None:
        spare = Spare()
        version = Version("m", 1, ModelConfig(folder="x"), Limits(), spare, Turns(2), print)
        with pytest.raises(DataError, match=r"bundle\.json"):
            await version.load(tmp_path)
        await spare.close()

    asyncio.run(run())
