"""What a test of the ingress opens is closed a moment after its end: gRPC closes by itself."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.serving.fakes import FakeServing, running

_PATIENCE_S = 20.0


@pytest.fixture(scope="session")
def grpc_has_begun() -> None:
    """Descriptors stay in gRPC for the most servers that there ever were at once."""

    async def main() -> None:
        async with running(FakeServing()), running(FakeServing()):
            pass

    asyncio.run(main())


@pytest.fixture(autouse=True)
def nothing_is_left(grpc_has_begun: None) -> Iterator[None]:
    """Descriptors are closed, if not at once."""
    gc.collect()
    before = _num_descriptors()
    yield
    if "ray" in sys.modules:
        return  # the session's Ray lives in this process, and opens what it likes
    end_s = time.monotonic() + _PATIENCE_S
    while _num_descriptors() > before and time.monotonic() < end_s:
        gc.collect()
        time.sleep(0.02)
    assert _num_descriptors() <= before


def _num_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
