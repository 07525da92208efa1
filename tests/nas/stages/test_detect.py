"""Detectors: all backbones and seeds, weights of the classifiers, and failures."""

from __future__ import annotations

from dataclasses import replace
from functools import wraps
from pathlib import Path

import cv2
import pytest
import torch

from operators.stage.local import LocalRun
from tasks.core.errors import ConfigError, DataError
from tasks.core.records import ArtifactRef
from tasks.nas.stages import detect
from tasks.nas.stages.detect import detect_objects
from tasks.nas.training.groups import FROM_CIFAR
from tasks.nas.transfer.manifests import TrainedDetectors, TransferredNetworks
from tests.support.nas.transfer_results import transferred
from tests.support.nas.transfer_runs import DETECT, TransferRun

Trained = tuple[LocalRun, ArtifactRef]


@pytest.fixture(scope="session")
def networks(transfer_run: TransferRun) -> Trained:
    return transfer_run.local, transfer_run.networks


@pytest.fixture(scope="module")
def found(networks: Trained) -> tuple[LocalRun, TrainedDetectors]:
    local, ref = networks
    return local, local.read(local.run(detect_objects, ref, config=DETECT), TrainedDetectors)


def test_every_backbone_is_trained_with_each_seed(
    found: tuple[LocalRun, TrainedDetectors],
) -> None:
    _, result = found
    names = [(task.name, task.seed) for task in result.tasks]
    assert names == [(n, s) for n in ("cells", "resnet", "mobilenet_v2") for s in (0, 1)]
    assert len(result.detectors) == 6
    for each in result.detectors:
        assert abs(each.backbone_mult_adds / DETECT.mult_adds - 1) <= 0.05
        assert [point.step for point in each.curve] == [2, 4]
        assert each.curve[-1].ap50 == pytest.approx(each.ap50)
        assert 0 <= each.mean_ap <= each.ap50 <= 1


def test_pictures_and_weights_are_kept(found: tuple[LocalRun, TrainedDetectors]) -> None:
    local, result = found
    picture = cv2.imread(str(local.fetch(result.detectors[0].picture)))
    assert picture is not None
    assert min(picture.shape[:2]) > 300
    state = torch.load(local.fetch(result.detectors[0].weights), weights_only=True)
    assert any(name.startswith("backbone.network.cells") for name in state)


def test_a_classifier_gives_its_weights(networks: Trained) -> None:
    local, ref = networks
    result = local.read(ref, TransferredNetworks)
    still = replace(DETECT.recipe, num_steps=1, num_evaluations=1, learning_rate=1e-12)
    config = replace(DETECT, weights="small", num_seeds=1, recipe=still)
    detectors = local.read(local.run(detect_objects, ref, config=config), TrainedDetectors)
    weights = {each.item_id: each.weights for each in result.networks}
    begun = [
        task.item_id
        for task in result.tasks
        if (task.group, result.size_of[task.item_id], task.seed) == (FROM_CIFAR, "small", 0)
    ]
    assert [task.initial for task in detectors.tasks] == [weights[each] for each in begun]
    assert len(detectors.detectors) == 3
    first = torch.load(local.fetch(detectors.tasks[0].initial), weights_only=True)
    state = torch.load(local.fetch(detectors.detectors[0].weights), weights_only=True)
    shared = [name for name in first if name.endswith("weight") and "classifier" not in name]
    assert len(shared) > 10
    for name in shared:
        torch.testing.assert_close(state[f"backbone.network.{name}"], first[name])


def test_a_size_that_was_not_trained_is_refused(networks: Trained) -> None:
    local, ref = networks
    with pytest.raises(
        ConfigError, match=r"detect\.weights is 'medium', but no network of this size"
    ):
        local.run(detect_objects, ref, config=replace(DETECT, weights="medium"))


def test_a_cost_that_no_width_reaches_is_refused(networks: Trained) -> None:
    local, ref = networks
    with pytest.raises(ConfigError, match=r"detect\.mult_adds, cells: no width costs 10,000"):
        local.run(detect_objects, ref, config=replace(DETECT, mult_adds=10_000))


def test_a_detector_that_diverges_is_listed_and_the_rest_goes_on(
    networks: Trained, found: tuple[LocalRun, TrainedDetectors], monkeypatch: pytest.MonkeyPatch
) -> None:
    local, ref = networks
    trained = {each.item_id: each for each in found[1].detectors}

    @wraps(detect.train_one_detector)
    def diverging(item, config, folder):  # type: ignore[no-untyped-def]
        if item.name == "resnet":
            raise DataError("the loss is nan at step 2 of 4")
        return trained[item.item_id]

    diverging.__qualname__ = "diverging"  # its items are not those of other tests
    monkeypatch.setattr(detect, "train_one_detector", diverging)
    config = replace(DETECT, num_seeds=1, max_failed_fraction=0.4)
    context = local.context(detect_objects, ref, config=config)
    result = local.read(detect_objects(ref, config, context), TrainedDetectors)
    (failed,) = result.skipped
    assert (failed.item_id, failed.reason) == (
        "detect-resnet-s0",
        "the loss is nan at step 2 of 4",
    )
    assert len(result.detectors) == 2
    strict = replace(config, max_failed_fraction=0.2)
    with pytest.raises(DataError, match=r"1 of 3 items can't be used.*the loss is nan"):
        detect_objects(ref, strict, local.context(detect_objects, ref, config=strict))


def test_without_boxes_nothing_is_detected(tmp_path: Path) -> None:
    local = LocalRun(tmp_path / "store")
    networks = transferred({("nasnet_a", "small", "scratch"): (0.5,)})
    data = networks.data.model_copy(update={"boxes": None})
    ref = local.put(networks.model_copy(update={"data": data}))
    result = local.read(local.run(detect_objects, ref, config=DETECT), TrainedDetectors)
    assert (result.boxes, result.detectors, result.mean_ap) == (None, (), 0.0)
