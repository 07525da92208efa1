"""Parts of models on a real Ray: shared, lost, brought back, and let go of."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import ray
from onnx import TensorProto, helper, numpy_helper

from operators.compute.ray_executor import RayExecutor
from operators.compute.ray_shards import NAMESPACE, Shards
from operators.installation import ROOT
from tasks.bundle.manifest import Network
from tasks.bundle.parts import Part, as_part
from tasks.bundle.runtimes import open_graph
from tasks.core.errors import DataError, ResourceError, WorkerLostError
from tests.support.hostile.refusals import refused
from tests.support.kernel.live_runs import until

pytestmark = pytest.mark.integration
X = np.array([[1.0, 2.0]], np.float32)


def model(seed: int, num_layers: int = 1, width: int = 2) -> Any:
    """Layers that multiply by weights of their own."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(width, width)).astype(np.float32) for _ in range(num_layers)]
    infos = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
        for name in ("x0", f"x{num_layers}")
    )
    graph = helper.make_graph(
        [helper.make_node("MatMul", [f"x{k}", f"w{k}"], [f"x{k + 1}"]) for k in range(num_layers)],
        "some",
        *([each] for each in infos),
        [numpy_helper.from_array(each, f"w{k}") for k, each in enumerate(weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def part(seed: int) -> Callable[[], Part]:
    return lambda: as_part(model(seed))


def actors() -> set[str]:
    return {each["name"] for each in ray.util.list_named_actors(all_namespaces=True)}


@pytest.fixture
def executor(ray_cluster: str) -> RayExecutor:
    return RayExecutor.connect(ray_cluster).granted(0.1)


@pytest.fixture
def shards(executor: RayExecutor) -> Iterator[Shards]:
    shards = Shards(executor, lease_s=2.0)
    yield shards
    shards.close()


def test_a_graph_in_shards_answers_as_it_does_whole(shards: Shards, tmp_path: Path) -> None:
    onnx.save(model(0, num_layers=3), tmp_path / "model.onnx")
    network = Network(runtime="onnx", file="model.onnx", outputs=("x3",))
    before = actors()
    answer = shards.opener(20, ())(tmp_path, network)
    assert len(actors() - before) == 3
    whole = open_graph(str(tmp_path / "model.onnx"), ("x3",))
    np.testing.assert_array_equal(answer({"x0": X})["x3"], whole({"x0": X})["x3"])
    with pytest.raises(DataError, match="Unexpected input data type"):
        answer({"x0": X.astype(np.float64)})


def test_two_models_hold_an_equal_part_once_and_the_last_lets_go(executor: RayExecutor) -> None:
    before = actors()
    one, other = Shards(executor, lease_s=1.0), Shards(executor, lease_s=1.0)
    asks = [each.place(part(1)) for each in (one, other)]
    (name,) = actors() - before
    one.close()
    time.sleep(2.5)
    assert name in actors()
    np.testing.assert_array_equal(asks[0]({"x0": X})()["x1"], asks[1]({"x0": X})()["x1"])
    other.close()
    until(lambda: name not in actors(), 20)


def test_a_lost_shard_is_told_and_brought_back(shards: Shards) -> None:
    before = actors()
    ask = shards.place(part(2))
    expected = ask({"x0": X})()["x1"]
    (name,) = actors() - before
    ray.kill(ray.get_actor(name, NAMESPACE))
    with pytest.raises(WorkerLostError, match="one of its shards was lost"):
        ask({"x0": X})()

    def answers() -> bool:
        try:
            np.testing.assert_array_equal(ask({"x0": X})()["x1"], expected)
        except WorkerLostError:
            return False
        return True

    until(answers, 20)


def test_what_cannot_be_placed_is_told(shards: Shards, executor: RayExecutor) -> None:
    def broken() -> Part:
        return Part(b"no graph", ("x0",), ("x1",))

    with refused("a shard can't be opened"):
        shards.place(broken)
    with pytest.raises(ResourceError, match="ask for less in the profile or add a node"):
        executor.granted(10_000)
    with pytest.raises(ResourceError, match="name its ray_address"):
        Shards.connect("", 1.0, 0.0)


NODES = """
import sys, time
import numpy as np, ray
from pathlib import Path
from ray.cluster_utils import Cluster
from operators.compute.ray_shards import Shards
from tasks.bundle.manifest import Network
from tasks.core.errors import ResourceError, WorkerLostError

path = Path(sys.argv[1])
room = {"num_cpus": 1, "memory": 5_000_000, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args=room | {"include_dashboard": False})
other = cluster.add_node(**room)
shards = Shards.connect(cluster.address, 0.1, 0.0)
network = Network(runtime="onnx", file=path.name, outputs=("x4",))
answer = shards.opener(1_100_000, ())(path.parent, network)
assert len(shards.placed) == 4
assert len({each.node for each in shards.placed}) == 2
x = np.ones((1, 512), np.float32)
expected = answer({"x0": x})["x4"]
cluster.remove_node(other)
try:
    answer({"x0": x})
except WorkerLostError:
    print("lost")
cluster.add_node(**room)
end_s = time.monotonic() + 120
while True:
    try:
        assert (answer({"x0": x})["x4"] == expected).all()
        break
    except WorkerLostError:
        assert time.monotonic() < end_s
        time.sleep(0.2)
print("found", flush=True)
shards.close()
ray.shutdown()
cluster.shutdown()
"""


def test_a_model_larger_than_a_node_lies_on_two_and_survives_the_loss_of_one(
    tmp_path: Path,
) -> None:
    onnx.save(model(4, num_layers=4, width=512), tmp_path / "model.onnx")
    env = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    told = subprocess.run(
        [sys.executable, "-c", NODES, str(tmp_path / "model.onnx")],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert told.stdout.split()[-2:] == ["lost", "found"], told.stdout + told.stderr[-3000:]
