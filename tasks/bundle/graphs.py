"""Networks as ONNX graphs: written from a program, made smaller, and looked through before use.

ONNX Runtime opens one eighty times as fast as `torch.export.load` its program, and answers several
times as fast. A graph is data: operators of known sets alone, and tensors that lie in the file
itself, or in one beside it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tasks.core.errors import DataError
from tasks.core.files import shown

_DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
_BESIDE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
# Protobuf holds 2 GB, and whoever wants a part of the weights must not read all of them.
_MAX_INLINE_BYTES: Final = 1_000_000_000
# Of those sets what opens files, or a library, by a path that the graph names.
_BY_PATH: Final = ("EPContext",)


def export_graph(program: Any, path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Write a program as an ONNX graph whose inputs and outputs bear these names.

    Weights of more than a gigabyte lie beside it, in a file of the graph's name and `.data`.

    Raises:
        DataError: It has an operator that ONNX has not.
    """
    import torch

    num_bytes = sum(each.nbytes for each in program.state_dict.values())
    try:
        told = torch.onnx.export(
            program,
            input_names=[*inputs],
            output_names=[*outputs],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        told.save(str(path), external_data=num_bytes > _MAX_INLINE_BYTES)  # type: ignore[union-attr]
    except Exception as error:  # the exporter raises whatever its parts do
        raise DataError(
            f"the network can't be written as ONNX ({type(error).__name__}: {str(error)[:300]}); "
            "make its bundle without ONNX"
        ) from error


def quantise(path: Path, target: Path) -> None:
    """Write a graph whose products are of whole numbers of 8 bits, weights known, inputs at run."""
    import onnx
    from onnxruntime.quantization import quantize_dynamic

    model = onnx.load(path)
    del model.graph.value_info[:]  # what the exporter noted of shapes contradicts the new nodes
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.onnx"
        onnx.save(model, plain)
        quantize_dynamic(plain, target)


def check_graph(path: Path, where: str) -> None:
    """Make sure that a graph is one that this installation knows, and is all in its folder.

    Raises:
        DataError: It is none, of a later opset, has operators of other sets, or refers to files
            elsewhere.
    """
    import onnx

    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf has errors of its own
        raise DataError(f"{where}: {shown(path.name)} is no ONNX graph: {error}") from error
    if not (model.ir_version and model.graph.output):
        raise DataError(f"{where}: {shown(path.name)} is no ONNX graph: it gives nothing")
    _check_versions(model, where)
    domains = {*_DOMAINS, *(each.domain for each in model.functions)}
    for message in _messages(model):
        if isinstance(message, onnx.NodeProto) and (
            message.domain not in domains or message.op_type in _BY_PATH
        ):
            name = f"{message.domain}:{message.op_type}"[:100]
            raise DataError(
                f"{where}: expected operators of ONNX or ONNX Runtime, got {name}; custom ones are "
                "not loaded"
            )
        if isinstance(message, onnx.TensorProto) and message.external_data:
            _check_beside(message, path, where)


def _check_beside(tensor: Any, path: Path, where: str) -> None:
    """Make sure that a tensor lies in a file beside its graph."""
    found = {each.key: each.value for each in tensor.external_data}.get("location", "")
    file = path.with_name(found) if _BESIDE.fullmatch(found) else None
    if file is None or file.is_symlink() or not file.is_file():
        raise DataError(
            f"{where}: expected all tensors in {shown(path.name)} or in a file beside it, "
            f"{tensor.name[:100]} lies in {shown(found)!r}; save it with its tensors there"
        )


def _check_versions(model: Any, where: str) -> None:
    import onnx

    newest = {"": onnx.defs.onnx_opset_version(), "ai.onnx": onnx.defs.onnx_opset_version()}
    for each in model.opset_import:
        if each.version > newest.get(each.domain, each.version):
            raise DataError(
                f"{where}: expected an opset up to {newest[each.domain]}, got {each.version}; "
                "export it for an earlier one, or install a later onnx and onnxruntime"
            )
    if model.ir_version > onnx.IR_VERSION:
        raise DataError(
            f"{where}: expected ONNX's format up to {onnx.IR_VERSION}, got {model.ir_version}; "
            "export it with this installation's version"
        )


def _messages(message: Any) -> Any:
    """A message and all that it holds, however deep."""
    pending = [message]
    while pending:
        current = pending.pop()
        yield current
        for field, value in current.ListFields():
            if field.message_type is not None:
                pending += value if field.is_repeated else [value]
