from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tasks.core.config import config_json
from tasks.graspgan.networks.discriminator import Discriminators
from tasks.graspgan.trainings.config import GeneratorConfig
from tasks.graspgan.trainings.generator_item import patch_widths, train_one_generator
from tasks.graspgan.trainings.health import Health
from tasks.graspgan.trainings.manifests import GeneratorTask, Material
from tasks.graspgan.trainings.predictor_item import SharedCrops
from tests.support.graspgan.folders import ItemFolder
from tests.support.graspgan.toy_pools import NUM_STATIONS, SIDE_PX
from tests.support.graspgan.toy_sets import NUM, arrays_of, toy_set


def task(folder: ItemFolder, config: GeneratorConfig) -> GeneratorTask:
    source, target = toy_set(), toy_set("surrogate", has_labels=False, num_looks=1)
    material = Material(crops=source, looks=("plain",))
    return GeneratorTask(
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
    )


class Folder(ItemFolder):
    """One that keeps what is shown on the way."""

    def __init__(self, path: Path) -> None:
        source, target = toy_set(), toy_set("surrogate", has_labels=False, num_looks=1)
        super().__init__(path, arrays_of(source) | arrays_of(target, seed=1, brightness=50))
        torch.save(SHARED.network(standardises=True).state_dict(), path / "initial.pt")
        self.shown: dict[int, np.ndarray] = {}

    def report(self, metrics: Mapping[str, float], step: int, **pictures: np.ndarray) -> None:
        super().report(metrics, step)
        self.shown[step] = pictures["grid"]


CONFIG = GeneratorConfig(num_steps=2, batch_size=8, num_points=1, num_scales=1, width=8)
SHARED = SharedCrops(num_pictures=1, side_px=SIDE_PX, device="cpu")


def test_samples_are_adapted_as_often_as_asked(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    found = train_one_generator(task(folder, CONFIG), SHARED, folder)
    with np.load(tmp_path / found.adapted.uri) as adapted:
        looks = [adapted[name] for name in sorted(adapted.files)]
    assert [each.shape for each in looks] == [(NUM, SIDE_PX, SIDE_PX, 3)] * 2
    assert (looks[0] != looks[1]).any()
    assert (tmp_path / found.grid.uri).is_file()
    assert {"task_loss_raw", "task_loss_adapted"} < {*found.curve[-1]["losses"]}


def test_grids_are_shown_while_it_trains(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    config = replace(CONFIG, num_steps=4, num_points=2, learning_rate=0.05)
    found = train_one_generator(task(folder, config), SHARED, folder)
    assert [*folder.shown] == [*folder.reports] == [2, 4]
    assert (folder.shown[2] != folder.shown[4]).any()
    last = cv2.imread(str(tmp_path / found.grid.uri))[..., ::-1]
    assert (folder.shown[4] == last).all()
    assert {"discriminator_loss", "diversity_ratio"} < {*folder.reports[2]}


def test_the_log_warns_once_of_each_sign_from_the_middle_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def figures(*_: object) -> dict[str, float]:
        return {"diversity_ratio_station_1": 0.3, "blind_loss": 0.6}

    monkeypatch.setattr(Health, "figures", figures)
    folder = Folder(tmp_path)
    config = replace(CONFIG, num_steps=4, num_points=4)
    train_one_generator(task(folder, config), SHARED, folder)
    said = [each.getMessage() for each in caplog.records if "vary" in each.getMessage()]
    assert said == [
        "from_plain-surrogate-s0, step 2: adapted pictures of station 1 vary 0.30 times as much as "
        "real ones"
    ]


def test_more_layers_judge_wider_patches() -> None:
    seen = {}
    for num in (1, 3, 5):
        judges = Discriminators(1, NUM_STATIONS, num_scales=1, widths=patch_widths(num)).eval()
        pictures = torch.zeros(1, 3, 48, 48, requires_grad=True)
        (said,) = judges(pictures, torch.tensor([0]))
        said[0, 0, 12, 12].backward()
        seen[num] = int(pictures.grad[0].abs().sum(dim=(0, 1)).count_nonzero())
    assert seen == {1: 8, 3: 16, 5: 24}
