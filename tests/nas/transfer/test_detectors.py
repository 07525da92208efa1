"""Which detectors are trained, and what their backbones begin with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.nas.detection.config import DetectorConfig, DetectorTrainingConfig
from tasks.nas.detection.manifests import DetectTask
from tasks.nas.models.cost import cost_of
from tasks.nas.training.networks import build, design_of
from tasks.nas.transfer.config import DetectConfig
from tasks.nas.transfer.detectors import detect_tasks
from tasks.nas.transfer.manifests import TimmBackbone
from tests.support.nas.transfer_results import BOXES, CELLS, FILE, transferred

CONFIG = DetectConfig(
    stem="cifar",
    mult_adds=1_000_000,
    num_cells=1,
    num_seeds=2,
    detector=DetectorConfig(neck_channels=8, finest_stride=4, num_levels=1),
    recipe=DetectorTrainingConfig(num_steps=4),
)
FOUND = transferred(
    {
        ("nasnet_a", "small", "scratch"): (0.5, 0.6, 0.7),
        ("resnet", "small", "scratch"): (0.5, 0.6, 0.7),
        ("resnet", "large", "scratch"): (0.8, 0.8, 0.8),
    }
)


def test_drawn_backbones_have_one_cost_and_the_classes_of_the_boxes() -> None:
    tasks = list(detect_tasks(FOUND, BOXES, CONFIG))
    label = f"nasnet_a-{CELLS.genotype_hash[:16]}"
    assert [each.item_id for each in tasks] == [
        f"detect-{name}-s{seed}" for name in (label, "resnet", "mobilenet_v2") for seed in (0, 1)
    ]
    for each in tasks:
        assert isinstance(each, DetectTask)
        assert each.initial is None
        assert each.spec["num_classes"] == len(BOXES.classes)
        cost = cost_of(lambda task=each: build(*design_of(task)), BOXES.side_px)
        assert abs(cost.mult_adds / 1_000_000 - 1) <= 0.05
        assert DetectorConfig(**each.detector) == CONFIG.detector
        assert DetectorTrainingConfig(**each.recipe) == CONFIG.recipe


def test_backbones_of_the_family_bring_their_size_and_weights() -> None:
    config = replace(CONFIG, weights="small")
    lost = FOUND.networks[1].item_id
    found = FOUND.model_copy(
        update={"networks": tuple(n for n in FOUND.networks if n.item_id != lost)}
    )
    tasks = list(detect_tasks(found, BOXES, config))
    assert [each.item_id for each in tasks] == [
        f"detect-scratch-{name}-small-s{seed}" for name in ("nasnet_a", "resnet") for seed in (0, 1)
    ]
    assert [isinstance(each, Skipped) for each in tasks] == [False, True, False, False]
    assert isinstance(tasks[1], Skipped)
    assert tasks[1].reason == f"its classifier {lost} failed"
    weights = {each.item_id: each.weights for each in found.networks}
    assert isinstance(tasks[0], DetectTask)
    assert tasks[0].initial == weights["scratch-nasnet_a-small-s0"]


def test_what_can_not_be_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"detect\.weights is 'medium', but no network of this"):
        list(detect_tasks(FOUND, BOXES, replace(CONFIG, weights="medium")))
    with pytest.raises(ConfigError, match=r"detect\.mult_adds, nasnet_a: no width costs 10,000"):
        list(detect_tasks(FOUND, BOXES, replace(CONFIG, mult_adds=10_000)))
    levels = replace(CONFIG, detector=DetectorConfig(finest_stride=8, num_levels=1))
    with pytest.raises(ConfigError, match=r"detect\.detector, nasnet_a: no map has a stride of 8"):
        list(detect_tasks(FOUND, BOXES, levels))


def test_weights_of_timm_stand_alone_and_stay_as_they_are() -> None:
    config = replace(CONFIG, weights="timm")
    with pytest.raises(ConfigError, match=r"name their file in prepare_transfer\.timm"):
        list(detect_tasks(FOUND, BOXES, config))
    backbone = TimmBackbone(
        name="resnet18 of timm",
        genotype=None,
        spec={"kind": "resnet18", "width": 1.0, "stem": "imagenet"},
        standard=((0.5,) * 3, (0.25,) * 3),
        weights=FILE,
    )
    data = FOUND.data.model_copy(update={"timm": backbone})
    tasks = list(detect_tasks(FOUND.model_copy(update={"data": data}), BOXES, config))
    assert [(each.name, each.seed) for each in tasks] == [(backbone.name, 0), (backbone.name, 1)]
    assert {each.frozen_standard for each in tasks} == {backbone.standard}
    assert {each.initial for each in tasks} == {FILE}
