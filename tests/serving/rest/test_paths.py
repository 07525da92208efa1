"""Addresses of the REST interface."""

from __future__ import annotations

import pytest

from tasks.serving.rest.paths import Address, parse_path
from tasks.serving.types import Code, RequestError


@pytest.mark.parametrize(
    ("method", "path", "found"),
    [
        ("GET", "/v1/models/a.b-c", Address("a.b-c", None, "", "status")),
        ("GET", "/v1/models/a/versions/12", Address("a", 12, "", "status")),
        ("GET", "/v1/models/a/labels/stable", Address("a", None, "stable", "status")),
        ("GET", "/v1/models/a/metadata", Address("a", None, "", "metadata")),
        ("GET", "/v1/models/a/versions/3/metadata", Address("a", 3, "", "metadata")),
        ("POST", "/v1/models/a:predict", Address("a", None, "", "predict")),
        ("POST", "/v1/models/a/versions/0:classify", Address("a", 0, "", "classify")),
        ("POST", "/v1/models/a/labels/x y:regress", Address("a", None, "x y", "regress")),
    ],
)
def test_what_an_address_asks_for(method: str, path: str, found: Address) -> None:
    assert parse_path(method, path) == found


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/v1/models/a:predict", "Malformed request: GET /v1/models/a:predict; expected"),
        ("POST", "/v1/models/a", "Malformed request: POST"),
        ("POST", "/v1/models/:predict", "Malformed"),
        ("POST", "/v1/models/a:predict\n", "Malformed"),
        ("POST", "/v1/models/a:explain", "Malformed"),
        ("POST", "/v1/models/a/versions/x:predict", "Malformed"),
        ("POST", "/v1/models/a/versions/٣:predict", "Malformed"),
        ("POST", "/v1/models/a/versions/1/labels/x:predict", "Malformed"),
        ("POST", "/v1/models/a/../b:predict", "Malformed"),
        ("GET", "/v2/models/a", "Malformed"),
        ("POST", f"/v1/models/a/versions/{2**63}:predict", "Failed to convert version: 9223"),
        ("POST", f"/v1/models/a/versions/{'9' * 9999}:predict", "Failed to convert version: 9999"),
    ],
)
def test_others_are_refused(method: str, path: str, told: str) -> None:
    with pytest.raises(RequestError, match=told) as caught:
        parse_path(method, path)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert len(str(caught.value)) < 500
