"""A model behind `mlflow models serve`: its ONNX flavour, through pyfunc.

python mlflow_server.py MODEL PORT

The folder where it runs takes the model as MLflow saves it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import mlflow.onnx  # noqa: TID253 - run as a program, there
import onnx

_ONE_THREAD = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}

if __name__ == "__main__":
    graph, port = sys.argv[1:]
    mlflow.onnx.save_model(
        onnx.load(graph),
        "model",
        pip_requirements=["onnxruntime"],
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options=_ONE_THREAD,
    )
    programs = Path(sys.executable).parent
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"  # it looks for uvicorn
    options = ["--env-manager=local", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    command = ["mlflow", "models", "serve", "--model-uri=model", *options]
    os.execv(programs / "mlflow", command)  # noqa: S606 - of this environment
