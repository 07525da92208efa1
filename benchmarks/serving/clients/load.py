"""Clients of a server over HTTP: as many as ask again at once, or at a fixed rate.

At a fixed rate a latency counts from when the request was due, so that a server that stands still
for a second is late for all that came in that second, and not for one.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import httptools
import uvloop

TIMEOUT_S = 30.0
IsRight = Callable[[int, bytes], bool]


@dataclass(frozen=True)
class Requests:
    """What is asked again and again, one body after the other.

    Attributes:
        port: Port of the server, on this machine.
        path: Path of its address.
        bodies: Bodies of the requests.
    """

    port: int
    path: str
    bodies: tuple[bytes, ...]

    def raw(self, number: int) -> bytes:
        """A request as it is sent."""
        body = self.bodies[number % len(self.bodies)]
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body


@dataclass
class Answers:
    """What came back.

    Attributes:
        num: How many were answered as they should be.
        num_failed: How many were not: another status, a wrong answer, or none.
        latency_s: How long each took.
        due_s: When each was due, by `time.monotonic`.
        versions: Version that answered each; 0 where the server doesn't say.
        reasons: Some of the failures.
    """

    num: int = 0
    num_failed: int = 0
    latency_s: list[float] = field(default_factory=list)
    due_s: list[float] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Expected:
    """Answers of versions to the one request, by which all are judged; see `matches`.

    Attributes:
        by_parity: What a version answers, by the remainder of its number by two.
        tolerance: Greatest difference of a number.
    """

    by_parity: tuple[Sequence[float], Sequence[float]]
    tolerance: float = 1e-3

    def matches(self, version: int, body: bytes) -> bool:
        """Whether a version gave what it must."""
        (found,) = json.loads(body)["predictions"]
        expected = self.by_parity[version % 2]
        return len(found) == len(expected) and all(
            abs(one - other) <= self.tolerance for one, other in zip(found, expected, strict=True)
        )


class Connection(asyncio.Protocol):
    """One connection, which has one request at a time."""

    def __init__(self) -> None:
        """Begin unconnected."""
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[tuple[int, int, bytes]] | None = None
        self.is_closed = False
        self._begin()

    def ask(self, raw: bytes) -> asyncio.Future[tuple[int, int, bytes]]:
        """Send a request; the future gives status, version and body."""
        self._answer = self._loop.create_future()
        self._transport.write(raw)
        return self._answer

    def close(self) -> None:
        """Close it."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.is_closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(str(exc or "closed")))

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if name.lower() == b"x-model-version":
            self._version = int(value)

    def on_body(self, body: bytes) -> None:  # noqa: D102
        self._parts.append(body)

    def on_message_complete(self) -> None:  # noqa: D102
        told = self._parser.get_status_code(), self._version, b"".join(self._parts)
        self._begin()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(told)

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._version = 0


def closed_loop(requests: Requests, num_connections: int, seconds: float) -> Answers:
    """Ask over so many connections, each again as soon as it is answered."""
    return uvloop.run(_closed_loop(requests, num_connections, seconds))


def open_loop(
    requests: Requests, per_s: float, seconds: float, expected: Expected | None = None
) -> Answers:
    """Ask at a fixed rate, over as many connections as it takes."""
    return uvloop.run(_open_loop(requests, per_s, seconds, expected))


async def _closed_loop(requests: Requests, num_connections: int, seconds: float) -> Answers:
    found, end_s = Answers(), time.monotonic() + seconds

    async def client(number: int) -> None:
        connection = await _connected(requests.port)
        while time.monotonic() < end_s:
            number += 1
            await _asked(connection, requests.raw(number), time.monotonic(), found, None)
        connection.close()

    await asyncio.gather(*(client(97 * each) for each in range(num_connections)))
    return found


async def _open_loop(
    requests: Requests, per_s: float, seconds: float, expected: Expected | None
) -> Answers:
    found, free, tasks = Answers(), list[Connection](), set[asyncio.Task[None]]()

    async def one(number: int, due_s: float) -> None:
        connection = free.pop() if free else await _connected(requests.port)
        if connection.is_closed:  # as servers do with those that were not used for a while
            connection = await _connected(requests.port)
        if await _asked(connection, requests.raw(number), due_s, found, expected):
            free.append(connection)

    begun_s = time.monotonic()
    for number in range(round(per_s * seconds)):
        due_s = begun_s + number / per_s
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        task = asyncio.create_task(one(number, due_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for connection in free:
        connection.close()
    return found


async def _connected(port: int) -> Connection:
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, "127.0.0.1", port
    )
    return connection


async def _asked(
    connection: Connection, raw: bytes, due_s: float, found: Answers, expected: Expected | None
) -> bool:
    """Ask once and note it; whether the connection can be used again."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status, version, body = await connection.ask(raw)
    except (TimeoutError, ConnectionError) as error:
        found.num_failed += 1
        found.reasons.append(repr(error))
        connection.close()
        return False
    found.latency_s.append(time.monotonic() - due_s)
    found.due_s.append(due_s)
    found.versions.append(version)
    if status == 200 and (expected is None or expected.matches(version, body)):
        found.num += 1
    else:
        found.num_failed += 1
        found.reasons.append(f"{status} of version {version}: {body[:200]!r}")
    return True
