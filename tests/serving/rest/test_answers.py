"""Answers of the REST interface, as TensorFlow Serving's clients read them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tasks.serving.rest.answers import (
    HTTP_STATUS,
    Writer,
    write_error,
    write_metadata,
    write_results,
    write_status,
)
from tasks.serving.types import Code, RequestError, State, VersionStatus
from tests.support.serving.bundles import CLASSES, MIXED, NUMBER, TAGS, bundle, signature, tensor

EACH = np.array([[0.1, 2], [3, 1e-9]], np.float32)
SUM = np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32)


def test_a_lone_output_goes_without_its_name() -> None:
    assert Writer(TAGS).write({"each": EACH}, True) == b'{"predictions":[[0.1,2.0],[3.0,1e-9]]}'
    assert Writer(TAGS).write({"each": EACH}, False) == b'{"outputs":[[0.1,2.0],[3.0,1e-9]]}'


def test_several_outputs_go_by_name() -> None:
    arrays = {"each": EACH, "sum": SUM}
    by_item = json.loads(Writer(TAGS).write(arrays, True))["predictions"]
    assert by_item[1] == {"each": [3.0, 1e-9], "sum": [5.0, 6.0, 7.0, 8.0]}
    by_name = json.loads(Writer(TAGS).write(arrays, False))["outputs"]
    assert by_name == {"each": [[0.1, 2.0], [3.0, 1e-9]], "sum": SUM.tolist()}


def test_what_is_not_finite_is_written_bare() -> None:
    odd = np.array([[math.nan, math.inf], [-math.inf, 0.1]], np.float32)
    assert Writer(TAGS).write({"each": odd}, True) == (
        b'{"predictions":[[NaN,Infinity],[-Infinity,0.1]]}'
    )


def test_bytes_are_text_unless_their_name_or_they_say_otherwise() -> None:
    told = signature(MIXED.inputs[:1], (tensor("a", "bytes", "n"), tensor("a_bytes", "bytes", "n")))
    text = np.array(["é".encode(), b"b"], object)
    found = json.loads(Writer(told).write({"a": text, "a_bytes": text}, False))["outputs"]
    assert found == {"a": ["é", "b"], "a_bytes": [{"b64": "w6k="}, {"b64": "Yg=="}]}
    none = np.array([b"\xff", b"b"], object)
    found = json.loads(Writer(told).write({"a": none}, True))["predictions"]
    assert found == [{"b64": "/w=="}, {"b64": "Yg=="}]


def test_whole_numbers_and_doubles_are_as_they_are() -> None:
    told = signature(TAGS.inputs, (tensor("y", "int64", "n"), tensor("z", "float64", "n")))
    arrays = {"y": np.array([2**62]), "z": np.array([0.1])}
    assert json.loads(Writer(told).write(arrays, False))["outputs"] == {
        "y": [2**62],
        "z": [0.1],
    }


def test_items_come_first_wherever_the_signature_counts_them() -> None:
    told = signature(TAGS.inputs, (tensor("y", "int64", "n", 2), tensor("z", "int64", 2, "n")))
    arrays = {"z": np.array([[1, 2, 3], [4, 5, 6]])}
    assert Writer(told).write(arrays, True) == b'{"predictions":[[1,4],[2,5],[3,6]]}'


def test_an_output_that_is_not_by_item_is_not_told_by_item() -> None:
    told = signature(TAGS.inputs, (tensor("y", "int64", "n"), tensor("all", "int64", 2)))
    arrays = {"y": np.arange(2), "all": np.arange(2)}
    assert json.loads(Writer(told).write(arrays, False))["outputs"]["all"] == [0, 1]
    with pytest.raises(RequestError, match=r"all has inconsistent batch size.*ask by 'inputs'"):
        Writer(told).write(arrays, True)


def test_classes_and_numbers() -> None:
    scores = {"scores": np.array([[0.1, 0.9], [math.nan, 1]], np.float32)}
    assert write_results(CLASSES, scores) == (
        b'{"results":[[["no",0.1],["yes",0.9]],[["no",NaN],["yes",1.0]]]}'
    )
    assert write_results(NUMBER, {"value": np.array([0.1, 2], np.float32)}) == (
        b'{"results":[0.1,2.0]}'
    )


def test_status_says_state_and_error() -> None:
    told = [
        VersionStatus(2, State.AVAILABLE),
        VersionStatus(1, State.END, Code.DATA_LOSS, "a digest is off"),
    ]
    assert json.loads(write_status(told)) == {
        "model_version_status": [
            {
                "version": "2",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            },
            {
                "version": "1",
                "state": "END",
                "status": {"error_code": "DATA_LOSS", "error_message": "a digest is off"},
            },
        ]
    }


def test_metadata_says_what_can_be_asked() -> None:
    told = json.loads(write_metadata("some", 3, bundle()))
    assert told["model_spec"] == {"name": "some", "signature_name": "", "version": "3"}
    signatures = told["metadata"]["signature_def"]["signature_def"]
    assert signatures["classes"]["method_name"] == "tensorflow/serving/classify"
    assert signatures["tags"]["inputs"]["words"] == {
        "dtype": "DT_INT64",
        "tensor_shape": {
            "dim": [{"size": "-1", "name": "n"}, {"size": "-1", "name": "length"}],
            "unknown_rank": False,
        },
        "name": "words",
    }


def test_every_code_has_a_status() -> None:
    assert HTTP_STATUS.keys() == set(Code)
    assert (HTTP_STATUS[Code.NOT_FOUND], HTTP_STATUS[Code.UNAVAILABLE]) == (404, 503)
    assert json.loads(write_error('a "word"')) == {"error": 'a "word"'}
