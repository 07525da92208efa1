"""Writing requests of Airflow's API take turns; reading ones wait for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from operators.schedule.airflow_plugins.one_writer import OneWriter, OneWriterPlugin


async def receive_nothing() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send_nothing(_message: Any) -> None:
    return


def most_at_once(*methods: str) -> int:
    """How many requests, sent together, were answered at a time."""
    now, most = 0, 0

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        raise ValueError

    async def send_all() -> None:
        server = OneWriter(app)
        scopes = [{"type": "http", "method": method} for method in methods]
        calls = [server(scope, receive_nothing, send_nothing) for scope in scopes]
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in told] == [ValueError] * len(methods)

    asyncio.run(send_all())
    return most


def test_writing_requests_take_turns_though_they_fail() -> None:
    assert most_at_once("POST", "PATCH", "DELETE", "PUT") == 1


def test_reading_requests_wait_for_nobody() -> None:
    assert most_at_once("GET", "POST", "GET", "HEAD") == 4


def test_who_sends_half_a_request_keeps_nobody_waiting() -> None:
    bodies: list[bytes] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        whole, more = b"", True
        while more:
            message = await receive()
            whole, more = whole + message["body"], message["more_body"]
        bodies.append(whole)

    async def send_both() -> None:
        server, scope = OneWriter(app), {"type": "http", "method": "POST"}
        rest = asyncio.Event()
        parts = [{"body": b"ha", "more_body": True}, {"body": b"lf", "more_body": False}]

        async def receive_slowly() -> Any:
            if len(parts) == 1:
                await rest.wait()
            return parts.pop(0)

        slow = asyncio.create_task(server(scope, receive_slowly, send_nothing))
        await asyncio.sleep(0)
        await asyncio.wait_for(server(scope, receive_nothing, send_nothing), 5)
        rest.set()
        await slow

    asyncio.run(send_both())
    assert bodies == [b"", b"half"]


def test_airflow_is_told() -> None:
    assert [each["middleware"] for each in OneWriterPlugin.fastapi_root_middlewares] == [OneWriter]
