"""The REST interface over a socket: what it answers, and what it refuses."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest

from tasks.serving.config import Limits, LogConfig, ServingConfig
from tests.support.serving.fakes import TOKEN, FakeServing, Running, running

ONE = {"instances": [[1, 2]]}


def run(
    check: Callable[[httpx.AsyncClient, Running], Any],
    serving: FakeServing | None = None,
    **more: Any,
) -> None:
    """Run a check against a server."""

    async def main() -> None:
        async with (
            running(serving or FakeServing(), **more) as server,
            httpx.AsyncClient(base_url=server.rest, trust_env=False) as client,
        ):
            await check(client, server)

    asyncio.run(main())


def test_what_is_asked_is_answered() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = await client.post("/v1/models/some:predict", json=ONE)
        assert (found.status_code, found.headers["x-model-version"]) == (200, "3")
        assert found.json() == {"predictions": [{"each": [2.0, 4.0], "sum": [3.0] * 4}]}
        found = await client.post("/v1/models/some/labels/next:predict", json={"inputs": [[1, 2]]})
        assert found.headers["x-model-version"] == "4"
        assert found.json()["outputs"]["each"] == [[2.0, 4.0]]
        examples = {"examples": [{"words": [1, 2]}]}
        found = await client.post("/v1/models/some/versions/4:regress", json=examples)
        assert found.json() == {"results": [7.0]}
        found = await client.post("/v1/models/some:classify", json=examples)
        assert found.json() == {"results": [[["no", 3.0], ["yes", -3.0]]]}
        assert server.serving.keys[-1] == found.request.content

    run(check)


def test_models_tell_about_themselves() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        told = (await client.get("/v1/models/some")).json()["model_version_status"]
        assert [each["state"] for each in told] == ["LOADING", "AVAILABLE"]
        told = (await client.get("/v1/models/some/versions/3")).json()["model_version_status"]
        assert [each["version"] for each in told] == ["3"]
        told = (await client.get("/v1/models/some/metadata")).json()
        assert told["model_spec"]["version"] == "3"

    run(check)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("method", "path", "body", "status", "told"),
    [
        ("POST", "/v1/models/some:predict", b"", 400, "The document is empty"),
        ("POST", "/v1/models/some:predict", b"{", 400, "JSON Parse error"),
        ("POST", "/v1/models/some:predict", b"{}", 400, "Missing 'inputs' or 'instances' key"),
        ("POST", "/v1/models/some:predict", b'{"instances": [[1], [1, 2]]}', 400, "one shape"),
        ("POST", "/v1/models/some:predict", b'{"instances": [["a"]]}', 400, "expected type"),
        ("POST", "/v1/models/some:predict", b'{"instances": [[1.5]]}', 400, "expected type"),
        ("POST", "/v1/models/some:predict", b'{"instances": [[NaN]]}', 400, "expected type"),
        ("POST", "/v1/models/some:predict", b'{"instances": [1]}', 400, "expected type"),
        (
            "POST",
            "/v1/models/some:predict",
            b'{"instances": [[1]], "inputs": [[1]]}',
            400,
            "one of 'inputs' and 'instances'",
        ),
        (
            "POST",
            "/v1/models/some:predict",
            b'{"signature_name": "none", "instances": [[1]]}',
            400,
            '"none" not found in signature def; there are: tags',
        ),
        (
            "POST",
            "/v1/models/other:predict",
            b"{",
            404,
            "Could not find any versions of model other",
        ),
        ("POST", "/v1/models/some/versions/9:predict", b"{", 404, r"Specific(some, 9)"),
        ("POST", "/v1/models/some/labels/x:predict", b"{", 400, "Unrecognized servable version"),
        ("POST", "/v1/models/some:explain", b"{", 400, "Malformed request"),
        ("GET", "/v1/models/some:predict", b"", 400, "Malformed request"),
        ("GET", "/v1/models/other", b"", 404, "any versions of model other"),
        ("GET", "/v1/models", b"", 400, "Malformed request"),
        ("GET", "/nothing", b"", 404, "nothing is at /nothing; models are at /v1/models/NAME"),
        ("DELETE", "/metrics", b"", 405, "expected GET for /metrics, got DELETE"),
    ],
)
def test_what_can_not_be_answered_is_told(
    method: str, path: str, body: bytes, status: int, told: str
) -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = await client.request(method, path, content=body)
        assert found.status_code == status
        assert found.headers["content-type"] == "application/json"
        assert told in found.json()["error"]
        assert server.serving.asked == []
        assert (await client.post("/v1/models/some:predict", json=ONE)).status_code == 200

    run(check)


def test_bodies_have_a_size_packed_or_not() -> None:
    config = ServingConfig(limits=Limits(max_body_mb=1))
    bomb = gzip.compress(bytes(100_000_000))

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        url = "/v1/models/some:predict"

        async def parts() -> Any:
            for _ in range(50):
                yield bytes(100_000)

        for content, headers in (
            (bytes(1_000_001), {}),
            (parts(), {}),
            (bomb, {"content-encoding": "gzip"}),
        ):
            found = await client.post(url, content=content, headers=headers)
            assert found.status_code == 413
            assert ("connection" in found.headers) is not bool(headers), "nothing is left to send"
            assert "at most 1 MB" in found.json()["error"]
        for pack, name in ((gzip.compress, "gzip"), (zlib.compress, "deflate")):
            content = pack(json.dumps(ONE).encode())
            found = await client.post(url, content=content, headers={"content-encoding": name})
            assert found.status_code == 200
        for content, name, status in ((b"{}", "gzip", 400), (b"{}", "br", 415)):
            found = await client.post(url, content=content, headers={"content-encoding": name})
            assert found.status_code == status
        large = {"instances": [[1] * 1000] * 300}
        assert (await client.post(url, json=large)).status_code == 200
        assert len(server.serving.asked) == 3

    run(check, FakeServing(config))


def test_a_body_has_a_time() -> None:
    config = ServingConfig(limits=Limits(body_s=0.2))

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        reader, writer = await asyncio.open_connection(*server.rest[7:].split(":"))
        writer.write(b"POST /v1/models/some:predict HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
        found = (await reader.read()).decode()
        assert found.startswith("HTTP/1.1 408 ")
        assert "the body within 0.2 s" in found
        writer.close()

    run(check, FakeServing(config))


def test_a_deadline_is_the_clients_or_ours() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        now_s = asyncio.get_running_loop().time()
        for headers in (
            {},
            {"x-request-timeout-ms": "1500"},
            {"x-request-timeout-ms": "999999999"},
        ):
            await client.post("/v1/models/some:predict", json=ONE, headers=headers)
        found = [each.deadline_s - now_s for each in server.serving.asked]
        assert np.allclose(found, [60, 1.5, 60], atol=1)
        for odd in ("-1", "soon", "1" * 99):
            headers = {"x-request-timeout-ms": odd}
            found = await client.post("/v1/models/some:predict", json=ONE, headers=headers)
            assert found.status_code == 400
            assert "x-request-timeout-ms: expected milliseconds" in found.json()["error"]

    run(check)


def test_a_client_that_goes_takes_its_request_back() -> None:
    serving = FakeServing()
    serving.holds = True

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/v1/models/some:predict", json=ONE, timeout=0.3)
        for _ in range(100):
            if serving.held[0].cancelled():
                break
            await asyncio.sleep(0.01)
        assert serving.held[0].cancelled()
        page = (await client.get("/metrics")).text
        assert 'interface="rest",model="some",version="3"' in page or "CANCELLED" in page
        assert 'code="CANCELLED"' in page

    run(check, serving)


def test_a_version_that_leaves_is_followed_by_another() -> None:
    serving = FakeServing()
    serving.left = {3}

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = await client.post("/v1/models/some:predict", json=ONE)
        assert found.headers["x-model-version"] == "4"
        found = await client.post("/v1/models/some/versions/3:predict", json=ONE)
        assert (found.status_code, found.json()["error"]) == (503, "some version 3 has left")
        serving.left = {3, 4}
        assert (await client.post("/v1/models/some:predict", json=ONE)).status_code == 503

    run(check, serving)


def test_a_failure_of_ours_is_told_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    serving = FakeServing()
    serving.answer = lambda question: {}[question.model]

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = await client.post("/v1/models/some:predict", json=ONE)
        assert found.status_code == 500
        assert found.json() == {"error": "the server failed; its log says why, ask its owner"}

    run(check, serving)
    assert "KeyError" in caplog.text


def test_health_and_readiness() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        assert (await client.get("/healthz")).text == "ok\n"
        assert (await client.get("/readyz")).status_code == 200
        assert (await client.head("/healthz")).status_code == 200
        server.serving.ready = False
        found = await client.get("/readyz")
        assert (found.status_code, found.text[:32]) == (503, "a model has no version that answ")
        assert (await client.get("/healthz")).status_code == 200

    run(check)


def test_settings_change_by_a_token_all_or_none() -> None:
    new = {"models": {"more": {"folder": "/models/more"}}}
    headers = {"authorization": f"Bearer {TOKEN}"}

    async def check(client: httpx.AsyncClient, server: Running) -> None:
        before = server.serving.config
        for shown in ({}, {"authorization": "Bearer other"}, {"authorization": f"Basic {TOKEN}"}):
            assert (await client.post("/v1/config", json=new, headers=shown)).status_code == 401
        for odd, told in (
            (b"", "expected settings as JSON"),
            (b'{"models": {"more": {}}}', "models.more: .*either a folder"),
            (b'{"model": {}}', "unknown setting 'model'.* did you mean 'models'"),
        ):
            found = await client.post("/v1/config", content=odd, headers=headers)
            assert found.status_code == 400
            assert np.all([part in found.json()["error"] for part in told.split(".*")])
        assert server.serving.config is before
        assert (await client.post("/v1/config", json=new, headers=headers)).json() == {}
        assert server.serving.config.models["more"].folder == "/models/more"
        assert (await client.get("/v1/config")).json()["models"]["more"]["policy"]["all"] is False

    run(check)


def test_without_a_token_nobody_changes_settings() -> None:
    async def check(client: httpx.AsyncClient, server: Running) -> None:
        found = await client.post("/v1/config", json={}, headers={"authorization": "Bearer x"})
        assert found.status_code == 403
        assert "ORRERY_SERVING_TOKEN" in found.json()["error"]

    run(check, token="")


def test_who_drains_answers_what_was_asked() -> None:
    serving = FakeServing(ServingConfig(log=LogConfig()))
    serving.holds = True

    async def main() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            async with running(serving) as server:
                asked = asyncio.create_task(
                    client.post(f"{server.rest}/v1/models/some:predict", json=ONE)
                )
                while not serving.held:
                    await asyncio.sleep(0.01)
                answer = FakeServing().ask(serving.asked[0])
                asyncio.get_running_loop().call_later(
                    0.3, lambda: serving.held[0].set_result(answer.result())
                )
            assert (await asked).status_code == 200
            with pytest.raises(httpx.ConnectError):
                await client.get(f"{server.rest}/healthz")

    asyncio.run(main())
