"""What a shard on Ray costs beside a bare actor that is sent, and sends, the same bytes.

``shard_overhead``: CPU seconds of a call, driver and actor, of a part of a graph that changes signs
of 1,000 numbers, over those of an actor that does so by NumPy. ``shard_overhead_1500kb``: the same
of a tensor of 1.5 MB, as a picture's activations. Calls take turns in short windows; both actors
stand on a Ray of their own, on this machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
import psutil

from benchmarks.own_process import OwnProcess
from benchmarks.results_file import Figure
from benchmarks.speedup import median
from tasks.bundle.arrays import Arrays
from tasks.bundle.parts import Part, as_part

FULL, QUICK = (1000, 9), (100, 3)  # calls of a window, and rounds
_SIZES: Final = {"shard_overhead": 1_000, "shard_overhead_1500kb": 375_000}


class Bare:
    """An actor with no more than Ray asks for."""

    def pid(self) -> int:
        """Its process."""
        return os.getpid()

    def answer(self, arrays: dict[str, Any]) -> dict[str, Any]:
        """Change signs."""
        return {"y": -arrays["x"]}


def measure(*, quick: bool) -> dict[str, Figure]:
    """Measure both sizes."""
    with OwnProcess() as process:
        return process.call(_measured, *(QUICK if quick else FULL)).value


def _measured(num_calls: int, num_rounds: int) -> dict[str, Figure]:
    import ray

    from operators.compute.ray_executor import RayExecutor
    from operators.compute.ray_nodes import Home
    from operators.compute.ray_shards import Shards

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    shards = Shards(RayExecutor(home=Home.here()).granted(0.1))
    try:
        bare: Any = ray.remote(Bare).options(num_cpus=0.1).remote()
        shard = shards.place(_sign)
        theirs, ours = (
            psutil.Process(each) for each in (ray.get(bare.pid.remote()), _pid_of_shard())
        )

        def ask_bare(arrays: Arrays) -> Any:
            return ray.get(bare.answer.remote(arrays))

        def ask_shard(arrays: Arrays) -> Any:
            return shard(arrays)()

        found: dict[str, list[float]] = {name: [] for name in _SIZES}
        costs_us: list[float] = []
        for number in range(-1, num_rounds):
            for name, size in _SIZES.items():
                arrays = {"x": np.ones((1, size), np.float32)}
                bare_s = _cost_s(theirs, partial(ask_bare, arrays), num_calls)
                own_s = _cost_s(ours, partial(ask_shard, arrays), num_calls)
                if number >= 0:
                    found[name].append(own_s / bare_s)
                    costs_us += [1e6 * own_s] if size == min(_SIZES.values()) else []
        return {name: median(each) for name, each in found.items()} | {
            "shard_us": median(costs_us, "us")
        }
    finally:
        shards.close()
        ray.shutdown()


def _pid_of_shard() -> int:
    """The process of the one shard that there is."""
    named = psutil.process_iter(["pid", "cmdline"])  # which knows nothing of those that ended
    (pid,) = [each.pid for each in named if "ray::_Host" in " ".join(each.info["cmdline"] or ())]
    return pid


def _cost_s(actor: psutil.Process, call: Callable[[], Any], num_calls: int) -> float:
    """CPU seconds of one call, of this process and the actor's."""
    call()
    time.sleep(0.05)
    before_s = _spent_s(actor)
    for _ in range(num_calls):
        call()
    return (_spent_s(actor) - before_s) / num_calls


def _spent_s(actor: psutil.Process) -> float:
    return sum(actor.cpu_times()[:2]) + time.process_time()


def _sign() -> Part:
    """A graph of one node."""
    from onnx import TensorProto, helper

    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", "w"]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "sign", infos[:1], infos[1:])
    return as_part(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    )
