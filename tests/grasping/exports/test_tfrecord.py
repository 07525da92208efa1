"""TFRecord framing and tf.train.Example, against the bytes that tensorflow-cpu 2.21.0 wrote."""

from __future__ import annotations

import io
import struct

from tasks.grasping.exports.tfrecord import example, write_record


def test_record_is_framed_as_tensorflow_does() -> None:
    file = io.BytesIO()
    assert write_record(file, b"abc") == 19
    data = file.getvalue()
    assert data[:8] == struct.pack("<Q", 3)
    assert data[12:15] == b"abc"
    assert data.hex() == "0300000000000000b099490e6162636e57f121"


def test_example_is_what_tensorflow_serialises() -> None:
    assert example({"a": [1, 300]}).hex() == "0a0e0a0c0a016112071a050a0301ac02"
    assert example({"b": [b"xy"]}).hex() == "0a0d0a0b0a016212060a040a027879"
    assert example({"c": [1.0]}).hex() == "0a0f0a0d0a0163120812060a040000803f"


def test_equal_features_give_equal_bytes() -> None:
    one, other = {"b": [1], "a": [b"x"]}, {"a": [b"x"], "b": [1]}
    assert example(one) == example(other)
