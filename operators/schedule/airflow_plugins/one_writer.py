"""Lets Airflow's API server answer one writing request at a time.

Its audit log is written by the thread that serves all requests (3.3, `log_action`), while the
transaction of another request is open in a thread that needs that one to commit. In SQLite, which
has one writer, both then wait for each other until the time-out, and all other servers with them:
four triggers at once are enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from airflow.plugins_manager import AirflowPlugin

_READING = ("GET", "HEAD", "OPTIONS")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class OneWriter:
    """The middleware, as ASGI knows it."""

    def __init__(self, app: Callable[[Message, Receive, Send], Awaitable[None]]) -> None:
        """Wrap an application."""
        self._app, self._turn = app, asyncio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, once those before it have ended, their transactions included."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        # Whole before its turn: who sends half a request keeps nobody waiting.
        arrived = [await receive()]
        while arrived[-1].get("more_body"):
            arrived.append(await receive())

        async def again() -> Message:
            return arrived.pop(0) if arrived else await receive()

        async with self._turn:
            await self._app(scope, again, send)


class OneWriterPlugin(AirflowPlugin):
    """Tells Airflow of it."""

    name = "one_writer"
    fastapi_root_middlewares: list[Any] = [{"name": name, "middleware": OneWriter}]  # noqa: RUF012
