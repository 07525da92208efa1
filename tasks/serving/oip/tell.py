"""What the protocol tells of the server and of models, as JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tasks.bundle.manifest import Bundle, Tensor
from tasks.serving.figures.summary import Summary
from tasks.serving.oip.tensors import DATATYPES
from tasks.serving.types import State, VersionStatus

SERVER: Final[dict[str, Any]] = {
    "name": "orrery",
    "version": "2",
    "extensions": [
        *("binary_tensor_data", "classification", "model_configuration", "model_repository"),
        *("model_repository(unload_dependents)", "statistics"),
    ],
}
_READY: Final = {
    State.AVAILABLE: "READY",
    State.LOADING: "LOADING",
    State.START: "LOADING",
    State.UNLOADING: "UNLOADING",
    State.END: "UNAVAILABLE",
}


def metadata(model: str, versions: Iterable[int], bundle: Bundle) -> dict[str, Any]:
    """What a model takes and gives: its first signature."""
    signature = next(iter(bundle.signatures.values()))
    return {
        "name": model,
        "versions": [str(each) for each in sorted(versions)],
        "platform": _platform(bundle),
        "inputs": [_tensor(each) for each in signature.inputs],
        "outputs": [_tensor(each) for each in signature.outputs],
    }


def config(model: str, bundle: Bundle, max_batch_size: int) -> dict[str, Any]:
    """A model's configuration as Triton tells it; sizes are those of one item where it batches."""
    signature = next(iter(bundle.signatures.values()))
    batches = all(each.shape[:1] == (signature.batch,) for each in signature.inputs)

    def tensor(each: Tensor) -> dict[str, Any]:
        dims = each.sizes[1:] if batches else each.sizes
        kind = DATATYPES[each.dtype]
        data_type = f"TYPE_{'STRING' if kind == 'BYTES' else kind}"
        return {"name": each.name, "data_type": data_type, "dims": [*dims]}

    return {
        "name": model,
        "platform": _platform(bundle),
        "backend": next(iter(bundle.networks.values())).runtime,
        "max_batch_size": max_batch_size if batches else 0,
        "input": [tensor(each) for each in signature.inputs],
        "output": [tensor(each) for each in signature.outputs],
    }


def statistics(rows: Iterable[tuple[str, int, Summary]]) -> dict[str, Any]:
    """What was counted of models' versions; a count is of requests, and times are nanoseconds."""

    def times(num: int, seconds: float) -> dict[str, int]:
        return {"count": num, "ns": round(1e9 * seconds)}

    found = []
    for model, version, each in rows:
        num = each.num_answered
        told = {
            "success": times(num, each.took_s),
            "fail": times(each.num_failed, 0.0),
            "queue": times(num, each.queued_s),
            "compute_infer": times(num, each.computed_s),
        }
        found.append(
            {
                "name": model,
                "version": str(version),
                "inference_count": num,
                "inference_stats": told,
            }
        )
    return {"model_stats": found}


def index(rows: Iterable[tuple[str, VersionStatus]], is_ready: bool) -> list[dict[str, str]]:
    """All versions of all models, or those that answer."""
    return [
        {
            "name": model,
            "version": str(each.version),
            "state": _READY[each.state],
            "reason": each.message,
        }
        for model, each in rows
        if each.state == State.AVAILABLE or not is_ready
    ]


def _platform(bundle: Bundle) -> str:
    runtime = next(iter(bundle.networks.values())).runtime
    return {"onnx": "onnxruntime_onnx", "torch": "pytorch_libtorch"}.get(runtime, runtime)


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "datatype": DATATYPES[tensor.dtype],
        "shape": [*tensor.sizes],
    }
