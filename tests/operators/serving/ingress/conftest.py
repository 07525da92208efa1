"""gRPC keeps a descriptor of its own from its first server on, which is no leak of a test's."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.serving.fakes import FakeServing, running


@pytest.fixture(scope="session", autouse=True)
def grpc_has_begun() -> None:
    """Let it open what it keeps."""

    async def main() -> None:
        async with running(FakeServing()):
            pass

    asyncio.run(main())
