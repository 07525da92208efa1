"""Messages are on the wire what TensorFlow Serving's clients send and read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tasks.serving.rpc import messages
from tasks.serving.rpc.messages import MESSAGES, parse
from tasks.serving.types import Code, RequestError

# As tensorflow-serving-api's client writes it: model "half", version 3, signature "tags", and the
# float tensor x = [1.0, 2.0], packed, with output filter "y". Written out by hand, field by field.
PREDICT = bytes.fromhex(
    "0a10"  # model_spec
    "0a0468616c66"  # .name
    "12020803"  # .version.value
    "1a0474616773"  # .signature_name, field 3
    "1217"  # inputs: an entry
    "0a0178"  # key
    "1212"  # value: a tensor
    "0801"  # .dtype: DT_FLOAT
    "1204"  # .tensor_shape
    "12020802"  # .dim.size
    "22080000803f00000040"  # .tensor_content
    "1a0179"  # output_filter
)


def test_a_request_of_their_client_is_read() -> None:
    told = parse("PredictRequest", PREDICT)
    assert (told.model_spec.name, told.model_spec.version.value) == ("half", 3)
    assert told.model_spec.signature_name == "tags"
    assert [*told.output_filter] == ["y"]
    tensor = told.inputs["x"]
    assert (tensor.dtype, [each.size for each in tensor.tensor_shape.dim]) == (1, [2])
    assert tensor.tensor_content == b"\0\0\x80?\0\0\0@"
    assert told.SerializeToString() == PREDICT


def test_unknown_fields_are_passed_over() -> None:
    told = parse("PredictRequest", PREDICT + bytes.fromhex("3a020a00"))  # request_options, 7
    assert told.model_spec.name == "half"


def test_what_is_none_is_told() -> None:
    with pytest.raises(RequestError, match="got 3 bytes of no such") as caught:
        parse("PredictRequest", b"\x0a\x7f\x00")
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_what_is_unpacked_by_name_bears_their_name() -> None:
    told = MESSAGES["GetModelMetadataResponse"]()
    told.metadata["signature_def"].Pack(MESSAGES["SignatureDefMap"]())
    assert told.metadata["signature_def"].type_url.endswith("/tensorflow.serving.SignatureDefMap")


def test_all_of_the_file_is_read() -> None:
    text = Path(messages.__file__).with_name("serving.proto").read_text()
    fields = sum(len(each.DESCRIPTOR.fields) for each in MESSAGES.values())
    assert len(MESSAGES) == len(re.findall(r"^message ", text, re.MULTILINE))
    assert fields == len(re.findall(r"= \d+;", text))
