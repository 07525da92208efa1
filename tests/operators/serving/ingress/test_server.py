"""Both interfaces begin and end together."""

from __future__ import annotations

import asyncio
import socket

import pytest

from operators.serving.ingress.server import Listen, serve
from tests.support.serving.fakes import FakeServing, running


def test_a_port_that_is_taken_is_told() -> None:
    async def main() -> None:
        async with running(FakeServing()) as server:
            with socket.create_server(("127.0.0.1", 0)) as rest:
                listen = Listen(rest, server.grpc)
                with pytest.raises(RuntimeError, match="Failed to bind"):
                    await serve(FakeServing(), listen, asyncio.Event(), lambda *_: None)

    asyncio.run(main())


def test_it_ends_at_once_if_nobody_waits() -> None:
    async def main() -> None:
        async with running(FakeServing()):
            pass

    asyncio.run(asyncio.wait_for(main(), 5))
