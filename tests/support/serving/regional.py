"""A bundle whose graph has a region, so small that workers open it at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tasks.bundle.arrays import write_golden
from tasks.bundle.folders import files_of, write_manifest
from tasks.bundle.manifest import (
    GRANULAR_SCHEMA,
    Bundle,
    Network,
    Region,
    Signature,
    Tensor,
)


def regional(folder: Path, opset: int = 17) -> Bundle:
    """A bundle that answers ``y = max(x + 1, 0) - x``; the maximum alone is by batch.

    Items are of any length, and in the region filled up to the longest.
    """
    folder.mkdir(parents=True)
    onnx.save(_graph(opset), folder / "model.onnx")
    x = np.arange(-4, 8, dtype=np.float32).reshape(3, 4)
    write_golden(folder / "golden.safetensors", {"x": x}, {"y": np.maximum(x + 1, 0) - x})
    signature = Signature(
        method="predict",
        inputs=(_tensor("x"),),
        outputs=(_tensor("y"),),
        batch="n",
        golden="golden.safetensors",
        tolerance=1e-5,
    )
    region = Region(
        inputs=(_tensor("more"),), outputs=(_tensor("seen"),), batch="n", padding={"length": 0.0}
    )
    network = Network(runtime="onnx", file="model.onnx", outputs=("y",), region=region)
    bundle = Bundle(
        schema=GRANULAR_SCHEMA,
        name="regional",
        signatures={"predict": signature},
        networks={"onnx": network},
        files=files_of(folder),
    )
    return write_manifest(folder, bundle)


def _tensor(name: str) -> Tensor:
    return Tensor(name=name, dtype="float32", shape=("n", "length"))


def _graph(opset: int) -> onnx.ModelProto:
    x, more, seen, y = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", "length"])
        for name in ("x", "more", "seen", "y")
    )
    nodes = [
        helper.make_node("Add", ["x", "one"], ["more"]),
        helper.make_node("Relu", ["more"], ["seen"]),
        helper.make_node("Sub", ["seen", "x"], ["y"]),
    ]
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    graph = helper.make_graph(nodes, "regional", [x], [y], [one], value_info=[more, seen])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
