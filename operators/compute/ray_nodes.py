"""The nodes of a cluster: whether those that work for a stage have the code of its driver."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import ray

from operators.installed_code import check_code, code_digest


@dataclass(frozen=True)
class Home:
    """Where a stage's driver runs.

    Attributes:
        node: Id of its node; its workers there load the same files.
        code: Digest of its code; empty where nobody is to compare it.
    """

    node: str = ""
    code: str = ""

    @classmethod
    def here(cls) -> Home:
        """That of this process, which is connected to a cluster."""
        return cls(ray.get_runtime_context().get_node_id(), code_digest())


@functools.cache
def check_node(home: Home) -> None:
    """Refuse, in a worker, a call of a driver that has other code; asked once a process.

    Raises:
        ResourceError: This node has other code.
    """
    if ray.get_runtime_context().get_node_id() != home.node:
        check_code(home.code, "the stage's driver")


def same_code(home: Home) -> Any:
    """Return a context within which nodes with other code refuse the tasks of Dask's graphs."""
    # Here, since Dask takes half a second of every driver that computes no graph.
    from ray.util.dask import RayDaskCallback

    def check(_key: Any, _values: Any) -> None:
        check_node(home)

    return RayDaskCallback(ray_pretask=check)
