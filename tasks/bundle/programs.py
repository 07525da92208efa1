"""What a network takes and gives, as its own program (``.pt2``) says, read without running code.

`torch.export.load` unpickles and evaluates: tensors that were pickled, example inputs, constants of
other kinds, sizes as SymPy's text, guards as Python's, any function below `torch` as an operator,
libraries of AOTInductor (PyTorch 2.14: `torch/export/pt2_archive/_package.py`,
`torch/_export/serde/serialize.py`). What `torch.export.save` writes of a plain network needs none
of that, so a program that holds more than numbers, ATen's operators and sums of sizes is refused
before it is loaded.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.core.errors import DataError
from tasks.core.files import shown

_FILES = re.compile(
    r"archive_format|archive_version|byteorder|\.data/(version|serialization_id)|models/model\.json"
    r"|data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)|data/sample_inputs/model\.pt"
)
_SAMPLES = "data/sample_inputs/model.pt"
_OPERATORS = re.compile(
    r"torch\.ops\.(aten|prims|torchvision)\.(?!from_file\b)\w+(\.\w+)?|torch\._?sym_\w+"
    r"|torch\.ops\.higher_order\.(cond|map_impl|while_loop|scan|wrap_with_set_grad_enabled)"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|pow|neg|pos|abs|getitem|eq|ne|lt|le|gt|ge)"
    r"|_operator\.(and_|or_|not_)|math\.(ceil|floor|trunc|sqrt)"
)
# Sums of sizes: their names, numbers, and the functions that PyTorch prints.
_SIZE_WORDS = frozenset(
    (
        *("Max", "Min", "Mod", "PythonMod", "FloorDiv", "CeilDiv", "CleanDiv", "IntTrueDiv"),
        *("Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "True", "False", "size", "math"),
        *("Add", "Mul", "Pow", "Integer", "Rational", "Float", "precision", "Abs"),
        *("Equality", "Unequality", "StrictLessThan", "LessThan", "GreaterThan"),
        *(
            "StrictGreaterThan",
            "PowByNatural",
            "FloatTrueDiv",
            "ToFloat",
            "TruncToInt",
            "floor",
            "ceil",
            "and",
            "or",
        ),
    )
)
_SYMBOL = re.compile(r"Symbol\('\w+'(, \w+=(True|False))*\)")
_SIZE_NAME = re.compile(r"[su]\d+|zuf?\d+|L")
_SUM = re.compile(r"[\w\s()+\-*/%,<>=!&|.]*")
_PLAIN = re.compile(r"[\w.:,;+<>=| -]*")
_TREE = re.compile(r'[\w\s.,:\[\]{}"\\-]*')
_INPUT = re.compile(r"L(\['\w+'\]|\[\d+\])+(\.size\(\)\[\d+\])?")
_SUMS = ("expr_str", "guards_code")


@dataclass(frozen=True)
class Form:
    """An input or output of a program.

    Attributes:
        name: What it is called; empty where the program doesn't say.
        dtype: Its type.
        axes: Size of each axis; of a dynamic one the name of the size, or, where it follows from
            another, a formula such as ``2*s37``.
    """

    name: str
    dtype: np.dtype[Any]
    axes: tuple[int | str, ...]


def load_program(path: Path, where: str) -> Any:
    """Load a `torch.export.ExportedProgram` that holds nothing but a plain network.

    Args:
        path: The ``.pt2`` file.
        where: What it is, for messages.

    Raises:
        DataError: It is none, or holds more than that.
    """
    import torch

    try:
        _check_archive(path, where)
        return torch.export.load(path)
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{where}: expected a program that torch.export.save wrote, {shown(path.name)} is none "
            f"({type(error).__name__}: {str(error)[:300]})"
        ) from error


def forms(program: Any, where: str) -> tuple[tuple[Form, ...], tuple[Form, ...]]:
    """What a program takes, in its order, and what it gives.

    Outputs have names where it returns a dict.

    Raises:
        DataError: It takes or gives other things than tensors, nests them, or has no dynamic axis.
    """
    taken, given = program.graph_signature.user_inputs, program.graph_signature.user_outputs
    by_position, by_keyword = program.call_spec.in_spec.children()
    out = program.call_spec.out_spec
    is_flat = all(each.is_leaf() for each in (*by_position.children(), *out.children()))
    if by_keyword.children() or not is_flat:
        raise DataError(
            f"{where}: expected a program that takes tensors by position, and returns one, a tuple "
            "or a dict of them, got one that takes some by keyword, or nests them"
        )
    names = [*out.context] if out.type is dict else [""] * len(given)
    takes, gives = _forms(program, taken, taken, where), _forms(program, given, names, where)
    if all(isinstance(axis, int) for each in takes for axis in each.axes):
        raise DataError(
            f"{where}: expected an input with a dynamic axis, all sizes are fixed; export it with "
            "dynamic_shapes"
        )
    return takes, gives


def _forms(program: Any, nodes: Any, names: Any, where: str) -> tuple[Form, ...]:
    """Tensors of a program's graph, under the names that they have outside of it."""
    import torch

    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    found = []
    for node, name in zip(nodes, names, strict=True):
        value = values.get(node)
        if not isinstance(value, torch.Tensor):
            raise DataError(f"{where}: expected tensors in and out alone, got {name or node!r}")
        try:
            dtype = torch.empty(0, dtype=value.dtype).numpy().dtype
        except TypeError as error:
            raise DataError(
                f"{where}: expected types that NumPy has, got {value.dtype} for {name or node}; "
                "let the program convert it"
            ) from error
        axes = tuple(each if isinstance(each, int) else str(each) for each in value.shape)
        found.append(Form(str(name), dtype, axes))
    return tuple(found)


