"""Connections within limits: how many, how long a head may take, and how large it may be.

uvicorn waits for ever for a request's head, and for a client that reads no answer. Whoever waits
for an answer here is told at once that its client is gone, without a task that listens for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tasks.serving.config import Limits
from tasks.serving.rest.answers import write_error

GONE: Final = "orrery.gone"  # in a scope: futures that are cancelled when the client goes
_MAX_HEAD_BYTES: Final = 64 * 1024


class Connection(HttpToolsProtocol):
    """uvicorn's protocol of a connection, with limits; `limited` says which."""

    limits = Limits()

    def __init__(self, *given: Any, **named: Any) -> None:
        """Begin as uvicorn does."""
        super().__init__(*given, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._reader: asyncio.TimerHandle | None = None
        self._is_head, self._num_head_bytes = True, 0
        self._pending: set[asyncio.Future[Any]] = set()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, if there is room for one more client."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._refuse(b"503 Service Unavailable", "as many clients as may are connected")
        else:
            self._expect(self.limits.head_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all that wait for this client."""
        self._expect(None)
        if self._reader is not None:
            self._reader.cancel()
        for each in tuple(self._pending):
            each.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head must end in time, and before it is too large."""
        self._num_head_bytes += len(data)
        super().data_received(data)
        if not self._is_head or self.transport.is_closing():
            return
        if self._num_head_bytes > _MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large", "expected a head of 64 kB at most")
        elif self._timer is None:
            self._expect(self.limits.head_s)

    def on_message_begin(self) -> None:
        """A request begins; its app may leave futures in the scope."""
        self._is_head = True
        super().on_message_begin()
        self.scope[GONE] = self._pending  # type: ignore[typeddict-unknown-key]

    def on_headers_complete(self) -> None:
        """The head is here; for the body the app waits by its own clock."""
        self._is_head = False
        self._expect(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here; the next one may begin."""
        self._num_head_bytes = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read its answer: wait for it as long as for a body."""
        self._reader = self.loop.call_later(self.limits.body_s, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client reads."""
        if self._reader is not None:
            self._reader.cancel()
        super().resume_writing()

    def _refuse(self, status: bytes, why: str) -> None:
        body = write_error(f"{why}; ask again later")
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        self.transport.write(head % (status, len(body)) + b"connection: close\r\n\r\n" + body)
        self.transport.close()

    def _expect(self, wait_s: float | None) -> None:
        """End the connection if its head is not here in time; None if it is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if wait_s is not None:
            self._timer = self.loop.call_later(wait_s, self.transport.abort)


def limited(in_force: Callable[[], Limits]) -> type[Connection]:
    """The protocol of connections within the limits that are in force when they are looked at."""
    return type("Limited", (Connection,), {"limits": property(lambda _: in_force())})
