"""Clients that are slow, many, or send odd heads disturb nobody."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tasks.serving.config import Limits, ServingConfig
from tests.support.serving.fakes import FakeServing, Running, running

GET = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


def run(check: Callable[[Running], Any], **limits: Any) -> None:
    async def main() -> None:
        async with running(FakeServing(ServingConfig(limits=Limits(**limits)))) as server:
            await check(server)

    asyncio.run(main())


async def connect(server: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(*server.rest[7:].split(":"), limit=2**20)


async def told(reader: asyncio.StreamReader) -> str:
    """All that comes until the connection ends."""
    try:
        return (await reader.read()).decode()
    except ConnectionError:
        return ""


@pytest.mark.hostile
@pytest.mark.parametrize(
    "begin", [b"", b"GET /healthz HT", GET + b"GET /", b"GET /healthz HTTP/1.1\r\nx: "]
)
def test_a_head_has_a_time(begin: bytes) -> None:
    async def check(server: Running) -> None:
        reader, writer = await connect(server)
        begun_s = time.monotonic()
        writer.write(begin)
        said = await told(reader)
        assert 0.2 < time.monotonic() - begun_s < 3
        assert said.count("200 OK") == begin.startswith(GET)
        writer.close()

    run(check, head_s=0.3)


def test_who_waits_for_an_answer_or_asks_again_later_is_not_cut_off() -> None:
    body = b'{"instances": [[1, 2]]}'
    ask = b"POST /v1/models/some:predict HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)

    async def check(server: Running) -> None:
        reader, writer = await connect(server)
        for holds in (True, False):
            server.serving.holds = holds
            writer.write(ask + body)
            await asyncio.sleep(0.4)
            for each in server.serving.held:
                found = FakeServing().ask(server.serving.asked[0])
                each.set_result(found.result())
            server.serving.held = []
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
            await reader.readuntil(b"]}]}")
            await asyncio.sleep(0.4)
        writer.close()

    run(check, head_s=0.2)


@pytest.mark.hostile
@pytest.mark.parametrize("name", [b"GET /", b"GET / HTTP/1.1\r\nx: "])
def test_a_head_has_a_size(name: bytes) -> None:
    async def check(server: Running) -> None:
        reader, writer = await connect(server)
        writer.write(name)
        for _ in range(12):
            writer.write(b"x" * 10_000)
            await asyncio.sleep(0)
        said = await told(reader)
        assert said.startswith(("HTTP/1.1 431 ", "HTTP/1.1 400 ")) or not said
        writer.close()

    run(check)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "head", [b"\x16\x03\x01\x02\x00", b"GET \xff HTTP/1.1\r\n\r\n", b"G@T / HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_head_is_refused(head: bytes) -> None:
    async def check(server: Running) -> None:
        reader, writer = await connect(server)
        writer.write(head)
        assert (await told(reader)).startswith("HTTP/1.1 400 ")
        writer.close()

    run(check)


def test_one_more_than_may_is_told_so_and_others_go_on() -> None:
    async def check(server: Running) -> None:
        first = [await connect(server) for _ in range(3)]
        await asyncio.sleep(0.05)
        reader, writer = await connect(server)
        said = await told(reader)
        assert said.startswith("HTTP/1.1 503 ")
        assert said.endswith('{"error":"as many clients as may are connected; ask again later"}')
        writer.close()
        for reader, writer in first:
            writer.write(GET)
            assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
            writer.close()

    run(check, max_connections=3)


def test_who_does_not_read_is_cut_off() -> None:
    num = 12
    body = b'{"instances": [[' + b"1," * 300_000 + b"1]]}"  # and an answer twice as large
    head = b"POST /v1/models/some:predict HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)

    async def check(server: Running) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            host, port = server.rest[7:].split(":")
            await loop.sock_connect(client, (host, int(port)))
            for _ in range(num):
                await asyncio.wait_for(loop.sock_sendall(client, head + body), 5)
            await asyncio.sleep(0.8)
            assert 0 < len(server.serving.asked) < num
            with pytest.raises(ConnectionError):
                await loop.sock_sendall(client, head)

    run(check, body_s=0.3)


@pytest.mark.slow
def test_five_thousand_connections() -> None:
    async def check(server: Running) -> None:
        clients = []
        for _ in range(50):
            clients += await asyncio.gather(*(connect(server) for _ in range(100)))
        for _, writer in clients:
            writer.write(GET)
        lines = await asyncio.gather(*(reader.readline() for reader, _ in clients))
        assert lines == [b"HTTP/1.1 200 OK\r\n"] * 5000
        for _, writer in clients:
            writer.close()

    run(check, head_s=60.0)
