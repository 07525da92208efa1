"""Writing requests of Airflow's API take turns; reading ones wait for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from operators.schedule.airflow_plugins.one_writer import OneWriter, OneWriterPlugin


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
        calls = [server(scope, None, None) for scope in scopes]  # type: ignore[arg-type]
        told = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in told] == [ValueError] * len(methods)

    asyncio.run(send_all())
    return most


def test_writing_requests_take_turns_though_they_fail() -> None:
    assert most_at_once("POST", "PATCH", "DELETE", "PUT") == 1


def test_reading_requests_wait_for_nobody() -> None:
    assert most_at_once("GET", "POST", "GET", "HEAD") == 4


def test_airflow_is_told() -> None:
    assert [each["middleware"] for each in OneWriterPlugin.fastapi_root_middlewares] == [OneWriter]
