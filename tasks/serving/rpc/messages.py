"""Classes of the interface's messages, built from `serving.proto`.

What of the language of such files stands there is read by a few lines: a compiler's output would be
a blob, and share its pool with TensorFlow's own messages, which a process may hold, too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from google.protobuf import any_pb2, message_factory, wrappers_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from tasks.serving.types import Code, RequestError

PACKAGE = "tensorflow.serving"
_MESSAGE = re.compile(r"^message (\w+) \{([^}]*)\}", re.MULTILINE)
_FIELD = re.compile(r"(repeated )?(?:map<(\w+), ([\w.]+)>|([\w.]+)) (\w+) = (\d+);")
_SCALARS = ("double", "float", "int32", "int64", "uint32", "uint64", "bool", "string", "bytes")
_ONE, _MANY = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED


def parse(name: str, raw: bytes) -> Any:
    """Read a message.

    Args:
        name: Its name in the package of TensorFlow Serving.
        raw: Its bytes.

    Raises:
        RequestError: INVALID_ARGUMENT, they are none.
    """
    try:
        return MESSAGES[name].FromString(raw)
    except DecodeError as error:
        raise RequestError(
            Code.INVALID_ARGUMENT, f"expected a {PACKAGE}.{name}, got {len(raw)} bytes of no such"
        ) from error


def _messages(text: str) -> dict[str, Any]:
    pool = DescriptorPool()
    known = (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)
    file = FileDescriptorProto(name="serving.proto", package=PACKAGE, syntax="proto3")
    for each in known:
        pool.AddSerializedFile(each.serialized_pb)
        file.dependency.append(each.name)
    for name, body in _MESSAGE.findall(text):
        message = file.message_type.add(name=name)
        for field in _FIELD.finditer(body):
            _add(message, *field.groups())
    pool.AddSerializedFile(file.SerializeToString())
    described = [pool.FindMessageTypeByName(f"{PACKAGE}.{each.name}") for each in file.message_type]
    return {each.name: message_factory.GetMessageClass(each) for each in described}


def _add(message: DescriptorProto, many: str | None, key: str, value: str, *field: str) -> None:
    """Add a field; a map is a list of entries, each a message of its key and value."""
    kind, name, number = field
    if key:
        many, kind = key, "".join(each.capitalize() for each in name.split("_")) + "Entry"
        entry = message.nested_type.add(name=kind)
        entry.options.map_entry = True
        _type(entry.field.add(name="key", number=1, label=_ONE), key)
        _type(entry.field.add(name="value", number=2, label=_ONE), value)
    _type(message.field.add(name=name, number=int(number), label=_MANY if many else _ONE), kind)


def _type(field: FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = getattr(FieldDescriptorProto, f"TYPE_{kind.upper()}")
    else:
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, kind


MESSAGES = _messages(Path(__file__).with_name("serving.proto").read_text("utf-8"))
