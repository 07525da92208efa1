"""Bundles that only say what can be asked; nobody opens them."""

from __future__ import annotations

from typing import Any

from tasks.bundle.manifest import SCHEMA, Bundle, File, Network, Signature, Tensor
from tasks.serving.types import Target


def tensor(name: str, dtype: str, *shape: int | str) -> Tensor:
    """A tensor."""
    return Tensor(name=name, dtype=dtype, shape=shape)


def signature(
    inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...], batch: str | None = "n", **more: Any
) -> Signature:
    """A signature; tensors by default, within 0.001."""
    usual: dict[str, Any] = {"method": "predict", "golden": "golden", "tolerance": 1e-3}
    return Signature(inputs=inputs, outputs=outputs, batch=batch, **usual | more)


WORDS = tensor("words", "int64", "n", "length")
# Words of any number; a value each, and four of all.
TAGS = signature(
    (WORDS,),
    (tensor("each", "float32", "n", "length"), tensor("sum", "float32", "n", 4)),
    padding={"length": 0.0},
)
# What of words is one of two classes, and a number.
CLASSES = signature(
    (WORDS,), (tensor("scores", "float32", "n", 2),), method="classify", labels=("no", "yes")
)
NUMBER = signature((WORDS,), (tensor("value", "float32", "n"),), method="regress")
# Several inputs: text, and a weight that isn't by item.
MIXED = signature(
    (tensor("name", "bytes", "n"), tensor("x", "float32", "n", 2), tensor("weight", "float64", 1)),
    (tensor("name_bytes", "bytes", "n"), tensor("y", "float32", "n", 2)),
)
LONE = signature((tensor("x", "float32", 3),), (tensor("y", "float32", 3),), batch=None)


def bundle(**signatures: Signature) -> Bundle:
    """A bundle of signatures; of words by default."""
    told = signatures or {"tags": TAGS, "classes": CLASSES, "number": NUMBER}
    outputs = {each.name: None for one in told.values() for each in one.outputs}
    none = File(sha256="0" * 64, num_bytes=1)
    return Bundle(
        schema=SCHEMA,
        name="some",
        signatures=told,
        networks={"onnx": Network(runtime="onnx", file="model", outputs=tuple(outputs))},
        files={"model": none, "golden": none},
    )


def target(**signatures: Signature) -> Target:
    """Version 3 of a model."""
    return Target("some", 3, bundle(**signatures))
