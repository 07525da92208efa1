"""The client of Ray's Jobs API, against a stand-in."""

from __future__ import annotations

import asyncio
import re
import ssl
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.compute.ray_jobs import MAX_ENTRYPOINT_BYTES, RayJobs, job_id
from operators.processes.ports import free_ports
from tasks.core.errors import ConfigError, ResourceError, TransientError
from tests.support.kernel.fake_ray import fake_ray
from tests.support.kernel.private_authority import Authority, make_authority

NAMES = st.text(min_size=1, max_size=200)


@given(NAMES, NAMES, NAMES, st.integers(-1, 10_000), st.integers(1, 99))
def test_an_id_is_always_the_same_and_safe_in_paths(
    dag: str, run: str, task: str, index: int, attempt: int
) -> None:
    made = job_id(dag, run, task, index, attempt)
    assert made == job_id(dag, run, task, index, attempt)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,200}", made)
    assert made.endswith(f"-{attempt}")


@given(st.tuples(NAMES, NAMES, NAMES), st.tuples(NAMES, NAMES, NAMES))
def test_different_tasks_have_different_ids(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    same = job_id(*one, -1, 1) == job_id(*other, -1, 1)
    assert same == (one == other)


def test_ids_tell_runs_apart_that_differ_in_punctuation_only() -> None:
    assert job_id("d", "run-1", "t", -1, 1) != job_id("d", "run.1", "t", -1, 1)


def test_a_job_is_submitted_once() -> None:
    async def story() -> None:
        async with RayJobs(ray.address) as jobs:
            assert await jobs.find("a") is None
            assert await jobs.submit("a", "true", {"run_id": "r"})
            assert not await jobs.submit("a", "true", {"run_id": "r"})
            found = await jobs.find("a")
            assert found is not None
            assert (found.state, found.metadata, found.has_ended) == (
                "PENDING",
                {"run_id": "r"},
                False,
            )
            assert [job.job_id for job in await jobs.jobs()] == ["a"]
            await jobs.stop("a")
            stopped = await jobs.find("a")
            assert stopped is not None
            assert stopped.has_ended
            await jobs.stop("unknown")
            assert await jobs.log("unknown") == ""

    with fake_ray() as ray:
        asyncio.run(story())


def test_an_api_that_is_away_or_broken_is_worth_a_retry() -> None:
    async def find(address: str) -> None:
        async with RayJobs(address) as jobs:
            await jobs.find("a")

    async def submit(address: str) -> None:
        async with RayJobs(address) as jobs:
            await jobs.submit("a", "true", {})

    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(TransientError, match="can't reach"):
        asyncio.run(find(away))
    with fake_ray() as ray:
        ray.is_broken = True
        with pytest.raises(TransientError, match="500"):
            asyncio.run(find(ray.address))
        with pytest.raises(TransientError, match="did not take job a: broken"):
            asyncio.run(submit(ray.address))


def test_the_token_comes_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def find(token: Path | None = None) -> None:
        async with RayJobs(ray.address, token) as jobs:
            await jobs.find("a")

    path = tmp_path / "token"
    path.write_text("secret\n")
    with fake_ray() as ray:
        ray.token = path.read_text().strip()
        monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
        with pytest.raises(ResourceError, match="RAY_AUTH_TOKEN_PATH"):
            asyncio.run(find())
        asyncio.run(find(path))
        monkeypatch.setenv("RAY_AUTH_MODE", "token")
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(path))
        asyncio.run(find())
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "none"))
        with pytest.raises(ResourceError, match="can't read Ray's token file"):
            asyncio.run(find())


def test_a_cluster_behind_a_private_authority_is_reached(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def find(address: str) -> None:
        async with RayJobs(address) as jobs:
            await jobs.find("a")

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority.certificate, authority.key)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "not-to-be-shown\n")
    with fake_ray(tls) as ray:
        ray.token = "not-to-be-shown"  # noqa: S105
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
        asyncio.run(find(f"{ray.address}/"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(make_authority(tmp_path).bundle))
        with pytest.raises(ResourceError, match=r"does not believe.*REQUESTS_CA_BUNDLE"):
            asyncio.run(find(ray.address))
    with pytest.raises(ConfigError, match=r"ray_api: .*got 'https://…@ray'"):
        RayJobs("https://me:secret@ray")


def test_a_page_that_stands_before_the_api_is_told() -> None:
    async def find() -> None:
        async with RayJobs("http://ray") as jobs:
            page = httpx.MockTransport(lambda _request: httpx.Response(200, html="<html>Sign in"))
            jobs._http = httpx.AsyncClient(base_url="http://ray", transport=page)
            await jobs.find("a")

    with pytest.raises(ResourceError, match=r"no Jobs API of Ray.*Sign in.*ray_api"):
        asyncio.run(find())


def test_a_command_line_that_is_too_long_says_so() -> None:
    async def submit() -> None:
        async with RayJobs(ray.address) as jobs:
            await jobs.submit("a", "x" * (MAX_ENTRYPOINT_BYTES + 1), {})

    with fake_ray() as ray, pytest.raises(ResourceError, match="num_jobs"):
        asyncio.run(submit())
