"""What the ingress answers beside TensorFlow Serving's interface: releases, OIP, the page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import numpy as np
import pytest

from benchmarks.environments import environment, run_there
from operators.installation import ROOT
from tasks.serving.oip.infer import HEADER, read_answer, write_request
from tests.operators.serving.ingress.test_app import run
from tests.support.browser import chromium
from tests.support.serving.fakes import TOKEN, Running

RELEASE, INFER = "/v1/models/some/release", "/v2/models/some/infer"
MINE = {"authorization": f"Bearer {TOKEN}"}
CLIENT = ROOT / "tests/support/serving/ask_oip.py"
WORDS = np.array([[1, 2]], np.int64)


def test_a_release_routes_a_model_by_the_token_alone() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = (await client.get(RELEASE)).json()
        assert (found["stable"], found["candidate"]) == (3, None)
        asked = {"holder": "a", "candidate": 4, "share": 50}
        assert (await client.put(RELEASE, json=asked)).status_code == 401
        assert server.serving.release.candidate is None
        found = (await client.put(RELEASE, json=asked, headers=MINE)).json()
        assert (found["candidate"], found["share"]) == (4, 50)
        other = await client.put(RELEASE, json=asked | {"holder": "b"}, headers=MINE)
        assert other.status_code == 409
        assert "the release 'a' holds this model" in other.json()["error"]
        odd = await client.put(RELEASE, json={"holder": 7}, headers=MINE)
        assert odd.status_code == 400
        missing = await client.put("/v1/models/none/release", json=asked, headers=MINE)
        assert missing.status_code == 404
        assert (await client.post(RELEASE, json=asked)).status_code == 400
        assert (await client.get("/v1/models/some/versions/3/release")).status_code == 400

    run(check)


def test_tensors_are_asked_as_bytes_and_as_json() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        body, headers = write_request("tags", {"words": WORDS})
        found = await client.post(INFER, content=body, headers=headers)
        assert found.headers["content-type"] == "application/octet-stream"
        arrays = read_answer(found.content, found.headers[HEADER])
        np.testing.assert_array_equal(arrays["each"], [[2.0, 4.0]])
        asked = {"name": "words", "shape": [1, 2], "datatype": "INT64", "data": [1, 2]}
        found = await client.post("/v2/models/some/versions/4/infer", json={"inputs": [asked]})
        assert (found.headers["x-model-version"], HEADER in found.headers) == ("4", False)
        assert found.json()["outputs"][0]["data"] == [2.0, 4.0]
        bad = await client.post(INFER, json={"inputs": [asked | {"datatype": "FP32"}]})
        assert (bad.status_code, "Expecting shape" in bad.json()["error"]) == (400, True)
        cut = await client.post(INFER, content=body[:-1], headers=headers)
        assert "at most 15, got 16" in cut.json()["error"]

    run(check)


def test_models_and_the_server_tell_about_themselves() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        await client.post("/v1/models/some:predict", json={"instances": [[1, 2]]})
        for path, key in (
            ("/v2", "extensions"),
            ("/v2/models/some", "inputs"),
            ("/v2/models/some/versions/3/config", "max_batch_size"),
        ):
            assert key in (await client.get(path)).json()
        stats = (await client.get("/v2/models/some/versions/3/stats")).json()["model_stats"]
        assert [each["inference_count"] for each in stats] == [1]
        index = await client.post("/v2/repository/index", content=b"")
        assert [each["state"] for each in index.json()] == ["LOADING", "READY"]
        assert len((await client.post("/v2/repository/index", json={"ready": True})).json()) == 1
        assert (await client.post("/v2/repository/index", content=b"[]")).status_code == 400
        for path, status in (
            ("/v2/health/live", 200),
            ("/v2/health/ready", 200),
            ("/v2/models/some/ready", 200),
            ("/v2/models/some/versions/9/ready", 404),
            ("/v2/models/none", 404),
            ("/v2/trace/setting", 501),
        ):
            assert (await client.get(path)).status_code == status, path
        server.serving.ready = False
        assert (await client.get("/v2/health/live")).status_code == 200
        assert (await client.get("/v2/health/ready")).status_code == 503

    run(check)


def test_models_are_loaded_and_unloaded_by_the_token_alone() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        path = "/v2/repository/models/some"
        assert (await client.post(f"{path}/unload", content=b"{}")).status_code == 401
        assert (await client.post(f"{path}/unload", json={}, headers=MINE)).status_code == 200
        assert (await client.post(f"{path}/load", json={}, headers=MINE)).status_code == 200
        assert server.serving.changes == ["unload some", "load some"]

    run(check)


def test_the_page_for_people_is_opened_by_a_browser(tmp_path: Path) -> None:
    pages = []

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        await client.post("/v1/models/some:predict", json={"instances": [[1, 2]]})
        found = await client.get("/")
        assert found.headers["content-type"].startswith("text/html")
        assert (await client.get("/status")).content == found.content
        pages.append(found.content)

    run(check)
    path = tmp_path / "page.html"
    path.write_bytes(pages[0])
    with chromium(tmp_path / "chromium") as browser:
        shown = browser.open_everywhere(path)
    assert "Models in traffic" in shown.text
    assert "1 requests" in shown.text


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tritonclient_needs_no_change() -> None:
    python, told = environment("oip"), []

    async def check(_: httpx.AsyncClient, server: Running) -> None:
        address = server.rest.removeprefix("http://")
        told.append(await asyncio.to_thread(run_there, python, CLIENT, address, TOKEN))
        assert server.serving.changes == ["unload some", "load some"]

    run(check)
    (found,) = told
    assert (found["ready"], found["model_ready"]) == (True, [True, False])
    assert "classification" in found["server"]
    assert found["inputs"] == [{"name": "words", "datatype": "INT64", "shape": [-1, -1]}]
    assert found["config"] == "TYPE_INT64"
    assert found["binary"] == [[[2.0, 4.0]], "7"]
    assert found["plain"] == [[[3.0] * 4], "4"]
    assert found["packed"] == [[2.0, 4.0]]
    assert found["classes"] == ["3.000000:0:no"]
    assert "input 'words' is missing" in found["refused"]
    assert found["counted"] == 3
    assert found["index"] == ["LOADING", "READY"]
