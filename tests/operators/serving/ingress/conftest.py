"""What a test of the ingress opens is closed a moment after its end: gRPC closes by itself."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tests.support.serving.fakes import FakeServing, running
from tests.support.serving.leftovers import leftovers


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
    wait = leftovers()
    yield
    assert wait() == []
