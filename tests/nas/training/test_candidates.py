"""Cells and hand-made networks come to the cost that is asked, and into trainings."""

from __future__ import annotations

import pytest

from tasks.core.errors import ConfigError
from tasks.nas.models.cost import cost_of
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.genotype_file import GenotypeRecord
from tasks.nas.space.published import published
from tasks.nas.training.candidates import Target, beside_baselines, scaled, train_task
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import BASELINES, SCRATCH
from tasks.nas.training.networks import build, design_of

CELLS = GenotypeRecord.of(published("amoebanet_a"))
TARGET = Target(image_px=16, mult_adds=500_000, num_classes=7, num_images=90)


def test_hand_made_networks_stand_behind_the_cells() -> None:
    found = beside_baselines({"mine": CELLS})
    assert found == {"mine": CELLS, "resnet": None, "mobilenet_v2": None}
    assert list(found) == ["mine", *BASELINES]


@pytest.mark.parametrize("name", ["mine", *BASELINES])
def test_all_cost_the_same(name: str) -> None:
    cells = CELLS if name == "mine" else None
    size = scaled(name, cells, TARGET)
    genotype = None if cells is None else cells.genotype()
    cost = cost_of(lambda: build(genotype, size), 16)
    assert abs(cost.mult_adds / 500_000 - 1) <= 0.05
    assert (size.num_classes, size.image_px, size.stem) == (7, 16, "cifar")


def test_a_resnet_chooses_its_blocks_and_cells_keep_theirs() -> None:
    resnet = scaled("resnet", None, TARGET)
    assert isinstance(resnet, BaselineSize)
    assert resnet.num_blocks in (1, 2, 3)
    deep = Target(image_px=8, mult_adds=400_000, num_classes=2, num_cells=2)
    size = scaled("mine", CELLS, deep)
    assert isinstance(size, NetworkSize)
    assert size.num_cells == 2


def test_a_training_says_all_that_decides_it() -> None:
    config = TrainingConfig(auxiliary_weight=0.4, drop_path_rate=0.3, num_epochs=9)
    task = train_task("id", "mine", CELLS, TARGET, config, group=SCRATCH, search="evolution-0")
    assert (task.item_id, task.name, task.group, task.search) == (
        "id",
        "mine",
        SCRATCH,
        "evolution-0",
    )
    assert (task.image_px, task.num_images, task.seed, task.initial) == (16, 90, 0, None)
    assert TrainingConfig(**task.recipe) == config
    genotype, size = design_of(task)
    assert genotype == published("amoebanet_a")
    assert isinstance(size, NetworkSize)
    assert (size.has_auxiliary, size.drop_path_rate) == (True, 0.3)
    backbone = scaled("mine", CELLS, TARGET)
    assert isinstance(backbone, NetworkSize)
    assert (backbone.has_auxiliary, backbone.drop_path_rate) == (False, 0.0)


@pytest.mark.parametrize(("name", "cells"), [("mine", CELLS), ("resnet", None)])
def test_a_cost_out_of_reach_is_refused(name: str, cells: GenotypeRecord | None) -> None:
    with pytest.raises(ConfigError, match="no width costs 10 multiply-adds"):
        scaled(name, cells, Target(image_px=8, mult_adds=10, num_classes=2))
