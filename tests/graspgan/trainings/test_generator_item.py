from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tasks.core.config import config_json
from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.generator_item import patch_widths, train_one_generator
from tasks.graspgan.trainings.manifests import GeneratorTask, Material
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import NUM_STATIONS, SIDE_PX
from tests.support.graspgan.toy_sets import NUM, arrays_of, toy_set


def test_samples_are_adapted_as_often_as_asked(tmp_path: Path) -> None:
    source, target = toy_set(), toy_set("surrogate", has_labels=False, num_looks=1)
    folder = ItemFolder(tmp_path, arrays_of(source) | arrays_of(target, seed=1, brightness=50))
    shared = SharedCrops(num_pictures=1, side_px=SIDE_PX, device="cpu")
    torch.save(shared.network(standardises=True).state_dict(), tmp_path / "initial.pt")
    config = GeneratorConfig(num_steps=2, batch_size=8, num_points=1, num_scales=1, width=8)
    material = Material(crops=source, looks=("plain",))
    found = train_one_generator(
        GeneratorTask(
            item_id="from_plain-surrogate-s0",
            name="from_plain",
            target="surrogate",
            seed=0,
            source=material,
            validation=material,
            pictures=Material(crops=target, looks=("plain",)),
            num_stations=NUM_STATIONS,
            initial=folder.add("initial.pt"),
            config=config_json(config),
            num_looks=2,
        ),
        shared,
        folder,
    )
    with np.load(tmp_path / found.adapted.uri) as adapted:
        looks = [adapted[name] for name in sorted(adapted.files)]
    assert [each.shape for each in looks] == [(NUM, SIDE_PX, SIDE_PX, 3)] * 2
    assert (looks[0] != looks[1]).any()
    assert (tmp_path / found.grid.uri).is_file()
    assert {"task_loss_raw", "task_loss_adapted"} < {*found.curve[-1]["losses"]}


def test_more_layers_judge_wider_patches() -> None:
    seen = {}
    for num in (1, 3, 5):
        judges = Discriminators(1, NUM_STATIONS, num_scales=1, widths=patch_widths(num)).eval()
        pictures = torch.zeros(1, 3, 48, 48, requires_grad=True)
        (said,) = judges(pictures, torch.tensor([0]))
        said[0, 0, 12, 12].backward()
        seen[num] = int(pictures.grad[0].abs().sum(dim=(0, 1)).count_nonzero())
    assert seen == {1: 8, 3: 16, 5: 24}
