from __future__ import annotations

import json

import pytest

from tasks.serving.figures.page import Figures
from tasks.serving.oip.pages import page_of
from tasks.serving.oip.paths import parse_path
from tasks.serving.types import Answered, RequestError, VersionFigures
from tests.support.serving.fakes import FakeServing


def told(path, body=b"", method="GET"):
    figures = Figures(lambda: [VersionFigures("some", 3)])
    figures.answer("some", "rest", Answered({}, 3), 0.25)
    return page_of(parse_path(method, path), FakeServing(), figures, body)


def test_pages_tell_of_the_version_that_answers():
    assert json.loads(told("/v2"))["name"] == "orrery"
    assert json.loads(told("/v2/models/some"))["versions"] == ["3"]
    assert json.loads(told("/v2/models/some/config"))["backend"] == "onnx"
    assert told("/v2/models/some/ready") == b""


def test_statistics_are_of_all_versions_or_one():
    found = json.loads(told("/v2/models/some/stats"))["model_stats"]
    assert [(each["version"], each["inference_count"]) for each in found] == [("4", 0), ("3", 1)]
    assert found[1]["inference_stats"]["success"]["ns"] == 250_000_000
    found = json.loads(told("/v2/models/some/versions/3/stats"))["model_stats"]
    assert len(found) == 1


def test_the_index_is_asked_by_a_body_that_may_be_empty():
    path = "/v2/repository/index"
    assert len(json.loads(told(path, method="POST"))) == 2
    assert len(json.loads(told(path, b'{"ready": true}', "POST"))) == 1
    for body in (b"{", b"[]", b"[" * 9000):
        with pytest.raises(RequestError, match="expected a JSON object"):
            told(path, body, "POST")
