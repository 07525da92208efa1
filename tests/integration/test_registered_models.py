"""What is registered is used by programs that know MLflow, torch, NumPy and Pillow alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from operators.processes.ports import Ports
from operators.record.mlflow_tracker import open_run
from operators.record.model_registry import MlflowModels
from operators.stage.local import LocalRun
from tasks.bundle.making import Example, make_bundle
from tasks.bundle.programs import load_program
from tasks.grasping.policy_model import check_model, load_model
from tasks.grasping.types import Camera, GripperPose
from tasks.intake.images import decode_rgb
from tasks.nas.data.raw_images import square
from tasks.nas.stages.register import register_models
from tasks.nas.stages.transfer import transfer_cells
from tasks.nas.transfer.config import RegisterConfig
from tasks.nas.transfer.manifests import RegisteredModels, TransferredNetworks
from tests.nas.test_readme import ALL_EXAMPLES
from tests.support.grasping.grasp_models import save_model
from tests.support.kernel.model_packages import package_in, right_on, write_answers
from tests.support.nas.transfer_runs import TRANSFER, begun

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of MLflow's client
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred:UserWarning"),
]
# Where the robot is and sees from: this program looks at neither.
POSE = GripperPose(0.5, 0.0, 0.2, 0.0)
CAMERA = Camera(16, 16, 30.0, 30.0, 7.5, 7.5, np.eye(4))
ASK_GRASPS = """
import sys

import mlflow
import numpy as np
import torch

model = mlflow.pyfunc.load_model(sys.argv[1], dst_path="model")
with np.load("asked.npz") as file:
    asked = dict(file)
program = torch.export.load("model/data/network/model.pt2")
names = program.graph_signature.user_inputs
with torch.no_grad():
    by_position = program.module()(*[torch.tensor(asked[name]) for name in names])
np.savez("told.npz", by_position=by_position.numpy(), **model.predict(asked))
few = model.predict({**asked, "commands": asked["commands"][:2]})
np.savez("few.npz", **few)
for wrong in (
    {"later": asked["now"]},
    {"now": asked["now"].astype(np.float32)},
    {"now": asked["now"][:, :9]},
    {"commands": asked["commands"][:, :4]},
):
    kept = {name: array for name, array in asked.items() if "later" not in wrong or name != "now"}
    try:
        model.predict({**kept, **wrong})
    except mlflow.MlflowException as error:
        print("REFUSED", str(error).splitlines()[-1])
"""
REFUSED = (
    r"missing inputs \['now'\]. Note that there were extra inputs: \['later'\]",
    "dtype of input float32 does not match expected dtype uint8",
    r"Shape of input \(1, 9, 16, 3\) does not match expected shape \(1, 16, 16, 3\)",
    r"Shape of input \(6, 4\) does not match expected shape \(-1, 5\)",
)


def asked(program: str, *args: str, folder: Path, mlflow_url: str) -> list[str]:
    """What a program prints in a process of its own, that does not know this code."""
    (folder / "program.py").write_text(program)
    return subprocess.run(
        [sys.executable, "-I", "program.py", *args],
        cwd=folder,
        env={**os.environ, "MLFLOW_TRACKING_URI": mlflow_url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def registry(mlflow_url: str, dag_id: str) -> MlflowModels:
    tags = {"airflow.dag_id": dag_id, "airflow.run_id": uuid.uuid4().hex}
    return MlflowModels(mlflow_url, open_run(mlflow_url, "models", "run", tags))


def test_a_grasp_predictor_is_asked_by_names_and_drives_the_policy(
    servers: Ports, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    before, now = rng.integers(0, 256, (2, 1, 16, 16, 3), np.uint8)
    commands = rng.normal(0, 0.1, (6, 5)).astype(np.float32)
    package = package_in(tmp_path, name=f"grasps-{uuid.uuid4().hex}", test_key="grasps")
    saved = save_model(tmp_path / "model.pt2", size_px=16)
    asked_for = (before[0], now[0], commands, POSE, CAMERA)
    expected = load_model(saved)(*asked_for)
    given = {"before": before, "now": now, "commands": commands[:4]}
    example = Example(given, {"scores": expected[:4].astype(np.float32)}, 1e-4)
    program = load_program(saved, "grasps")
    make_bundle(package.bundle, "grasps", program, {"predict": example}, with_onnx=False)
    write_answers(package.answers, right_on(range(50)))
    done = registry(servers.mlflow_url, "grasps").register(package)
    assert (done.version, done.is_champion) == (1, True)

    np.savez(tmp_path / "asked.npz", commands=commands, now=now, before=before)
    (tmp_path / "model").mkdir()
    model = f"models:/{package.name}@champion"
    printed = asked(ASK_GRASPS, model, folder=tmp_path, mlflow_url=servers.mlflow_url)
    with np.load(tmp_path / "told.npz") as told:
        assert told["scores"].dtype == np.float32
        for name in ("scores", "by_position"):
            np.testing.assert_allclose(told[name], expected, atol=1e-6)
    with np.load(tmp_path / "few.npz") as few:
        np.testing.assert_allclose(few["scores"], expected[:2], atol=1e-6)
    refused = [line for line in printed if line.startswith("REFUSED")]
    for line, reason in zip(refused, REFUSED, strict=True):
        assert re.search(reason, line)
    kept = tmp_path / "model/data/network/model.pt2"
    check_model(kept, 16, 9)
    np.testing.assert_array_equal(load_model(kept)(*asked_for), expected)


def test_a_registered_model_names_a_photo_where_this_code_is_not(
    servers: Ports, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    local = LocalRun(tmp_path / "store", seed=3)
    networks = local.run(transfer_cells, *begun(local, tmp_path), config=TRANSFER)
    models = registry(servers.mlflow_url, "transfer_cells")
    config = RegisterConfig(models=f"photos-{uuid.uuid4().hex}")
    context: Any = local.context(register_models, networks, config=config)
    monkeypatch.setattr(type(context), "models", models)
    made = register_models(networks, config, context)
    (entry,) = local.read(made, RegisteredModels).models
    noise = np.random.default_rng(0).normal(0, 40, (37, 61, 3))
    photo = (np.array([60, 200, 60]) + noise).clip(0, 255).astype(np.uint8)
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.fromarray(photo).save(tmp_path / "photo.jpg", exif=turned)
    (program,) = [each for each in ALL_EXAMPLES if "sys.argv" in each]
    args = (f"models:/{entry.model}@champion", "photo.jpg")
    told = asked(program, *args, folder=tmp_path, mlflow_url=servers.mlflow_url)
    upright = decode_rgb((tmp_path / "photo.jpg").read_bytes(), "photo", upright=True)
    assert upright.size == (37, 61)
    inputs = square(upright, 16) / np.float32(255)
    network = torch.export.load(local.fetch(entry.files["model.pt2"])).module()
    with torch.no_grad():
        shares = network(torch.tensor(inputs).permute(2, 0, 1)[None])[0].softmax(dim=0)
    classes = local.read(networks, TransferredNetworks).data.images.classes
    assert told[-1] == f"{classes[shares.argmax()]} {100 * shares.max():.1f} %"
