"""The REST client where the server misbehaves; its good days are the tracker's to test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from operators.record.mlflow_api import MAX_TAG_CHARS, MlflowApi, Run, pairs
from operators.tries import MLFLOW_TRIES
from tasks.core.errors import ArtifactError, ResourceError, TransientError

RUN = {
    "info": {
        "run_id": "r",
        "experiment_id": "1",
        "artifact_uri": "mlflow-artifacts:/1/r/artifacts",
        "run_name": "monday",
    },
    "data": {"tags": [{"key": "airflow.run_id", "value": "x"}, {"key": "other", "value": "y"}]},
}


@pytest.fixture
def api_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], MlflowApi]:
    """A client whose server answers by a function."""
    monkeypatch.setattr("operators.record.mlflow_api.MLFLOW_PAUSE_S", 0.0)

    def make(answer: Callable[[httpx.Request], httpx.Response]) -> MlflowApi:
        api = MlflowApi("http://mlflow:5000/")
        api._http = httpx.Client(base_url=api.uri, transport=httpx.MockTransport(answer))
        return api

    return make


def test_a_run_says_where_it_is_found(api_of: Callable[[Any], MlflowApi]) -> None:
    with api_of(lambda _request: httpx.Response(200, json={"run": RUN})) as api:
        assert api.get("r") == Run(
            run_id="r",
            experiment_id="1",
            artifact_uri="mlflow-artifacts:/1/r/artifacts",
            url="http://mlflow:5000/#/experiments/1/runs/r?workflowType=machine_learning",
            name="monday",
            tags={"airflow.run_id": "x", "other": "y"},
            metrics=[],
        )
        assert api.get("r").inherited_tags == {"airflow.run_id": "x"}


@pytest.mark.parametrize(("num_failures", "is_lost"), [(MLFLOW_TRIES - 1, False), (99, True)])
def test_a_server_that_fails_is_asked_again(
    api_of: Callable[[Any], MlflowApi], num_failures: int, is_lost: bool
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if len(asked) <= num_failures:
            return httpx.Response(503, text="busy")
        return httpx.Response(200, json={"run": RUN})

    with api_of(answer) as api:
        if is_lost:
            with pytest.raises(TransientError, match=r"refused GET .*runs/get.*503 busy"):
                api.get("r")
        else:
            assert api.get("r").run_id == "r"
    assert len(asked) == min(num_failures + 1, MLFLOW_TRIES)


class Runs:
    """A server that makes runs, and whose first answers to that are lost."""

    def __init__(self, makes_anyway: bool, num_lost: int) -> None:
        self.makes_anyway, self.num_lost = makes_anyway, num_lost
        self.tags: list[list[dict[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("search"):
            found = [RUN for tags in self.tags if all(t["value"] in body["filter"] for t in tags)]
            return httpx.Response(200, json={"runs": found})
        self.num_lost -= 1
        if self.num_lost < 0 or self.makes_anyway:
            self.tags.append(body["tags"])
        if self.num_lost >= 0:
            raise httpx.ReadTimeout("no answer")
        return httpx.Response(200, json={"run": RUN})


@pytest.mark.parametrize(
    ("makes_anyway", "num_lost", "num_made"),
    [(True, 1, 1), (False, 1, 1), (False, 2, 1), (True, 0, 1), (False, 99, 0)],
)
def test_a_run_whose_creation_was_not_answered_is_not_made_twice(
    makes_anyway: bool, num_lost: int, num_made: int, api_of: Callable[[Any], MlflowApi]
) -> None:
    server = Runs(makes_anyway, num_lost)
    with api_of(server) as api:
        if num_made:
            assert api.create("1", "run", {}).run_id == "r"
        else:
            with pytest.raises(TransientError, match="can't reach MLflow"):
                api.create("1", "run", {})
    assert len(server.tags) == num_made


def test_a_page_that_stands_before_the_server_is_told(
    api_of: Callable[[Any], MlflowApi],
) -> None:
    page = httpx.Response(200, text="<html>Sign in</html>")
    with (
        api_of(lambda _request: page) as api,
        pytest.raises(ResourceError, match=r"no MLflow server.*Sign in.*tracking_uri"),
    ):
        api.get("r")


def test_a_refusal_is_not_asked_again(api_of: Callable[[Any], MlflowApi]) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(400, text="INVALID")

    with api_of(answer) as api, pytest.raises(ResourceError, match="400 INVALID"):
        api.set_status("r", "FINISHED")
    assert len(asked) == 1


def test_the_login_is_shown_to_the_tracking_server_alone(
    api_of: Callable[[Any], MlflowApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, list[str]] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        seen = shown.setdefault(str(request.url), [])
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={"run": RUN})

    with api_of(answer) as api:
        api._http.headers["Authorization"] = "Basic secret"
        run = api.get("r")
        api.upload(run, "a", b"")
        api.upload(replace(run, artifact_uri="mlflow-artifacts://other:8/1/r"), "a", b"")
    files = "/api/2.0/mlflow-artifacts/artifacts/1/r"
    assert shown == {
        "http://mlflow:5000/api/2.0/mlflow/runs/get?run_id=r": ["Basic secret"],
        f"http://mlflow:5000{files}/artifacts/a": ["Basic secret"],
        f"http://other:8{files}/a": [""],
    }


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_is_told_which_variables_to_set(
    api_of: Callable[[Any], MlflowApi], status: int
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(status, text="no entry")

    message = f"refuses access: {status} no entry; set MLFLOW_TRACKING_USERNAME"
    with api_of(answer) as api, pytest.raises(ResourceError, match=message):
        api.get("r")
    assert len(asked) == 1


def test_a_run_or_file_that_is_missing_is_named(api_of: Callable[[Any], MlflowApi]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "run_id=none" in str(request.url):
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
        if "artifacts" in request.url.path:
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
        return httpx.Response(200, json={"run": RUN})

    with api_of(answer) as api:
        with pytest.raises(ArtifactError, match="has no run 'none'"):
            api.download("none", "a.json")
        with pytest.raises(ArtifactError, match=r"has no file 'a\.json'"):
            api.download("r", "a.json")


def test_a_search_quotes_what_it_looks_for(api_of: Callable[[Any], MlflowApi]) -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        return httpx.Response(200, json={"runs": [RUN]})

    with api_of(answer) as api:
        assert [run.run_id for run in api.search("1", name="it's")] == ["r"]
    assert b'tags.`name` = \\"it\'s\\"' in bodies[0]


def test_a_long_value_is_cut_to_what_the_server_takes() -> None:
    (pair,) = pairs({"tag": "x" * (MAX_TAG_CHARS + 5)}, MAX_TAG_CHARS)
    assert len(pair["value"]) == MAX_TAG_CHARS
