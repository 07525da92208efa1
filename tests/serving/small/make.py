"""For the small run of `release_model`: a model of `transfer_cells`, its server, and traffic."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np

from operators.access import SERVING_TOKEN
from operators.installation import PROFILE, ROOT, STATE_FOLDER, load_profile
from operators.record.mlflow_tracker import open_run
from operators.record.model_registry import MlflowModels
from operators.stage.local import LocalRun
from tasks.core.models import ModelPackage, RegisteredModel
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer.config import RegisterConfig
from tests.support.nas.transfer_runs import LEFT_OUT, TRANSFER, begun

SMALL = replace(TRANSFER, large=LEFT_OUT, num_seeds=1)


class _Twice(MlflowModels):
    """Registers what it is given, and once more under another tag: another version."""

    def register(self, package: ModelPackage) -> RegisteredModel:
        first = super().register(package)
        with patch("operators.record.model_registry._check"):  # the same bytes, just checked
            super().register(replace(package, tags={**package.tags, "again": "yes"}))
        return first


def make(folder: Path, *, is_grown: bool) -> None:
    """Register two versions of the winner of a small transfer; the grown run releases the other."""
    if is_grown:
        return
    uri = load_profile(os.environ[PROFILE]).tracking_uri
    tags = {"airflow.dag_id": "transfer_cells", "airflow.run_id": folder.name}
    local = LocalRun(folder / "transfer")
    networks = local.run(transfer_cells, *begun(local, folder), config=SMALL)
    config = RegisterConfig(models="released")
    context: Any = local.context(register_models, networks, config=config)
    run = open_run(uri, "transfer_cells", folder.name, tags)
    with patch.object(type(context), "models", _Twice(uri, run)):
        register_models(networks, config, context)


@contextmanager
def beside(folder: Path) -> Iterator[None]:
    """Serve the model, and send it requests; in the end its second version answers."""
    (folder / "serving.yaml").write_text(
        "models: {cells: {registry: released-larger, aliases: []}}\n"
        "limits: {poll_s: 0.5, drain_s: 0.5}\n"
    )
    os.environ[SERVING_TOKEN] = "secret"
    command = (sys.executable, "-m", "operators.serving", "--rest-port=0", "--grpc-port=0")
    process = subprocess.Popen(
        [*command, "--config", str(folder / "serving.yaml")],
        cwd=ROOT,
        env={**os.environ, STATE_FOLDER: str(folder / "state")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            found = (re.match(r"REST\s+(\S+)/v1/models/NAME", line) for line in process.stdout)
            address = next(each[1] for each in found if each)
            with Path(os.environ[PROFILE]).open("a") as profile:
                profile.write(f"serving_api: {address}\n")
            with _traffic(address):
                yield
            told = httpx.get(f"{address}/v1/models/cells/release").json()
            assert (told["stable"], told["note"]["verdict"]) == (2, "promoted"), told
        finally:
            del os.environ[SERVING_TOKEN]
            process.terminate()


@contextmanager
def _traffic(address: str) -> Iterator[None]:
    """Ask by the hand of many clients; whoever is not answered yet asks again."""
    ended = threading.Event()

    def ask() -> None:
        body = {"inputs": np.zeros((1, 3, 16, 16)).tolist()}
        with httpx.Client(base_url=address, timeout=60) as client:
            for number in itertools.count():
                headers = {"x-request-key": str(number)}
                client.post("/v1/models/cells:predict", json=body, headers=headers)
                if ended.wait(0.02):
                    return

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
