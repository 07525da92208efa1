"""A log is asked again, of any version, and differences are counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from operators.serving.ingress.replay import main
from tasks.serving.config import LogConfig, ServingConfig
from tests.support.serving.fakes import FakeServing, running


def logged(folder: Path) -> None:
    """A log of five requests to two signatures."""
    log = LogConfig(folder=str(folder), share=1000)

    async def ask() -> None:
        async with (
            running(FakeServing(ServingConfig(log=log))) as server,
            httpx.AsyncClient(base_url=server.rest, trust_env=False) as client,
        ):
            for number in range(4):
                body = {"instances": [[number, 1]]}
                assert (await client.post("/v1/models/some:predict", json=body)).is_success
            body = {"examples": [{"words": [1, 2]}]}
            assert (await client.post("/v1/models/some:classify", json=body)).is_success

    asyncio.run(ask())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    logged(tmp_path / "log")
    return tmp_path / "log"


def replayed(serving: FakeServing, *arguments: str) -> int:
    """The command's result, of a server that is there meanwhile."""

    async def ask() -> int:
        async with running(serving) as server:
            return await asyncio.to_thread(main, [*arguments, "--address", server.grpc])

    return asyncio.run(ask())


def test_the_same_version_answers_the_same(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(FakeServing(), str(log)) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["found"]["num_compared"] == 5
    assert (told["found"]["num_differing"], told["num_left_out"]) == (0, 0)


def test_another_version_differs(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    serving = FakeServing()
    usual = serving.answer
    serving.answer = lambda question: {
        name: -array if question.version == 4 else array for name, array in usual(question).items()
    }
    assert replayed(serving, str(log), "--version", "3") == 0
    assert replayed(serving, str(log), "--version", "4", "--model", "some") == 1
    told = json.loads(capsys.readouterr().out.partition("}\n}")[2] or "{}") or None
    assert replayed(serving, str(log), "--label", "next") == 1
    found = json.loads(capsys.readouterr().out)["found"]
    # 0 + 1 is the least of the sums, and the one that classifies names another class.
    assert (found["num_compared"], found["num_differing"], found["num_disagreeing"]) == (5, 5, 1)
    assert told is None or told["found"] == found


def test_what_fails_is_counted_with_its_reason(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replayed(FakeServing(), str(log), "--version", "9") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["found"]["num_failed"] == 5
    assert told["failures"] == {"NOT_FOUND: Servable not found for request: Specific(some, 9)": 5}


def test_a_log_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "odd.parquet").write_text("none")
    with pytest.raises(SystemExit):
        main([str(tmp_path / "odd.parquet"), "--address", "127.0.0.1:1"])
    assert "expected a file of the request log" in capsys.readouterr().err
