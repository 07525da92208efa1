"""A model behind Ray Serve: its HTTP proxy, and one replica.

python rayserve_server.py MODEL PORT

All that it starts lives below this process: Ray's head (raylet, GCS, its agents), the controller,
the proxy, the replica.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import numpy as np
import onnxruntime
import ray  # noqa: TID253 - run as a program, there
from ray import serve  # noqa: TID253 - run as a program, there
from starlette.requests import Request

# It is stopped while others are measured, which must not look like a fault.
_PATIENCE_S = 3600


@serve.deployment(
    num_replicas=1,
    max_ongoing_requests=100,
    health_check_timeout_s=_PATIENCE_S,
    logging_config={"enable_access_log": False, "log_level": "WARNING"},
)
class Model:
    """Answers one sentence at a time."""

    def __init__(self, path: str) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    async def __call__(self, request: Request) -> Any:
        """Answer a sentence."""
        words = (await request.json())["words"]
        (logits,) = self.session.run(None, {"words": np.array([words], np.int64)})
        return {"logits": logits[0].tolist()}


if __name__ == "__main__":
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100_000_000,
        _node_ip_address="127.0.0.1",
        logging_level=logging.WARNING,
        log_to_driver=False,
    )
    quiet = {"enable_access_log": False, "log_level": "WARNING"}
    address = {"host": "127.0.0.1", "port": int(sys.argv[2])}
    serve.start(http_options=address, logging_config=quiet)
    serve.run(Model.bind(sys.argv[1]))  # type: ignore[attr-defined]
    while True:
        time.sleep(_PATIENCE_S)
