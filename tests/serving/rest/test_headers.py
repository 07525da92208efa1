"""A client says how long it waits, in milliseconds, or nothing."""

from __future__ import annotations

import pytest

from tasks.serving.rest.headers import wait_s
from tasks.serving.types import RequestError


def test_milliseconds_are_seconds() -> None:
    assert wait_s({b"x-request-timeout-ms": b"1500"}) == 1.5
    assert wait_s({}) is None


@pytest.mark.parametrize("told", [b"", b"-1", b"1.5", b"soon", b"1" * 10])
def test_anything_else_is_refused(told: bytes) -> None:
    with pytest.raises(RequestError, match="expected milliseconds"):
        wait_s({b"x-request-timeout-ms": told})
