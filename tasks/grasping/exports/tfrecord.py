"""TFRecord files and the records in them, without TensorFlow.

A file is a sequence of length (8 bytes, little endian), masked CRC-32C of the length, data,
masked CRC-32C of the data (TensorFlow, "TFRecord and tf.train.Example", guide, 2024). The data
is a ``tensorflow.Example`` message: feature names to lists of bytes, floats or integers. Its
three lists and their wrappers are declared here to the protobuf library, which does the rest.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, BinaryIO, Final

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_CRC_SHIFT: Final = 15
_CRC_MASK: Final = 0xA282EAD8
_PACKAGE: Final = "orrery.tensorflow"
_LISTS: Final = {"BytesList": "TYPE_BYTES", "FloatList": "TYPE_FLOAT", "Int64List": "TYPE_INT64"}

Values = Sequence[bytes] | Sequence[float] | Sequence[int]


def write_record(file: BinaryIO, data: bytes) -> int:
    """Append one record to a TFRecord file.

    Returns:
        Number of bytes written.
    """
    length = struct.pack("<Q", len(data))
    record = b"".join((length, _masked_crc(length), data, _masked_crc(data)))
    return file.write(record)


def example(features: Mapping[str, Values]) -> bytes:
    """Serialise a ``tensorflow.Example``; equal features give equal bytes.

    Args:
        features: A list by name: all bytes, all floats, or all integers (booleans are integers).
    """
    message = _example_class()()
    for name, values in features.items():
        feature = message.features.feature[name]
        first = values[0] if values else b""
        if isinstance(first, bytes):
            feature.bytes_list.value.extend(values)
        elif isinstance(first, float):
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return bytes(message.SerializeToString(deterministic=True))


def _masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    rotated = ((crc >> _CRC_SHIFT) | (crc << (32 - _CRC_SHIFT))) & 0xFFFFFFFF
    return struct.pack("<I", (rotated + _CRC_MASK) & 0xFFFFFFFF)


@cache
def _example_class() -> Any:
    """The message class of ``tensorflow.Example``; the wire knows numbers, not names."""
    file = descriptor_pb2.FileDescriptorProto(
        name="orrery/example.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, kind in _LISTS.items():
        _field(file.message_type.add(name=name), "value", 1, kind, repeated=True)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, field) in enumerate(
        zip(_LISTS, ("bytes_list", "float_list", "int64_list"), strict=True), 1
    ):
        _field(feature, field, number, "TYPE_MESSAGE", of=name).oneof_index = 0
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    _field(entry, "key", 1, "TYPE_STRING")
    _field(entry, "value", 2, "TYPE_MESSAGE", of="Feature")
    _field(features, "feature", 1, "TYPE_MESSAGE", of="Features.FeatureEntry", repeated=True)
    _field(file.message_type.add(name="Example"), "features", 1, "TYPE_MESSAGE", of="Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Example"))


def _field(
    message: Any, name: str, number: int, kind: str, *, of: str = "", repeated: bool = False
) -> Any:
    field = message.field.add(name=name, number=number)
    field.type = field.Type.Value(kind)
    field.label = field.Label.Value("LABEL_REPEATED" if repeated else "LABEL_OPTIONAL")
    if of:
        field.type_name = f".{_PACKAGE}.{of}"
    return field
