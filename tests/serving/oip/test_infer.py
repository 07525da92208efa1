"""Requests as tritonclient writes them, byte for byte, and the answers that it reads."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from tasks.serving.oip.infer import OipCall, read_answer, write_request
from tasks.serving.oip.paths import OipAddress
from tasks.serving.types import RequestError, Target
from tests.support.serving.bundles import bundle, signature, target, tensor

SPEC = OipAddress("some", None, "infer")
TARGET = Target("some", 3, bundle())
WORDS = np.array([[1, 2, 3]], np.int64)
# As tritonclient 2.73.0 wrote them. InferInput.set_data_from_numpy, and no outputs named:
BINARY = (
    b'{"id":"7","inputs":[{"name":"words","shape":[1,3],"datatype":"INT64","parameters":'
    b'{"binary_data_size":24}}],"parameters":{"binary_data_output":true}}'
)
# The same without binary data, an output named:
JSON = (
    b'{"id":"8","inputs":[{"name":"words","shape":[1,3],"datatype":"INT64","data":[1,2,3]}],'
    b'"outputs":[{"name":"sum","parameters":{"binary_data":false}}]}'
)
# InferRequestedOutput("scores", class_count=2), infer(parameters={"signature_name": "classes"}):
CLASSES = (
    b'{"inputs":[{"name":"words","shape":[1,3],"datatype":"INT64","parameters":{"binary_data_size"'
    b':24}}],"outputs":[{"name":"scores","parameters":{"classification":2,"binary_data":true}}],'
    b'"parameters":{"signature_name":"classes"}}'
)
# A text and an empty one:
TEXTS = (
    b'{"inputs":[{"name":"name","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":10}'
    b'}],"parameters":{"binary_data_output":true}}'
)
NUMBERS = struct.pack("<3q", 1, 2, 3)
SUM = np.array([[0.5, 1.5, 2.5, 3.5]], np.float32)


def asked(head, rest=b"", told=None):
    call = OipCall(SPEC, head + rest, str(len(head)) if told is None else told)
    return call, call.question(TARGET, 9.0)


def test_binary_data_is_read_and_answered():
    call, question = asked(BINARY, NUMBERS)
    np.testing.assert_array_equal(question.arrays["words"], WORDS)
    assert (question.signature, question.outputs, question.deadline_s) == ("tags", (), 9.0)
    body = call.answer(TARGET, {"sum": SUM})
    head, rest = body[: call.num_header_bytes], body[call.num_header_bytes :]
    assert json.loads(head) == {
        "model_name": "some",
        "model_version": "3",
        "outputs": [
            {
                "name": "sum",
                "datatype": "FP32",
                "shape": [1, 4],
                "parameters": {"binary_data_size": 16},
            }
        ],
        "id": "7",
    }
    assert rest == struct.pack("<4f", 0.5, 1.5, 2.5, 3.5)
    np.testing.assert_array_equal(read_answer(body, str(len(head)))["sum"], SUM)


def test_json_is_read_and_answered():
    call, question = asked(JSON, told="")
    np.testing.assert_array_equal(question.arrays["words"], WORDS)
    assert question.outputs == ("sum",)
    body = call.answer(TARGET, {"sum": SUM})
    assert call.num_header_bytes is None
    told = json.loads(body)
    assert told["outputs"][0]["data"] == [0.5, 1.5, 2.5, 3.5]
    assert told["id"] == "8"
    np.testing.assert_array_equal(read_answer(body, "")["sum"], SUM)


def test_classes_are_told_the_highest_first():
    scores = np.array([[0.25, 0.75]], np.float32)
    call, question = asked(CLASSES.replace(b"true", b"false"), NUMBERS)
    assert question.signature == "classes"
    (told,) = json.loads(call.answer(TARGET, {"scores": scores}))["outputs"]
    labels = TARGET.bundle.signatures["classes"].labels
    expected = [f"0.750000:1:{labels[1]}", f"0.250000:0:{labels[0]}"]
    assert told == {"name": "scores", "datatype": "BYTES", "shape": [1, 2], "data": expected}
    call, _ = asked(CLASSES, NUMBERS)
    body = call.answer(TARGET, {"scores": scores})
    found = read_answer(body, str(call.num_header_bytes))["scores"]
    assert found.tolist() == [[each.encode() for each in expected]]


def test_texts_are_read():
    call = OipCall(SPEC, TEXTS + b"\x02\0\0\0ab\0\0\0\0", str(len(TEXTS)))
    told = signature((tensor("name", "bytes", "n"),), (tensor("y", "float32", "n"),))
    question = call.question(target(texts=told), 1.0)
    assert question.arrays["name"].tolist() == [b"ab", b""]


def test_a_client_s_request_is_read_by_the_server():
    body, headers = write_request("tags", {"words": WORDS}, ("each",))
    call = OipCall(SPEC, body, headers["inference-header-content-length"])
    question = call.question(TARGET, 1.0)
    assert (question.signature, question.outputs) == ("tags", ("each",))
    np.testing.assert_array_equal(question.arrays["words"], WORDS)


def one(**values):
    tensor = {"name": "words", "shape": [1, 3], "datatype": "INT64", "data": [1, 2, 3]}
    tensor = {k: v for k, v in (tensor | values).items() if v is not None}
    return json.dumps({"inputs": [tensor]}).encode()


@pytest.mark.parametrize(
    ("head", "rest", "told"),
    [
        (b"", b"", "expected a message of the protocol as JSON"),
        (b"{}", b"", "missing required field `inputs`"),
        (b'{"inputs": [7]}', b"", r"\$.inputs\[0\]"),
        (one(datatype="FP8"), b"", "expected a datatype of"),
        (one(shape=[1, 4]), b"", "expected 4 values"),
        (one(shape=[3], data=None), b"", "either data or binary_data_size"),
        (one(name="word"), b"", "input 'word' is unknown"),
        (one(datatype="INT32"), b"", "Expecting shape"),
        (one(data=None, parameters={"binary_data_size": 25}), b"x" * 24, "at most 24, got 25"),
        (one(data=None, parameters={"binary_data_size": "24"}), b"x" * 24, "at most 24, got 24"),
        (one(data=None, parameters={"binary_data_size": 16}), b"x" * 16, "expected 24 bytes"),
        (one(), b"more", "expected no bytes after those of the tensors, got 4"),
        (b'{"inputs": [%s, %s]}' % ((one()[12:-2],) * 2), b"", "stands there twice"),
        (one()[:-1] + b', "parameters": {"signature_name": "x"}}', b"", "not found in signature"),
        (one()[:-1] + b', "parameters": {"signature_name": 3}}', b"", "expected a text"),
        (one()[:-1] + b', "outputs": [{"name": "x"}]}', b"", "output tensor alias not found"),
    ],
)
def test_other_requests_are_refused(head, rest, told):
    with pytest.raises(RequestError, match=told):
        asked(head, rest)


def test_a_header_longer_than_the_body_is_refused():
    for told in ("9999", "-1", "x"):
        with pytest.raises(RequestError, match="inference-header-content-length"):
            asked(JSON, told=told)


def test_classes_of_what_are_no_scores_are_refused():
    call, _ = asked(CLASSES.replace(b":2,", b":0.5,"), NUMBERS)
    with pytest.raises(RequestError, match="expected a number of 1 or more"):
        call.answer(TARGET, {"scores": SUM})
