from __future__ import annotations

import pytest

from tasks.serving.oip.paths import OipAddress, parse_path
from tasks.serving.types import Code, RequestError


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v2", ("", None, "server")),
        ("GET", "/v2/", ("", None, "server")),
        ("GET", "/v2/health/live", ("", None, "live")),
        ("HEAD", "/v2/health/ready", ("", None, "ready")),
        ("GET", "/v2/models/some", ("some", None, "metadata")),
        ("GET", "/v2/models/some/versions/3", ("some", 3, "metadata")),
        ("GET", "/v2/models/some/ready", ("some", None, "model_ready")),
        ("GET", "/v2/models/some/versions/3/config", ("some", 3, "config")),
        ("GET", "/v2/models/stats", ("", None, "stats")),
        ("GET", "/v2/models/some/versions/3/stats", ("some", 3, "stats")),
        ("POST", "/v2/models/some/versions/3/infer", ("some", 3, "infer")),
        ("POST", "/v2/repository/index", ("", None, "index")),
        ("POST", "/v2/repository/models/some/load", ("some", None, "load")),
        ("POST", "/v2/repository/models/some/unload", ("some", None, "unload")),
    ],
)
def test_addresses_are_understood(method, path, expected):
    assert parse_path(method, path) == OipAddress(*expected)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v2/models/some/infer", Code.INVALID_ARGUMENT),
        ("POST", "/v2/models/some", Code.INVALID_ARGUMENT),
        ("GET", "/v2/models/", Code.UNIMPLEMENTED),
        ("GET", "/v2/models/some/versions/x", Code.UNIMPLEMENTED),
        ("GET", "/v2/trace/setting", Code.UNIMPLEMENTED),
        ("GET", "/v22", Code.INVALID_ARGUMENT),
    ],
)
def test_others_are_refused(method, path, code):
    with pytest.raises(RequestError) as error:
        parse_path(method, path)
    assert error.value.code == code
