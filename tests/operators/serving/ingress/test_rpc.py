"""The gRPC interface over a socket, asked by bytes as clients of TensorFlow Serving send them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest

from benchmarks.environments import environment, run_there
from operators.installation import ROOT
from tasks.serving.config import Limits, ServingConfig
from tasks.serving.rpc.messages import MESSAGES
from tasks.serving.rpc.tensors import read_tensor, write_tensor
from tasks.serving.traffic.answering import Answering
from tests.support.serving.fakes import TOKEN, FakeServing, Running, running

CLIENT = ROOT / "tests/support/serving/ask_tfs.py"
SHOWN = (("authorization", f"Bearer {TOKEN}"),)


def run(check: Callable[..., Any], serving: FakeServing | None = None, token: str = TOKEN) -> None:
    """Run a check, in a thread, against a server in this loop."""

    async def main() -> None:
        async with running(serving or FakeServing(), token) as server:
            await asyncio.to_thread(asked, server)

    def asked(server: Running) -> None:
        with grpc.insecure_channel(server.grpc) as channel:

            def ask(method: str, request: Any, **more: Any) -> bytes:
                service = "Model" if "Status" in method or "Reload" in method else "Prediction"
                path = f"/tensorflow.serving.{service}Service/{method}"
                raw = request if isinstance(request, bytes) else request.SerializeToString()
                return channel.unary_unary(path)(raw, timeout=more.pop("timeout", 10), **more)

            check(ask, server)

    asyncio.run(main())


def predict(**spec: Any) -> Any:
    told = MESSAGES["PredictRequest"]()
    told.model_spec.name = spec.pop("name", "some")
    if "version" in spec:
        told.model_spec.version.value = spec.pop("version")
    for name, value in spec.items():
        setattr(told.model_spec, name, value)
    write_tensor(np.array([[1, 2]]), told.inputs["words"])
    return told


def with_words(kind: str) -> Any:
    told = MESSAGES[kind]()
    feature = told.input.example_list.examples.add().features.feature["words"]
    feature.int64_list.value.extend([1, 2])
    if kind != "MultiInferenceRequest":
        told.model_spec.name = "some"
    return told


def test_tensors() -> None:
    def check(ask: Any, server: Running) -> None:
        answer = MESSAGES["PredictResponse"].FromString(ask("Predict", predict(version=4)))
        assert answer.model_spec.version.value == 4
        assert answer.model_spec.signature_name == "tags"
        assert read_tensor(answer.outputs["each"], "each", 99).tolist() == [[2.0, 4.0]]
        request = predict(version_label="next")
        request.output_filter.append("sum")
        answer = MESSAGES["PredictResponse"].FromString(ask("Predict", request))
        assert [*answer.outputs] == ["sum"]
        ask("Predict", predict(), metadata=(("x-request-key", "me"),))
        assert server.serving.keys[0] == predict(version=4).SerializeToString()
        assert server.serving.keys[-1] == b"me"

    run(check)


def test_examples_and_heads() -> None:
    def check(ask: Any, server: Running) -> None:
        raw = ask("Classify", with_words("ClassificationRequest"))
        (item,) = MESSAGES["ClassificationResponse"].FromString(raw).result.classifications
        assert [(each.label, each.score) for each in item.classes] == [("no", 3.0), ("yes", -3.0)]
        raw = ask("Regress", with_words("RegressionRequest"))
        (item,) = MESSAGES["RegressionResponse"].FromString(raw).result.regressions
        assert item.value == 6.0
        request = with_words("MultiInferenceRequest")
        for method in ("regress", "classify"):
            task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
            task.model_spec.name = "some"
        answer = MESSAGES["MultiInferenceResponse"].FromString(ask("MultiInference", request))
        assert answer.results[0].regression_result.regressions[0].value == 6.0
        assert len(answer.results[1].classification_result.classifications) == 1
        assert server.serving.asked[-1].signature == "classes+number"

    run(check)


def test_status_and_metadata() -> None:
    def check(ask: Any, server: Running) -> None:
        request = MESSAGES["GetModelStatusRequest"]()
        request.model_spec.name = "some"
        raw = ask("GetModelStatus", request)
        told = MESSAGES["GetModelStatusResponse"].FromString(raw).model_version_status
        assert [(each.version, each.state) for each in told] == [(4, 20), (3, 30)]
        request = MESSAGES["GetModelMetadataRequest"](metadata_field=["signature_def"])
        request.model_spec.name = "some"
        raw = ask("GetModelMetadata", request)
        told = MESSAGES["GetModelMetadataResponse"].FromString(raw)
        assert told.model_spec.version.value == 3
        del request.metadata_field[:]
        with pytest.raises(grpc.RpcError, match="expected the metadata field signature_def"):
            ask("GetModelMetadata", request)

    run(check)


def test_settings_change_by_a_token() -> None:
    request = MESSAGES["ReloadConfigRequest"]()
    request.config.model_config_list.config.add(name="more", base_path="/models/more")

    def check(ask: Any, server: Running) -> None:
        with pytest.raises(grpc.RpcError, match="Authorization: Bearer") as caught:
            ask("HandleReloadConfigRequest", request)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError, match="expected a model_config_list"):
            ask("HandleReloadConfigRequest", b"", metadata=SHOWN)
        assert server.serving.config.models == {}
        raw = ask("HandleReloadConfigRequest", request, metadata=SHOWN)
        assert MESSAGES["ReloadConfigResponse"].FromString(raw).status.error_code == 0
        assert server.serving.config.models["more"].folder == "/models/more"

    run(check)


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("method", "request_", "code", "told"),
    [
        ("Predict", b"\xff", "INVALID_ARGUMENT", "expected a tensorflow.serving.PredictRequest"),
        ("Predict", b"", "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            "Predict",
            predict(name="other"),
            "NOT_FOUND",
            "Could not find any versions of model other",
        ),
        ("Predict", predict(version=9), "NOT_FOUND", "Specific(some, 9)"),
        ("Predict", predict(version_label="x"), "INVALID_ARGUMENT", "Unrecognized servable"),
        ("Predict", predict(signature_name="x"), "INVALID_ARGUMENT", "not found in signature def"),
        ("Classify", b"", "INVALID_ARGUMENT", "Missing ModelSpec"),
        ("Explain", b"", "UNIMPLEMENTED", "Method not found"),
        ("Predict", bytes(2_000_000), "RESOURCE_EXHAUSTED", "larger than max"),
    ],
)
def test_what_can_not_be_answered_is_told(method: str, request_: Any, code: str, told: str) -> None:
    def check(ask: Any, server: Running) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            ask(method, request_)
        assert caught.value.code().name == code
        assert told in caught.value.details()
        assert ask("Predict", predict())

    run(check, FakeServing(ServingConfig(limits=Limits(max_body_mb=1))))


def test_a_deadline_is_the_clients_and_who_goes_takes_its_request_back() -> None:
    serving = FakeServing()
    serving.holds = True

    def check(ask: Any, server: Running) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            ask("Predict", predict(), timeout=0.3)
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        gone = threading.Event()
        for _ in range(100):
            if serving.held[0].cancelled():
                gone.set()
                break
            gone.wait(0.02)
        assert gone.is_set()

    run(check, serving)


def test_a_failure_of_ours_is_told_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    serving = FakeServing()
    serving.answer = lambda question: {}[question.model]

    def check(ask: Any, server: Running) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            ask("Predict", predict())
        assert caught.value.code() is grpc.StatusCode.INTERNAL
        assert "KeyError" not in caught.value.details()

    run(check, serving)
    assert "KeyError" in caplog.text
    caplog.clear()  # its traceback holds the server


@pytest.mark.parametrize("place", ["begin", "end"])
def test_no_thread_waits_for_ever(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    def check(ask: Any, server: Running) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            ask("Predict", predict())
        assert caught.value.code() is grpc.StatusCode.INTERNAL

    monkeypatch.setattr(Answering, place, fail)
    run(check)
    assert "ZeroDivisionError" in caplog.text
    caplog.clear()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_tensorflow_serving_api_needs_no_change() -> None:
    python, told = environment("tfs"), []

    def check(_: Any, server: Running) -> None:
        told.append(run_there(python, CLIENT, server.grpc, TOKEN, TF_CPP_MIN_LOG_LEVEL="3"))
        assert [*server.serving.config.models] == ["other"]

    run(check)
    (found,) = told
    assert (found["floats"], found["array"]) == ([2.0, 4.0], [[3.0] * 4])
    assert found["later"] == 4
    assert found["classes"] == [["no", 3.0], ["yes", -3.0]]
    assert found["value"] == 6.0
    assert found["several"] == ["classification_result", "regression_result"]
    assert found["dtype"] == "int64"
    assert found["refused"][0] == "NOT_FOUND"
    assert "Could not find any versions of model none" in found["refused"][1]
    assert found["states"] == [[4, 20], [3, 30]]
    assert found["reloaded"] == 0
