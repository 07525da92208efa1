"""The clients count what a server that misbehaves on purpose does to them."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from benchmarks.serving.clients.load import Expected, Requests, closed_loop, open_loop


@contextmanager
def answering(answer: Callable[[int], tuple[int, float, bytes]]) -> Iterator[Requests]:
    """A server that answers the n-th request with a status, after a wait, with a body."""
    ports: list[int] = []
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    count = iter(range(1_000_000))

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            status, wait_s, body = answer(next(count))
            await asyncio.sleep(wait_s)
            head = (
                f"HTTP/1.1 {status} X\r\nX-Model-Version: 3\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)

    async def serve() -> None:
        server = await asyncio.start_server(client, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        is_up.set()
        async with server:
            await over.wait()

    over = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    is_up.wait()
    try:
        yield Requests(ports[0], "/x", (b"{}", b"[1]"))
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_connections_ask_again_as_soon_as_they_are_answered():
    with answering(lambda _: (200, 0.02, b"{}")) as requests:
        answers = closed_loop(requests, 4, 0.5)
    assert 4 * 10 <= answers.num <= 4 * 26
    assert answers.num_failed == 0
    assert min(answers.latency_s) >= 0.02
    assert set(answers.versions) == {3}


def test_what_fails_is_counted_with_its_reason():
    def answer(number: int) -> tuple[int, float, bytes]:
        return 503 if number % 2 else 200, 0.0, b'{"error": "busy"}'

    with answering(answer) as requests:
        answers = open_loop(requests, 100, 0.2)
    assert (answers.num, answers.num_failed) == (10, 10)
    assert '503 of version 3: b\'{"error": "busy"}\'' in answers.reasons[0]


def test_at_a_fixed_rate_one_stall_is_late_for_all_that_came_meanwhile():
    stalled_s: list[float] = []

    def answer(number: int) -> tuple[int, float, bytes]:
        if number == 10:
            stalled_s.append(time.monotonic())
            time.sleep(0.3)  # the whole server stands still
        return 200, 0.0, b"{}"

    with answering(answer) as requests:
        answers = open_loop(requests, 100, 0.6)
    late = [each for each in answers.latency_s if each > 0.1]
    assert answers.num == 60
    assert 15 <= len(late) <= 32, "as many as were due in the 0.2 s before its end"


@pytest.mark.parametrize(
    ("version", "logits", "is_right"),
    [(2, [1.0, 2.0], True), (4, [1.0, 2.0], True), (3, [1.0, 2.0], False), (3, [3.0], False)],
)
def test_an_answer_must_be_the_one_of_the_version_that_it_names(version, logits, is_right):
    expected = Expected(((1.0, 2.0), (3.0, 4.0)))
    body = json.dumps({"predictions": [logits]}).encode()
    assert expected.matches(version, body) == is_right
