"""A model behind LitServe.

python litserve_server.py MODEL PORT
"""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime
from fastapi import Request


class Model(litserve.LitAPI):  # type: ignore[misc]
    """Opens the model in the worker and answers one sentence at a time."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's own
        """Open the model."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            sys.argv[1], options, providers=["CPUExecutionProvider"]
        )

    def decode_request(self, request: Request) -> Any:
        """Read a request, which LitServe has parsed by then; it looks at the annotation."""
        return np.array([request["words"]], np.int64)

    def predict(self, words: Any) -> Any:
        """Answer it."""
        return self.session.run(None, {"words": words})[0]

    def encode_response(self, logits: Any) -> dict[str, Any]:
        """Write the answer."""
        return {"logits": logits[0].tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Model(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="warning"
    )