def _check_archive(path: Path, where: str) -> None:
    """Look through a program's files as PyTorch will read them."""
    from torch.export.pt2_archive._package import PT2ArchiveReader

    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(each.compress_type != zipfile.ZIP_STORED for each in entries):
        raise DataError(f"{where}: expected a program that is not compressed; export it again")
    with PT2ArchiveReader(str(path)) as reader:
        names = reader.get_file_names()
        if len(names) != len(entries):
            _refuse(where, "files that hide others")
        for name in names:
            if not _FILES.fullmatch(name):
                _refuse(where, name)
            if name.endswith(".json"):
                _check_document(json.loads(reader.read_bytes(name)), where)
        if _SAMPLES in names:
            _check_samples(reader.read_bytes(_SAMPLES), where)


def _check_samples(data: bytes, where: str) -> None:
    """PyTorch tries this first, and then unpickles whatever is there."""
    import pickle

    import torch

    try:
        if data:
            torch.load(io.BytesIO(data), weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise DataError(
            f"{where}: its example inputs are no plain tensors; export it again from tensors "
            f"({str(error)[:100]})"
        ) from error


def _check_document(document: Any, where: str) -> None:
    for key, value in _leaves(document):
        if key == "use_pickle" and value is not False:
            _refuse(where, "a pickled tensor")
        if isinstance(value, str) and not _is_harmless(key, value):
            _refuse(where, f"{key} {value[:100]!r}")


def _is_harmless(key: str, text: str) -> bool:
    if key == "target":
        return _OPERATORS.fullmatch(text) is not None
    if key in _SUMS:
        rest = _SYMBOL.sub(" ", _INPUT.sub(" ", text))
        words = re.findall(r"[A-Za-z_]\w*", rest)
        known = all(word in _SIZE_WORDS or _SIZE_NAME.fullmatch(word) for word in words)
        return known and _SUM.fullmatch(rest) is not None
    if key in ("in_spec", "out_spec"):
        return _TREE.fullmatch(text) is not None
    return _PLAIN.fullmatch(text) is not None


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Values of a document, and its keys, each with the key that it stands below.

    What nodes note of where they come from is never evaluated.
    """
    pending = [(key, value)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            yield from (("key", each) for each in value)
            pending += [(k, each) for k, each in value.items() if k != "metadata"]
        elif isinstance(value, list):
            pending += [(key, each) for each in value]
        else:
            yield key, value


def _refuse(where: str, what: str) -> None:
    raise DataError(
        f"{where}: expected a program of plain tensors and PyTorch's own operators, it holds "
        f"{what}, which could run code; export the network without it"
    )
