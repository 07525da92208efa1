"""Both interfaces begin and end together, before models that are real."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest

from operators.serving.ingress.replay import main as replay
from operators.serving.ingress.server import Listen, serve
from operators.serving.models.serving import Serving
from tasks.serving.config import Limits, LogConfig, ModelConfig, Policy, ServingConfig
from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.rpc.tensors import read_tensor, write_tensor
from tests.support.serving.fakes import FakeServing, running
from tests.support.serving.faulty_bundles import faulty

ONE = {"instances": [[1, 2]]}
URL = "/v1/models/m:predict"


def test_a_port_that_is_taken_is_told() -> None:
    async def main() -> None:
        async with running(FakeServing()) as server:
            with socket.create_server(("127.0.0.1", 0)) as rest:
                listen = Listen(rest, server.grpc)
                with pytest.raises(RuntimeError, match="Failed to bind"):
                    await serve(FakeServing(), listen, asyncio.Event(), lambda *_: None)

    asyncio.run(main())


def test_it_ends_at_once_if_nobody_waits() -> None:
    async def main() -> None:
        async with running(FakeServing()):
            pass

    asyncio.run(asyncio.wait_for(main(), 5))


def with_models(
    config: ServingConfig, kept: Path, check: Callable[[httpx.AsyncClient, Any], Any]
) -> None:
    """Run a check against a server of real models."""

    async def main() -> None:
        serving = Serving(config, "", kept)
        await serving.start()
        try:
            async with (
                running(serving) as server,  # type: ignore[arg-type]
                httpx.AsyncClient(base_url=server.rest, trust_env=False, timeout=20) as client,
            ):
                async with asyncio.timeout(30):
                    while (await client.get("/readyz")).is_error:
                        await asyncio.sleep(0.02)
                await check(client, server)
        finally:
            await serving.close()

    asyncio.run(main())


async def labelled(client: httpx.AsyncClient, label: str) -> None:
    """Wait until a label stands for a version that answers."""
    async with asyncio.timeout(30):
        while (await client.get(f"/v1/models/m/labels/{label}")).is_error:
            await asyncio.sleep(0.02)


@pytest.fixture
def versions(tmp_path: Path, faulty_site: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with version 1 of a model, which doubles."""
    monkeypatch.setenv("PYTHONPATH", str(faulty_site))
    faulty(tmp_path / "m" / "1", sleep_s=0.005)
    return tmp_path / "m"


def test_versions_are_swapped_while_all_are_answered(versions: Path, tmp_path: Path) -> None:
    model = ModelConfig(folder=str(versions), keep_previous=0)
    config = ServingConfig(models={"m": model}, limits=Limits(poll_s=0.05))

    async def check(client: httpx.AsyncClient, server: Any) -> None:
        answers: list[tuple[int, str, float]] = []

        async def ask() -> None:
            while not answers or answers[-1][1] != "2" or len(answers) < 100:
                found = await client.post(URL, json={"instances": [[1, 2]]})
                value = found.json().get("predictions", [[0, 0]])[0][1]
                answers.append((found.status_code, found.headers.get("x-model-version"), value))

        asking = [asyncio.create_task(ask()) for _ in range(8)]
        await asyncio.sleep(0.2)
        faulty(versions / "partial", factor=3.0)
        (versions / "partial").rename(versions / "2")
        await asyncio.wait_for(asyncio.gather(*asking), 30)
        assert {(status, version, value) for status, version, value in answers} == {
            (200, "1", 4.0),
            (200, "2", 6.0),
        }
        page = (await client.get("/metrics")).text
        batches = (
            'orrery_serving_batch_size_bucket{interface="rest",le="1.0",model="m",version="1"}'
        )
        (alone,) = [line.split()[1] for line in page.splitlines() if line.startswith(batches)]
        assert float(alone) < len(answers), "those who came together shared a batch"

    with_models(config, tmp_path / "kept", check)


def test_a_shadow_a_log_and_its_replay(versions: Path, tmp_path: Path) -> None:
    faulty(versions / "2", factor=3.0)
    model = ModelConfig(
        folder=str(versions),
        policy=Policy(all=True),
        labels={"stable": 1, "next": 2},
        default_label="stable",
        shadow="next",
    )
    log = LogConfig(folder=str(tmp_path / "log"), share=1000)
    config = ServingConfig(models={"m": model}, log=log)
    request = MESSAGES["PredictRequest"]()
    request.model_spec.name = "m"
    write_tensor(np.array([[1, 2]], np.float32), request.inputs["x"])

    def by_rpc(address: str) -> Any:
        with grpc.insecure_channel(address) as channel:
            ask = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
            return MESSAGES["PredictResponse"].FromString(ask(request.SerializeToString()))

    async def check(client: httpx.AsyncClient, server: Any) -> None:
        for label in ("next", "stable"):
            await labelled(client, label)
        assert (await client.post(URL, json=ONE)).json() == {"predictions": [[2.0, 4.0]]}
        answer = await asyncio.to_thread(by_rpc, server.grpc)
        assert answer.model_spec.version.value == 1
        assert read_tensor(answer.outputs["y"], "y", 99).tolist() == [[2.0, 4.0]]
        async with asyncio.timeout(10):
            while (
                'differing_total{model="m",shadow="2",version="1"} 2.0'
                not in (await client.get("/metrics")).text
            ):
                await asyncio.sleep(0.02)

    with_models(config, tmp_path / "kept", check)

    async def again(client: httpx.AsyncClient, server: Any) -> None:
        for label, code in (("stable", 0), ("next", 1)):
            arguments = [str(tmp_path / "log"), "--address", server.grpc, "--label", label]
            await labelled(client, label)
            assert await asyncio.to_thread(replay, arguments) == code

    with_models(ServingConfig(models={"m": model}), tmp_path / "kept", again)
