"""What the head of a request says to this server."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.serving.types import Code, RequestError


def wait_s(headers: Mapping[bytes, bytes]) -> float | None:
    """How long a client waits; None if it does not say.

    Raises:
        RequestError: INVALID_ARGUMENT, it says something else.
    """
    told = headers.get(b"x-request-timeout-ms")
    if told is None:
        return None
    if not told.isdigit() or len(told) > 9:
        raise RequestError(
            Code.INVALID_ARGUMENT, f"x-request-timeout-ms: expected milliseconds, got {told[:50]!r}"
        )
    return int(told) / 1000
