"""What a pipeline registered is used by a program that knows MLflow, torch and Pillow alone."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from operators.processes.ports import Ports
from operators.record.mlflow_tracker import open_run
from operators.record.model_registry import MlflowModels
from operators.stage.local import LocalRun
from tasks.intake.images import decode_rgb
from tasks.nas.data.raw_images import square
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer.config import RegisterConfig
from tasks.nas.transfer.manifests import RegisteredModels, TransferredNetworks
from tests.nas.test_readme import ALL_EXAMPLES
from tests.support.nas.transfer_runs import TRANSFER, begun


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of MLflow's client
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning")
def test_a_registered_model_names_a_photo_where_this_code_is_not(
    servers: Ports, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    local = LocalRun(tmp_path / "store", seed=3)
    networks = local.run(transfer_cells, *begun(local, tmp_path), config=TRANSFER)
    tags = {"airflow.dag_id": "transfer_cells", "airflow.run_id": uuid.uuid4().hex}
    models = MlflowModels(servers.mlflow_url, open_run(servers.mlflow_url, "photos", "run", tags))
    config = RegisterConfig(models=f"photos-{uuid.uuid4().hex}")
    context: Any = local.context(register_models, networks, config=config)
    monkeypatch.setattr(type(context), "models", models)
    made = register_models(networks, config, context)
    (entry,) = local.read(made, RegisteredModels).models
    noise = np.random.default_rng(0).normal(0, 40, (37, 61, 3))
    photo = (np.array([60, 200, 60]) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.jpg")
    (program,) = [each for each in ALL_EXAMPLES if "sys.argv" in each]
    (tmp_path / "name_photo.py").write_text(program)
    told = subprocess.run(
        [sys.executable, "-I", "name_photo.py", f"models:/{entry.model}@champion", "photo.jpg"],
        cwd=tmp_path,
        env={**os.environ, "MLFLOW_TRACKING_URI": servers.mlflow_url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    inputs = square(decode_rgb((tmp_path / "photo.jpg").read_bytes(), "photo"), 16) / np.float32(
        255
    )
    network = torch.export.load(local.fetch(entry.files["model.pt2"])).module()
    with torch.no_grad():
        shares = network(torch.tensor(inputs).permute(2, 0, 1)[None])[0].softmax(dim=0)
    classes = local.read(networks, TransferredNetworks).data.images.classes
    assert told.splitlines()[-1] == f"{classes[shares.argmax()]} {100 * shares.max():.1f} %"
