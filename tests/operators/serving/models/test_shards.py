"""A version whose model lies in shards on Ray: it answers, loses one, and goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import onnx
import pytest
import ray

from operators.compute.ray_shards import NAMESPACE
from operators.installation import PROFILE
from operators.serving.models.version import Version
from operators.serving.workers.spare import Spare
from tasks.bundle.replay import golden_of
from tasks.core.errors import DataError
from tasks.serving.config import Limits, ModelConfig, Sharding
from tasks.serving.turns import Turns
from tasks.serving.types import Code, Question, RequestError
from tests.support.bundle.models import scores

pytestmark = pytest.mark.integration
WAIT_S = 60.0


def shards() -> set[str]:
    named = ray.util.list_named_actors(all_namespaces=True)
    return {each["name"] for each in named if each["namespace"] == NAMESPACE}


@pytest.fixture
def on_ray(ray_cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ray.yaml").write_text(f"ray_address: {ray_cluster}\n")
    monkeypatch.setenv(PROFILE, str(tmp_path / "ray.yaml"))


@pytest.mark.usefixtures("on_ray")
def test_a_lost_shard_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    folder, before = tmp_path / "scores", shards()
    bundle = scores(folder)
    nodes = onnx.load(folder / "model.onnx").graph.node
    inputs, outputs = golden_of(folder, bundle.signatures["predict"])
    question = Question("scores", 1, "predict", inputs)

    async def run() -> None:
        spare = Spare()
        sharding = Sharding(max_mb=1, at=(nodes[0].output[0],), num_cpus=0.1)
        settings = ModelConfig(folder="x", shards=sharding)
        version = Version("scores", 1, settings, Limits(), spare, Turns(1), print)
        try:
            await version.load(folder)
            placed = shards() - before
            assert len(placed) == 2
            found = await version.ask(question)
            np.testing.assert_allclose(found.arrays["logits"], outputs["logits"], atol=1e-5)
            ray.kill(ray.get_actor(min(placed), NAMESPACE))
            with pytest.raises(RequestError, match="one of its shards was lost") as caught:
                await version.ask(question)
            assert caught.value.code is Code.UNAVAILABLE
            async with asyncio.timeout(WAIT_S):
                while (again := await _answered(version, question)) is None:
                    await asyncio.sleep(0.1)
            np.testing.assert_array_equal(again["logits"], found.arrays["logits"])
            assert version.figures().num_restarts == 0
        finally:
            await asyncio.gather(version.end(), spare.close())

    asyncio.run(run())


async def _answered(version: Version, question: Question) -> dict[str, np.ndarray] | None:
    found = (await asyncio.gather(version.ask(question), return_exceptions=True))[0]
    if isinstance(found, RequestError) and found.code is Code.UNAVAILABLE:
        return None
    assert not isinstance(found, BaseException), found
    return dict(found.arrays)


@pytest.mark.usefixtures("on_ray")
def test_only_graphs_are_cut(tmp_path: Path) -> None:
    scores(tmp_path / "scores")

    async def run() -> None:
        spare = Spare()
        settings = ModelConfig(folder="x", network="torch", shards=Sharding(num_cpus=0.1))
        version = Version("scores", 1, settings, Limits(), spare, Turns(1), print)
        try:
            with pytest.raises(DataError, match="expected a network of runtime onnx"):
                await version.load(tmp_path / "scores")
        finally:
            await spare.close()

    asyncio.run(run())
