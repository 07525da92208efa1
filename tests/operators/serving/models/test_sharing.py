"""Real workers share what there is: sequences the steps of one, models the compute of a slot."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from operators.serving.models.version import Version
from operators.serving.workers.spare import Spare
from tasks.serving.config import Batching, Limits, ModelConfig
from tasks.serving.turns import Turns
from tasks.serving.types import Answered, Code, Question, RequestError
from tests.support.serving.faulty_bundles import faulty, faulty_cell
from tests.support.serving.regional import regional


@asynccontextmanager
async def loaded(folders: list[Path], turns: Turns, size: int) -> AsyncIterator[list[Version]]:
    spare, found = Spare(), list[Version]()
    for folder in folders:
        settings = ModelConfig(folder="x", batching=Batching(max_batch_size=size))
        version = Version(folder.name, 1, settings, Limits(), spare, turns, print)
        await version.load(folder)
        found.append(version)
    try:
        yield found
    finally:
        await asyncio.gather(*(each.end() for each in found), spare.close())


def steps(num_steps: int, num_items: int = 1) -> Question:
    x = np.arange(num_items * num_steps * 2, dtype=np.float32)
    return Question("cell", 1, "predict", {"x": x.reshape(num_items, num_steps, 2)})


def test_sequences_share_steps_and_whoever_is_done_is_answered(tmp_path):
    faulty_cell(tmp_path / "cell", sleep_s=0.01)

    async def run() -> None:
        async with loaded([tmp_path / "cell"], Turns(1), 8) as (version,):
            asked = [steps(1 + 7 * each % 20, 1 + each % 2) for each in range(24)]
            found = await asyncio.gather(*map(version.ask, asked))
            for question, told in zip(asked, found, strict=True):
                expected = 2 * question.arrays["x"].sum(axis=1)
                np.testing.assert_array_equal(told.arrays["y"], expected)
            long = version.ask(steps(100))
            await asyncio.sleep(0.05)
            short = await version.ask(steps(2))
            assert not long.done(), "the short one came later and is answered first"
            assert short.computed_s < 0.5
            with pytest.raises(RequestError, match="of one step or more") as caught:
                await version.ask(steps(0))
            assert caught.value.code is Code.INVALID_ARGUMENT
            np.testing.assert_array_equal(
                (await long).arrays["y"], 2 * steps(100).arrays["x"].sum(axis=1)
            )
            flying = [version.ask(steps(50)) for _ in range(3)]
            await asyncio.sleep(0.05)
            assert version._worker is not None
            os.kill(version._worker.pid, signal.SIGKILL)
            told = await asyncio.gather(*flying, return_exceptions=True)
            codes = [each.code for each in told if isinstance(each, RequestError)]
            assert codes == [Code.UNAVAILABLE] * 3
            assert (await version.ask(steps(1))).arrays["y"].tolist() == [[0, 2]]

    asyncio.run(run())


def row(*values: float) -> Question:
    return Question("regional", 1, "predict", {"x": np.array([values], np.float32)})


def test_requests_of_any_length_share_a_region_and_get_their_own_answers(tmp_path):
    regional(tmp_path / "regional")

    async def run() -> None:
        async with loaded([tmp_path / "regional"], Turns(1), 8) as (version,):
            asked = [row(*range(-3, length)) for length in (1, 4, 2, 4, 7)]
            found = await asyncio.gather(*map(version.ask, asked))
            for question, told in zip(asked, found, strict=True):
                x = question.arrays["x"]
                np.testing.assert_array_equal(told.arrays["y"], np.maximum(x + 1, 0) - x)
            assert version._worker is not None
            os.kill(version._worker.pid, signal.SIGSTOP)
            flying = [version.ask(row(1, 2)) for _ in range(3)]
            await asyncio.sleep(0)
            os.kill(version._worker.pid, signal.SIGKILL)
            lost = await asyncio.gather(*flying, return_exceptions=True)
            codes = [each.code for each in lost if isinstance(each, RequestError)]
            assert codes == [Code.UNAVAILABLE] * 3
            assert (await version.ask(row(2, -3))).arrays["y"].tolist() == [[1, 3]]

    asyncio.run(run())


async def busy(version: Version, until_s: float) -> float:
    """Seconds that a version computed, asked by four clients without a pause."""
    used_s = 0.0

    async def client() -> None:
        nonlocal used_s
        while time.monotonic() < until_s:
            x = np.ones((1, 2), np.float32)
            told: Answered = await version.ask(Question("", 1, "predict", {"x": x}))
            used_s += told.computed_s

    await asyncio.gather(*(client() for _ in range(4)))
    return used_s


def test_busy_models_get_compute_by_their_weights_whatever_their_batches_take(tmp_path):
    faulty(tmp_path / "slow", sleep_s=0.02)
    faulty(tmp_path / "fast", sleep_s=0.004)
    weights = {"slow": 1.0, "fast": 2.0}

    async def run() -> None:
        folders = [tmp_path / name for name in weights]
        async with loaded(folders, Turns(1, weights), 1) as versions:
            until_s = time.monotonic() + 2.0
            used_s = await asyncio.gather(*(busy(each, until_s) for each in versions))
            assert used_s[1] / sum(used_s) == pytest.approx(2 / 3, rel=0.1)

    asyncio.run(run())
