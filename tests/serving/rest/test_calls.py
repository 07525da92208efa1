"""From a body to a question, and from outputs to an answer."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tasks.serving.rest.calls import Codecs, RestCall
from tasks.serving.rest.paths import parse_path
from tasks.serving.types import RequestError
from tests.support.serving.bundles import CLASSES, TAGS, target


def call(verb: str, body: object) -> RestCall:
    address = parse_path("POST", f"/v1/models/some:{verb}")
    return RestCall(address, json.dumps(body).encode(), Codecs())


def test_tensors() -> None:
    asked = call("predict", {"instances": [[1, 2]], "signature_name": "serving_default"})
    question = asked.question(target(), 5.0)
    assert (question.signature, question.version, question.deadline_s) == ("tags", 3, 5.0)
    assert question.arrays["words"].tolist() == [[1, 2]]
    answer = asked.answer(target(), {"sum": np.ones((1, 4), np.float32)})
    assert json.loads(answer) == {"predictions": [[1.0, 1.0, 1.0, 1.0]]}


@pytest.mark.parametrize(
    ("verb", "signature", "name", "outputs", "told"),
    [
        ("classify", "classes", "scores", [[0.5, 0.5]], [[["no", 0.5], ["yes", 0.5]]]),
        ("regress", "number", "value", [1.5], [1.5]),
    ],
)
def test_examples(verb: str, signature: str, name: str, outputs: list, told: list) -> None:
    asked = call(verb, {"examples": [{}], "context": {"words": [1, 2]}})
    question = asked.question(target(), math.inf)
    assert question.signature == signature
    assert question.arrays["words"].tolist() == [[1, 2]]
    answer = asked.answer(target(), {name: np.array(outputs, np.float32)})
    assert json.loads(answer) == {"results": told}


def test_a_signature_of_another_method_is_refused() -> None:
    asked = call("classify", {"examples": [{"words": [1]}], "signature_name": "number"})
    with pytest.raises(RequestError, match="signature 'number' is for regress"):
        asked.question(target(), math.inf)


def test_decoders_are_made_once_for_a_version() -> None:
    codecs, one = Codecs(), target()
    assert codecs.of(one, "tags") is codecs.of(one, "tags")
    assert codecs.of(one, "tags") is not codecs.of(one, "classes")
    assert codecs.of(target(tags=CLASSES), "tags")[0].signature == CLASSES, "loaded anew"
    for number in range(1001):
        codecs.of(target(**{f"s{number}": TAGS}), f"s{number}")
    assert len(codecs._made) <= 1000
