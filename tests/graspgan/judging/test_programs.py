from __future__ import annotations

from pathlib import Path

import torch

from tasks.graspgan.judging.manifests import ProgramTask
from tasks.graspgan.judging.programs import Pictures, export_program
from tasks.graspgan.trainings.manifests import TrainedPredictor
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tasks.grasping.policy_model import check_model
from tests.support.graspgan.folders import ItemFolder


def test_a_predictor_becomes_a_policy_for_pictures_of_a_size(tmp_path: Path) -> None:
    folder = ItemFolder(tmp_path, {})
    crops = SharedCrops(num_pictures=1, side_px=16, device="cpu")
    torch.save(crops.network(standardises=True).state_dict(), tmp_path / "weights.pt")
    predictor = TrainedPredictor(
        item_id="labels-surrogate-s0",
        method="labels",
        target="surrogate",
        seed=0,
        domain=1,
        weights=folder.add("weights.pt"),
        validation_auc=0.7,
        curve=(),
        num_labels=6,
        cpu_s=1.0,
    )
    task = ProgramTask(item_id=predictor.item_id, predictor=predictor)
    found = export_program(task, Pictures(crops=crops, picture_px=32), folder)
    check_model(tmp_path / found.program.uri, 32, 64)
    assert (found.method, found.target) == ("labels", "surrogate")
