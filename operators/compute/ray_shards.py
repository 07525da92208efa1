"""Parts of models in actors of a cluster, each held once however many models have it.

An actor is named by the digest of what it holds, in one namespace of all servers, and lives as long
as somebody renews it: whoever placed it does so every few seconds. So what a killed server held
goes by itself, and the server that comes after it finds what is still there.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import ray

from operators.compute.ray_executor import RayExecutor, RayFuture
from operators.compute.ray_nodes import check_node
from operators.plain_log import log_plainly, plain
from operators.processes.limits import prepared
from tasks.bundle.arrays import Arrays
from tasks.bundle.manifest import Network
from tasks.bundle.parts import Part
from tasks.bundle.runtimes import Answer, Runtime, open_graph
from tasks.bundle.shards import Begun, open_sharded
from tasks.core.errors import DataError, OrreryError, ResourceError, WorkerLostError

NAMESPACE: Final = "orrery-shards"
LEASE_S: Final = 20.0
_RENEWALS, _PLACE_S, _TRIES = 5, 60.0, 3
_MEMORY_FACTOR: Final = 2.0  # ONNX Runtime keeps weights as they came, and as it computes with them
logger = logging.getLogger(__name__)


class Shards:
    """All shards of a model; it brings back what is lost.

    Attributes:
        placed: Those that were placed.
    """

    def __init__(self, executor: RayExecutor, lease_s: float = LEASE_S) -> None:
        """Place none yet.

        Args:
            executor: What a shard gets.
            lease_s: How long a shard lives that nobody renews.
        """
        self._executor, self._lease_s = executor, lease_s
        self.placed: list[Shard] = []
        self._ended, self._lost = threading.Event(), threading.Event()
        threading.Thread(target=self._keep, name="shards", daemon=True).start()

    @classmethod
    def connect(cls, address: str, num_cpus: float, num_gpus: float) -> Shards:
        """Connect this process to a cluster.

        Args:
            address: The cluster's.
            num_cpus: CPUs of a shard.
            num_gpus: GPUs of a shard.

        Raises:
            ResourceError: There is no cluster, or none of its nodes has as much.
            TransientError: It can't be reached.
        """
        if not address:
            raise ResourceError("shards need a Ray cluster: name its ray_address in the profile")
        return cls(RayExecutor.connect(address).granted(num_cpus, num_gpus))

    def opener(self, max_bytes: int, at: tuple[str, ...]) -> Runtime:
        """What opens a network of a bundle here; see `tasks.bundle.shards.open_sharded`."""

        def open_network(folder: Path, network: Network) -> Answer:
            path = folder / (network.file or "")
            return open_sharded(path, network.outputs, max_bytes, at, self.place)

        return open_network

    def place(self, make: Callable[[], Part]) -> Shard:
        """Have a part held by an actor.

        Raises:
            DataError: ONNX Runtime can't open it.
            ResourceError: No node has what it needs, now or at all.
        """
        shard = Shard(make, self._executor, self._lease_s, self._lost)
        shard.bring(_PLACE_S)
        self.placed.append(shard)
        return shard

    def close(self) -> None:
        """Renew none any more."""
        self._ended.set()
        self._lost.set()

    def _keep(self) -> None:
        while not self._ended.is_set():
            self._lost.wait(self._lease_s / _RENEWALS)
            self._lost.clear()
            # Those that are there first: to bring one back may take time, or need room.
            for each in sorted(self.placed, key=lambda shard: shard.actor is None):
                try:
                    each.renew(self._lease_s / _RENEWALS)
                except Exception as error:  # whatever it is, this thread must live
                    logger.warning("a shard can't be brought back yet: %s", plain(str(error)))
                    break  # the next round begins with those that are there


class Shard:
    """One part and the actor that holds it; called with arrays, it begins to ask it.

    Attributes:
        actor: Holds it; None while it is lost.
        node: Id of the node that had it last.
    """

    def __init__(
        self,
        make: Callable[[], Part],
        executor: RayExecutor,
        lease_s: float,
        lost: threading.Event,
    ) -> None:
        """Place nothing yet; see `bring`."""
        self._make, self._executor, self._lease_s = make, executor, lease_s
        self._lost = lost
        self.actor: Any = None
        self.node = ""
        self._renewal: Any = None

    def __call__(self, arrays: Arrays) -> Begun:
        """Ask it.

        Raises:
            WorkerLostError: It is not there; or, of what is returned, it ends meanwhile.
        """
        actor = self.actor
        if actor is None:
            raise WorkerLostError("one of its shards was lost and is being placed again")
        asked = RayFuture[Arrays](actor.answer.remote(arrays))

        def wait() -> Arrays:
            try:
                return asked.result()
            except WorkerLostError as error:
                self._lose(actor)
                raise WorkerLostError(f"one of its shards was lost: {error}") from error

        return wait

    def bring(self, limit_s: float) -> None:
        """Find the actor that holds the part, or make one.

        Args:
            limit_s: How long to wait for a node that has room.

        Raises:
            DataError: ONNX Runtime can't open it.
            ResourceError: No node has what it needs, now or at all.
            WorkerLostError: It ends again and again.
        """
        part = self._make()
        memory_gb = _MEMORY_FACTOR * len(part.graph) / 1e9
        needs = self._executor.granted(self._executor.num_cpus, self._executor.num_gpus, memory_gb)
        digest = hashlib.sha256(part.graph).hexdigest()
        options = {
            "name": f"{digest}-{needs.home.code[:12]}",
            "namespace": NAMESPACE,
            "lifetime": "detached",
            "get_if_exists": True,
            "num_cpus": needs.num_cpus,
            "num_gpus": needs.num_gpus,
            "memory": int(memory_gb * 1e9),
        }
        for _ in range(_TRIES):  # it may end just now, with whoever else had it
            try:
                actor: Any = ray.remote(_Host).options(**options).remote(part, needs, self._lease_s)
                renewal = actor.renew.remote()
                if not ray.wait([renewal], timeout=limit_s)[0]:
                    raise ResourceError(
                        f"no node has {memory_gb:.2f} GB and {needs.num_cpus:g} CPUs free for a "
                        "shard; add a node, or ask for less"
                    )
                self.node = RayFuture[str](renewal).result()
            except WorkerLostError:
                continue
            logger.info("a shard of %.1f MB lies on node %s", len(part.graph) / 1e6, self.node)
            self.actor, self._renewal = actor, None
            return
        raise WorkerLostError("a shard ended each time that it was placed")

    def renew(self, limit_s: float) -> None:
        """Let it live on, or bring it back; waits for nothing that it computes.

        Args:
            limit_s: How long to wait for a node that has room.

        Raises:
            OrreryError: It can't be brought back.
        """
        if self.actor is not None and self._renewal is not None:
            if not ray.wait([self._renewal], timeout=0)[0]:
                return  # it computes
            try:
                RayFuture(self._renewal).result()
            except OrreryError:
                self._lose(self.actor)
        if self.actor is None:
            self.bring(limit_s)
        self._renewal = self.actor.renew.remote()

    def _lose(self, actor: Any) -> None:
        if self.actor is actor:
            self.actor = self._renewal = None
            self._lost.set()


class _Host:
    """Holds a part, and ends when nobody has asked or renewed it for as long as the lease."""

    def __init__(self, part: Part, needs: RayExecutor, lease_s: float) -> None:
        self._failed: OrreryError | None = None
        self._seen_s, self._lease_s = time.monotonic(), lease_s
        threading.Thread(target=self._watch, daemon=True).start()
        num_threads = max(1, int(needs.num_cpus))
        try:
            check_node(needs.home)
            log_plainly("%(levelname)s %(name)s: %(message)s")
            with prepared(num_threads):
                self._ask = open_graph(
                    part.graph,
                    part.gives,
                    part.takes,
                    num_threads=num_threads,
                    on_gpu=needs.num_gpus > 0,
                )
        except OrreryError as error:
            self._failed = error
        except Exception as error:
            self._failed = DataError(f"a shard can't be opened: {error}")

    def renew(self) -> str:
        if self._failed is not None:
            raise self._failed
        self._seen_s = time.monotonic()
        return str(ray.get_runtime_context().get_node_id())

    def answer(self, arrays: Arrays) -> Arrays:
        self._seen_s = float("inf")
        try:
            return self._ask(arrays)
        except Exception as error:
            raise DataError(f"{type(error).__name__}: {str(error)[:300]}") from None
        finally:
            self._seen_s = time.monotonic()

    def _watch(self) -> None:
        actor = ray.get_runtime_context().current_actor
        while time.monotonic() < self._seen_s + self._lease_s:
            time.sleep(self._lease_s / _RENEWALS)
        ray.kill(actor)
