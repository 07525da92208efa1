"""From a message to a question, and from outputs to a message."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks.serving.rpc.calls import CALLS, write_metadata
from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.rpc.tensors import read_tensor, write_tensor
from tasks.serving.types import Code, RequestError
from tests.support.serving.bundles import LONE, bundle, target

MAX_BYTES = 1000
WORDS = np.array([[1, 2], [3, 4]])
SCORES = {"scores": np.array([[0.25, 0.75], [1, 0]], np.float32)}
NUMBERS = {"value": np.array([1.5, 2], np.float32)}


# Written out by hand, field by field: two examples of words for the model "some", and the answer.
CLASSIFY = bytes.fromhex(
    "0a060a04736f6d65"  # model_spec.name
    "122c0a2a"  # input.example_list
    "0a130a110a0f0a05776f7264731206"  # examples: features, an entry: key, and value
    "1a040a020102"  # .int64_list.value, packed
    "0a130a110a0f0a05776f7264731206"
    "1a040a020304"
)
CLASSIFIED = bytes.fromhex(
    "0a2d"  # result
    "0a17"  # .classifications
    "0a090a026e6f150000803e"  # .classes: label "no", score 0.25
    "0a0a0a03796573150000403f"  # label "yes", score 0.75
    "0a12"
    "0a090a026e6f150000803f"
    "0a050a03796573"  # a score of 0 goes without saying
    "12130a04736f6d65120208031a07636c6173736573"  # model_spec: name, version, signature_name
)


def request(kind: str, signature: str = "", **more: Any) -> Any:
    told = MESSAGES[kind](**more)
    if kind != "MultiInferenceRequest":
        told.model_spec.name, told.model_spec.signature_name = "some", signature
    return told


def with_words(told: Any, has_context: bool = False) -> Any:
    """Two examples of words, or one that takes them of the context."""
    if has_context:
        told.input.example_list_with_context.examples.add()
        examples = [told.input.example_list_with_context.context]
    else:
        examples = [told.input.example_list.examples.add() for _ in WORDS]
    for example, words in zip(examples, WORDS, strict=False):
        example.features.feature["words"].int64_list.value.extend(words.tolist())
    return told


def read(method: str, told: Any) -> Any:
    return CALLS[method](told.SerializeToString(), MAX_BYTES)


def check_spec(spec: Any, signature: str) -> None:
    assert (spec.name, spec.version.value, spec.signature_name) == ("some", 3, signature)


def test_tensors() -> None:
    told = request("PredictRequest", output_filter=["sum"])
    told.model_spec.version_label = "stable"
    write_tensor(WORDS, told.inputs["words"])
    call = read("Predict", told)
    assert (call.spec.model, call.spec.version, call.spec.label) == ("some", None, "stable")
    question = call.question(target(), 5.0)
    assert (question.signature, question.outputs, question.deadline_s) == ("tags", ("sum",), 5.0)
    np.testing.assert_array_equal(question.arrays["words"], WORDS)
    answer = MESSAGES["PredictResponse"].FromString(call.answer(target(), NUMBERS))
    check_spec(answer.model_spec, "tags")
    found = read_tensor(answer.outputs["value"], "value", MAX_BYTES)
    np.testing.assert_array_equal(found, NUMBERS["value"])


def test_a_version_is_asked_for_by_number() -> None:
    told = request("PredictRequest")
    told.model_spec.version.value = 0
    assert read("Predict", told).spec.version == 0


@pytest.mark.parametrize("has_context", [False, True])
def test_classes(has_context: bool) -> None:
    call = read("Classify", with_words(request("ClassificationRequest"), has_context))
    question = call.question(target(), math.inf)
    assert question.signature == "classes"
    expected = WORDS[:1] if has_context else WORDS
    np.testing.assert_array_equal(question.arrays["words"], expected)
    answer = MESSAGES["ClassificationResponse"].FromString(call.answer(target(), SCORES))
    check_spec(answer.model_spec, "classes")
    first, second = answer.result.classifications
    assert [(each.label, each.score) for each in first.classes] == [("no", 0.25), ("yes", 0.75)]
    assert [each.score for each in second.classes] == [1, 0]


def test_bytes_are_those_of_their_client() -> None:
    call = CALLS["Classify"](CLASSIFY, MAX_BYTES)
    np.testing.assert_array_equal(call.question(target(), math.inf).arrays["words"], WORDS)
    assert call.answer(target(), SCORES) == CLASSIFIED


def test_numbers() -> None:
    call = read("Regress", with_words(request("RegressionRequest", "number")))
    assert call.question(target(), math.inf).signature == "number"
    answer = MESSAGES["RegressionResponse"].FromString(call.answer(target(), NUMBERS))
    check_spec(answer.model_spec, "number")
    assert [each.value for each in answer.result.regressions] == [1.5, 2]


def multi(*tasks: tuple[str, str], model: str = "some") -> Any:
    told = with_words(request("MultiInferenceRequest"))
    for signature, method in tasks:
        task = told.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = model, signature
    return told


def test_several_heads_are_one_question() -> None:
    call = read("MultiInference", multi(("number", "regress"), ("", "classify")))
    question = call.question(target(), math.inf)
    assert question.signature == "classes+number"
    arrays = {f"classes/{name}": array for name, array in SCORES.items()}
    arrays |= {f"number/{name}": array for name, array in NUMBERS.items()}
    answer = MESSAGES["MultiInferenceResponse"].FromString(call.answer(target(), arrays))
    first, second = answer.results
    check_spec(first.model_spec, "number")
    check_spec(second.model_spec, "classes")
    assert [each.value for each in first.regression_result.regressions] == [1.5, 2]
    assert second.classification_result.classifications[1].classes[0].score == 1
    assert not first.HasField("classification_result")


def test_one_head_is_a_question_too() -> None:
    call = read("MultiInference", multi(("number", "regress")))
    assert call.question(target(), math.inf).signature == "number"
    answer = MESSAGES["MultiInferenceResponse"].FromString(call.answer(target(), NUMBERS))
    assert len(answer.results[0].regression_result.regressions) == 2


@pytest.mark.parametrize(
    ("told", "code", "message"),
    [
        (multi(), Code.INVALID_ARGUMENT, "at least one InferenceTask"),
        (multi(("", "predict")), Code.UNIMPLEMENTED, "Unsupported signature method_name"),
        (multi(("", "regress"), model=""), Code.INVALID_ARGUMENT, "Missing ModelSpec"),
    ],
)
def test_tasks_that_can_not_be_are_told(told: Any, code: Code, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        read("MultiInference", told)
    assert caught.value.code is code


def test_tasks_are_for_one_model() -> None:
    told = multi(("", "regress"), ("", "classify"))
    told.tasks[1].model_spec.version.value = 4
    with pytest.raises(RequestError, match="must access the same model"):
        read("MultiInference", told)


def test_a_task_that_stands_there_twice_is_told() -> None:
    call = read("MultiInference", multi(("", "regress"), ("number", "regress")))
    with pytest.raises(RequestError, match="Duplicate evaluation of signature: number"):
        call.question(target(), math.inf)


@pytest.mark.parametrize("method", ["Classify", "Regress"])
def test_no_example_is_told(method: str) -> None:
    kind = {"Classify": "ClassificationRequest", "Regress": "RegressionRequest"}[method]
    with pytest.raises(RequestError, match="Input is empty"):
        read(method, request(kind)).question(target(), math.inf)
    with pytest.raises(RequestError, match="Missing ModelSpec"):
        read(method, MESSAGES[kind]())


def test_too_many_examples_are_told() -> None:
    call = read("Regress", with_words(request("RegressionRequest")))
    with pytest.raises(RequestError, match="at most 1 examples, got 2"):
        call.question(replace(target(), max_items=1), math.inf)


def test_metadata_says_what_can_be_asked() -> None:
    raw = write_metadata("some", 3, bundle(lone=LONE, **bundle().signatures))
    told = MESSAGES["GetModelMetadataResponse"].FromString(raw)
    assert (told.model_spec.name, told.model_spec.version.value) == ("some", 3)
    signatures = MESSAGES["SignatureDefMap"]()
    assert told.metadata["signature_def"].Unpack(signatures)
    classes = signatures.signature_def["classes"]
    assert classes.method_name == "tensorflow/serving/classify"
    words = classes.inputs["words"]
    assert (words.dtype, [each.size for each in words.tensor_shape.dim]) == (9, [-1, -1])
    assert signatures.signature_def["lone"].outputs["y"].tensor_shape.dim[0].size == 3
