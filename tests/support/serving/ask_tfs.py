"""Asks a server with tensorflow-serving-api, unmodified; runs in an environment of its own.

    python ask_tfs.py HOST:PORT TOKEN

Prints one JSON line: what TensorFlow and its stubs made of the answers.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

EXAMPLE = tf.train.Example(
    features=tf.train.Features(
        feature={"words": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))}
    )
)


def predict(**spec: Any) -> Any:
    """A request for the sum of two words."""
    asked = predict_pb2.PredictRequest()
    asked.model_spec.name = spec.pop("name", "some")
    for name, value in spec.items():
        setattr(asked.model_spec, name, value)
    asked.inputs["words"].CopyFrom(tf.make_tensor_proto([[1, 2]], dtype=tf.int64))
    return asked


def of_example(asked: Any, **spec: str) -> Any:
    """A request with one example."""
    asked.model_spec.name = "some"
    for name, value in spec.items():
        setattr(asked.model_spec, name, value)
    asked.input.example_list.examples.append(EXAMPLE)
    return asked


def main(address: str, token: str) -> None:
    """Ask everything once."""
    told: dict[str, Any] = {}
    channel = grpc.insecure_channel(address)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    found = stub.Predict(predict(), 10.0)
    told["floats"] = list(found.outputs["each"].float_val)
    told["array"] = tf.make_ndarray(found.outputs["sum"]).tolist()
    told["later"] = stub.Predict.future(predict(version_label="next"), 10.0).result().model_spec
    told["later"] = told["later"].version.value
    found = stub.Classify(of_example(classification_pb2.ClassificationRequest()), 10.0)
    classes = found.result.classifications[0].classes
    told["classes"] = [[each.label, each.score] for each in classes]
    found = stub.Regress(of_example(regression_pb2.RegressionRequest()), 10.0)
    told["value"] = found.result.regressions[0].value
    several = inference_pb2.MultiInferenceRequest()
    several.input.example_list.examples.append(EXAMPLE)
    for name in ("classify", "regress"):
        task = several.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name = "some"
        task.model_spec.signature_name = "classes" if name == "classify" else "number"
    told["several"] = [
        each.WhichOneof("result") for each in stub.MultiInference(several, 10.0).results
    ]
    asked = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    asked.model_spec.name = "some"
    signatures = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(asked, 10.0).metadata["signature_def"].Unpack(signatures)
    told["dtype"] = tf.as_dtype(signatures.signature_def["tags"].inputs["words"].dtype).name
    try:
        stub.Predict(predict(name="none"), 10.0)
    except grpc.RpcError as error:
        told["refused"] = [error.code().name, error.details()]
    models = model_service_pb2_grpc.ModelServiceStub(channel)
    status = get_model_status_pb2.GetModelStatusRequest()
    status.model_spec.name = "some"
    versions = models.GetModelStatus(status, 10.0).model_version_status
    told["states"] = [[each.version, each.state] for each in versions]
    reload = model_management_pb2.ReloadConfigRequest()
    one = reload.config.model_config_list.config.add()
    one.name, one.base_path, one.model_platform = "other", "/models/other", "tensorflow"
    shown = (("authorization", f"Bearer {token}"),)
    told["reloaded"] = models.HandleReloadConfigRequest(reload, 10.0, shown).status.error_code
    sys.stdout.write(json.dumps(told) + "\n")


main(*sys.argv[1:])
