"""Asks a server with tritonclient, unmodified; runs in an environment of its own.

    python ask_oip.py HOST:PORT TOKEN

Prints one JSON line: what the client made of the answers.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException


def words(is_binary: bool) -> Any:
    """The input of one item."""
    given = triton.InferInput("words", [1, 2], "INT64")
    given.set_data_from_numpy(np.array([[1, 2]], np.int64), binary_data=is_binary)
    return given


def main(address: str, token: str) -> None:
    """Ask everything once."""
    client, told = triton.InferenceServerClient(address), {}
    told["ready"] = client.is_server_live() and client.is_server_ready()
    told["model_ready"] = [client.is_model_ready("some"), client.is_model_ready("none")]
    told["server"] = client.get_server_metadata()["extensions"]
    told["inputs"] = client.get_model_metadata("some")["inputs"]
    told["config"] = client.get_model_config("some")["input"][0]["data_type"]
    binary = client.infer("some", [words(True)], request_id="7")
    told["binary"] = [binary.as_numpy("each").tolist(), binary.get_response()["id"]]
    wanted = [triton.InferRequestedOutput("sum", binary_data=False)]
    plain = client.infer("some", [words(False)], outputs=wanted, model_version="4")
    told["plain"] = [plain.as_numpy("sum").tolist(), plain.get_response()["model_version"]]
    packed = client.infer("some", [words(True)], request_compression_algorithm="gzip")
    told["packed"] = packed.as_numpy("each").tolist()
    scored = [triton.InferRequestedOutput("scores", class_count=1)]
    classes = client.infer(
        "some", [words(True)], outputs=scored, parameters={"signature_name": "classes"}
    )
    told["classes"] = [each.decode() for each in classes.as_numpy("scores").ravel()]
    try:
        odd = triton.InferInput("x", [1], "FP32")
        client.infer("some", [odd.set_data_from_numpy(np.ones(1, np.float32))])
    except InferenceServerException as error:
        told["refused"] = str(error)
    stats = client.get_inference_statistics("some", "3")["model_stats"]
    told["counted"] = stats[0]["inference_stats"]["success"]["count"]
    told["index"] = [each["state"] for each in client.get_model_repository_index()]
    headers = {"authorization": f"Bearer {token}"}
    client.unload_model("some", headers=headers)
    client.load_model("some", headers=headers)
    sys.stdout.write(json.dumps(told) + "\n")


main(*sys.argv[1:])
