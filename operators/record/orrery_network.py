"""Loads a registered network where Orrery is not: a copy of this file lies beside each.

MLflow's own loader of PyTorch networks takes one tensor without a name and gives one; this takes
and gives them by the names of the signature. It needs torch, or, where the bundle beside it has no
program but a graph, onnxruntime. Of several networks in one process Python takes the
copy of the first: whoever changes what it does gives it another name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Network:
    """What `mlflow.pyfunc` asks, once it has compared inputs with the signature."""

    def __init__(
        self, module: Any, inputs: Sequence[str], outputs: Sequence[str], told: Sequence[str] = ()
    ) -> None:
        self._module = module
        self._inputs = inputs
        self._outputs = outputs
        self._told = told or outputs  # those of the signature

    def predict(
        self,
        data: Mapping[str, npt.NDArray[Any]],
        params: Any = None,  # noqa: ARG002 (MLflow looks for it)
    ) -> dict[str, npt.NDArray[Any]]:
        """Return each output under its name."""
        import torch

        arrays = [np.array(data[name], order="C") for name in self._inputs]  # theirs stay theirs
        with torch.no_grad():
            found = self._module(*map(torch.from_numpy, arrays))
        if isinstance(found, torch.Tensor):
            found = (found,)
        values = found.values() if isinstance(found, dict) else found
        named = dict(zip(self._outputs, values, strict=True))
        return {name: named[name].numpy() for name in self._told}


class Graph:
    """The same for an ONNX graph, which knows names."""

    def __init__(self, session: Any, outputs: Sequence[str]) -> None:
        self._session = session
        self._outputs = outputs

    def predict(
        self,
        data: Mapping[str, npt.NDArray[Any]],
        params: Any = None,  # noqa: ARG002 (MLflow looks for it)
    ) -> dict[str, npt.NDArray[Any]]:
        """Return each output under its name."""
        names = [*self._outputs]
        return dict(zip(names, self._session.run(names, dict(data)), strict=True))


def _load_pyfunc(data_path: str, model_config: Any = None) -> Network | Graph:  # noqa: ARG001 (MLflow's)
    """Load the network of the bundle that lies in ``data/network`` of a model's folder."""
    from mlflow.models import Model

    bundle = Path(data_path)
    folder = str(bundle.parents[1])
    signature = Model.load(folder).signature
    outputs = signature.outputs.input_names()
    networks = json.loads((bundle / "bundle.json").read_text())["networks"].values()
    program = next((each for each in networks if each.get("file") == "model.pt2"), None)
    if program is None:
        import onnxruntime

        return Graph(onnxruntime.InferenceSession(bundle / "model.onnx"), outputs)
    from mlflow import pytorch

    inputs = signature.inputs.input_names()
    return Network(pytorch.load_model(folder), inputs, program["outputs"], outputs)
