"""A model behind BentoML."""

from __future__ import annotations

import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1)
class Model:
    """Answers one sentence at a time."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            os.environ["MODEL"], options, providers=["CPUExecutionProvider"]
        )

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, words: list[int]) -> list[float]:
        """Answer a sentence."""
        (logits,) = self.session.run(None, {"words": np.array([words], np.int64)})
        return [float(each) for each in logits[0]]
