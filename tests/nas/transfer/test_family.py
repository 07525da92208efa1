"""Members of the family, and the trainings that are derived from them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from tasks.core.errors import ConfigError
from tasks.core.ports import Skipped
from tasks.core.records import FileRef
from tasks.nas.manifests import TrainTask
from tasks.nas.models.cost import cost_of
from tasks.nas.training.config import TrainingConfig
from tasks.nas.training.groups import CIFAR, FROM_CIFAR, SCRATCH
from tasks.nas.training.networks import build, design_of, seed_of
from tasks.nas.transfer.config import SizeConfig, TransferConfig
from tasks.nas.transfer.family import (
    Member,
    cifar_tasks,
    from_cifar_tasks,
    labels,
    scale_family,
    scratch_tasks,
)
from tests.support.nas.transfer_results import CELLS, IMAGES
from tests.support.nas.transfer_runs import LEFT_OUT

CONFIG = TransferConfig(
    small=SizeConfig(300_000, 1),
    medium=LEFT_OUT,
    large=SizeConfig(700_000, 2),
    stem="cifar",
    num_images=50,
    num_seeds=2,
    recipe=TrainingConfig(auxiliary_weight=0.4),
    cifar_num_images=60,
    cifar_recipe=TrainingConfig(num_epochs=7),
)
SMALLER = IMAGES.model_copy(update={"side_px": 8, "classes": ("a", "b", "c", "d")})
LABEL = f"nasnet_a-{CELLS.genotype_hash[:16]}"


@pytest.fixture(scope="module")
def family() -> tuple[Member, ...]:
    return scale_family(CELLS, IMAGES, CONFIG)


def test_each_size_that_is_asked_for_has_three_networks_of_its_cost(
    family: tuple[Member, ...],
) -> None:
    names = [(each.size, each.task.item_id) for each in family]
    assert names == [
        (size, f"{label}-{size}")
        for size in ("small", "large")
        for label in (LABEL, "resnet", "mobilenet_v2")
    ]
    for each in family:
        cost = cost_of(lambda task=each.task: build(*design_of(task)), 16)
        assert abs(cost.mult_adds / (300_000 if each.size == "small" else 700_000) - 1) <= 0.05
    assert labels(CELLS) == {"nasnet_a": LABEL}
    assert [each.task.spec.get("num_cells") for each in family] == [1, None, None, 2, None, None]


def test_trainings_from_scratch_differ_in_their_seed(family: tuple[Member, ...]) -> None:
    tasks = [task for task, _ in scratch_tasks(family, CONFIG)]
    assert len({seed_of(each) for each in tasks}) == len(tasks) == 12
    assert {(each.group, each.image_px, each.num_images) for each in tasks} == {(SCRATCH, 16, 50)}
    assert [each.seed for each in tasks[:3]] == [0, 1, 0]


def test_trainings_on_cifar_have_its_images_classes_and_config(
    family: tuple[Member, ...],
) -> None:
    pairs = list(cifar_tasks(family, SMALLER, CONFIG))
    assert [size for _, size in pairs] == ["small"] * 6 + ["large"] * 6
    for task, _ in pairs:
        assert task.item_id.startswith("cifar-")
        assert (task.group, task.image_px, task.num_images) == (CIFAR, 8, 60)
        assert (task.spec["num_classes"], task.spec["image_px"]) == (4, 8)
        assert task.spec.get("has_auxiliary", False) is False
        assert TrainingConfig(**task.recipe) == CONFIG.cifar_recipe
    assert family[0].task.spec["has_auxiliary"], "on the larger images there is a second head"


def test_later_trainings_begin_with_the_weights_of_their_own_seed(
    family: tuple[Member, ...],
) -> None:
    before = [task.item_id for task, _ in cifar_tasks(family, SMALLER, CONFIG)]
    weights = {
        name: FileRef(uri=name, sha256="0" * 64, num_bytes=1)
        for name in before
        if name != "cifar-resnet-small-s1"
    }
    reasons = {"cifar-resnet-small-s1": "diverged"}
    found = [each for each, _ in from_cifar_tasks(family, weights, reasons, CONFIG)]
    (lost,) = (each for each in found if isinstance(each, Skipped))
    assert lost.item_id == "from_cifar-resnet-small-s1"
    assert lost.reason == "its training on CIFAR failed: diverged"
    begun = [each for each in found if isinstance(each, TrainTask)]
    assert len(begun) == 11
    for each in begun:
        assert each.group == FROM_CIFAR
        assert each.initial is not None
        assert each.initial.uri == each.item_id.replace(FROM_CIFAR, CIFAR, 1)


def test_a_wrong_size_is_named() -> None:
    with pytest.raises(ConfigError, match=r"transfer\.small\.mult_adds, nasnet_a: no width"):
        scale_family(CELLS, IMAGES, replace(CONFIG, small=SizeConfig(100, 1)))
    none = TransferConfig(small=LEFT_OUT, medium=LEFT_OUT, large=LEFT_OUT)
    with pytest.raises(ConfigError, match="set mult_adds of one of small, medium, large"):
        scale_family(CELLS, IMAGES, none)


def test_a_member_too_narrow_to_compare_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    scale_family(CELLS, IMAGES, CONFIG)
    (said,) = {each.message for each in caplog.records if "large" in each.message}
    assert re.match(r"nasnet_a, large has [\d.]+ filters: with fewer than 16", said)
    assert said.endswith("or for the imagenet stem")
    caplog.clear()
    wide = replace(CONFIG, small=LEFT_OUT, large=SizeConfig(30_000_000, 1))
    scale_family(CELLS, IMAGES, wide)
    assert not caplog.records
