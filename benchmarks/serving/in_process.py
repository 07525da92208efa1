"""The control: one process that answers for a model, and loads another one on a thread.

python in_process.py MODEL OTHER PORT
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec
import numpy as np
import onnxruntime
import uvicorn

Message = MutableMapping[str, Any]


def opened(path: str) -> Any:
    """Open a model on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


SESSION = opened(sys.argv[1])


def load() -> None:
    """Load the other model, warm it up, and drop it."""
    opened(sys.argv[2]).run(None, {"words": np.zeros((1, 16), np.int64)})


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer in the loop itself; ``/load`` loads the other model."""
    if scope["path"] == "/load":
        await asyncio.to_thread(load)
    body = b"{}"
    if scope["path"] == "/predict":
        asked = msgspec.json.decode((await receive())["body"])
        words = np.array(asked["instances"], np.int64)
        (logits,) = SESSION.run(None, {"words": words})
        body = msgspec.json.encode({"predictions": logits.tolist()})
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), lifespan="off", log_level="warning")
