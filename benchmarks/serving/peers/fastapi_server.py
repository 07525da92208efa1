"""A model behind plain FastAPI, a `def` that runs on its pool of threads.

python fastapi_server.py MODEL PORT
"""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])


class Asked(BaseModel):
    """A sentence."""

    words: list[int]


class Answered(BaseModel):
    """What the model says of it."""

    logits: list[float]


@app.post("/predict")
def predict(asked: Asked) -> Answered:
    """Answer one sentence."""
    (logits,) = session.run(None, {"words": np.array([asked.words], np.int64)})
    return Answered(logits=logits[0].tolist())


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=False, log_level="warning")
