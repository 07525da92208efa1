from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tasks.bundle.programs import load_program
from tasks.graspgan.manifests import NetworkName
from tasks.graspgan.networks.domains import SOURCE
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.program import CropProgram, PictureProgram, program_of, save_program
from tasks.graspgan.samples.painters import painter
from tasks.graspgan.samples.pools import Pool
from tasks.graspgan.samples.reading import Asked, read_crops
from tasks.graspgan.trainings.predicting import scores
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tasks.grasping.data.shards import write_rows
from tasks.grasping.policy_model import check_model, load_model
from tasks.grasping.readers.dataset import SampleReader
from tasks.grasping.readers.samples import camera_in
from tasks.grasping.types import GripperPose
from tests.support.grasping.real_scenes import scene_rows


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "shard.parquet"
    write_rows(path, [scene_rows("surrogate", 0, num_attempts=4)])
    return path


@pytest.mark.parametrize("sees_arm", [False, True])
@pytest.mark.parametrize("name", ["crop", "picture"])
def test_a_policy_hears_what_the_training_would_say(
    shard: Path, tmp_path: Path, name: NetworkName, sees_arm: bool
) -> None:
    """Pictures, cameras with lenses and commands of a real world, through the exported program."""
    torch.manual_seed(0)
    network = SharedCrops(1 + sees_arm, 16, "cpu", name).network(standardises=True).eval()
    assert isinstance(network, CropNetwork if name == "crop" else PictureNetwork)
    save_program(program_of(network, SOURCE, 16, sees_arm=sees_arm), 32, tmp_path / "c.pt2")
    asked = Asked(16, "both" if sees_arm else "before", {"plain": 1}, True, name)
    read = read_crops(shard, asked, {"plain": painter("plain", 0)})
    pool = Pool((read["plain_0"],), read["motion"], np.zeros(4, np.int64))
    expected = torch.from_numpy(scores(network, pool, SOURCE)).sigmoid().numpy()
    model, rows = load_model(tmp_path / "c.pt2"), SampleReader([shard], also=("cameras", "poses"))
    for index in range(4):
        sample = rows[index]
        pose = GripperPose(*sample["pose"].tolist())
        said = model(
            sample["before"], sample["now"], sample["command"][None], pose, camera_in(sample)
        )
        assert said[0] == pytest.approx(expected[index], abs=2e-3)


def test_both_programs_pass_the_checks_of_policies_and_bundles(tmp_path: Path) -> None:
    picture = PictureNetwork(2, 5, standardises=False, side_px=24, width=4, depths=(1, 1, 1))
    save_program(PictureProgram(picture, SOURCE, 24, sees_arm=True), 32, tmp_path / "p.pt2")
    check_model(tmp_path / "p.pt2", 32, 64)
    load_program(tmp_path / "p.pt2", "a bundle's program")
    crop = CropNetwork(1, 4, standardises=True, side_px=16)
    save_program(CropProgram(crop, SOURCE, 16, sees_arm=False), 32, tmp_path / "c.pt2")
    check_model(tmp_path / "c.pt2", 32, 7)
    load_program(tmp_path / "c.pt2", "a bundle's program")
