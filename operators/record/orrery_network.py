"""Loads a registered network where Orrery is not: a copy of this file lies beside each.

MLflow's own loader of PyTorch networks takes one tensor without a name and gives one; this takes
and gives them by the names of the signature. Of several networks in one process Python takes the
copy of the first: whoever changes what it does gives it another name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Network:
    """What `mlflow.pyfunc` asks, once it has compared inputs with the signature."""

    def __init__(self, module: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self._module = module
        self._inputs = inputs
        self._outputs = outputs

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
        return {name: each.numpy() for name, each in zip(self._outputs, values, strict=True)}


def _load_pyfunc(data_path: str, model_config: Any = None) -> Network:  # noqa: ARG001 (MLflow's)
    """Load the network whose file lies in ``data/network`` of a model's folder."""
    from mlflow import pytorch
    from mlflow.models import Model

    folder = str(Path(data_path).parents[1])
    signature = Model.load(folder).signature
    return Network(
        pytorch.load_model(folder),
        signature.inputs.input_names(),
        signature.outputs.input_names(),
    )
