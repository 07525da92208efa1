"""Children of the benchmark: the same cells and images, and figures that compare them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.nas.baseline import NUM_CELLS, Job, channels_last_child, fixed_cell, plain_child
from benchmarks.nas.children import (
    CONTENDERS,
    accuracies,
    child_job,
    own_child,
    per_core_hour,
    ratios,
)
from tasks.nas.manifests import Rung
from tasks.nas.space.canonical import genotype_hash
from tests.support.nas.image_sets import coloured, write_packed

RUNG = Rung(image_px=8, num_filters=4, num_cells=1, num_images=192, num_validation=96, num_epochs=3)


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Job:
    data = tmp_path_factory.mktemp("data")
    write_packed(data, "train", coloured(400, 16))
    write_packed(data, "test", coloured(30, 16, seed=1), num_shards=1)
    made = child_job(data, RUNG, tmp_path_factory.mktemp("job"))
    return replace(made, cell=1, config=replace(made.config, batch_size=32, learning_rate=0.1))


def test_the_cells_are_fixed_and_differ() -> None:
    assert len({genotype_hash(fixed_cell(number)) for number in range(NUM_CELLS)}) == NUM_CELLS
    assert fixed_cell(3) == fixed_cell(3)


def test_images_are_shrunk_and_standardised(job) -> None:
    train, validation = job.images("train"), job.images("validation")
    assert train.pixels.shape == (192, 8, 8, 3)
    assert validation.pixels.shape == (96, 8, 8, 3)
    values = job.standard.tensor(train.pixels)
    assert values.mean().item() == pytest.approx(0, abs=0.01)
    assert values.std(dim=(0, 2, 3)).numpy() == pytest.approx([1, 1, 1], abs=0.01)


@pytest.mark.parametrize("child", [plain_child, channels_last_child, own_child])
def test_every_contender_learns_what_can_be_learned(child, job) -> None:
    num_threads = torch.get_num_threads()
    try:
        found = child(job)
    finally:
        torch.set_num_threads(num_threads)
    assert found.accuracy > 0.6
    assert found.cpu_s > 0


def test_ratios_are_geometric_means_over_cells() -> None:
    costs = {"plain": np.array([8.0, 2.0]), "channels_last": np.array([2.0, 2.0])}
    found = ratios(costs | {"own": np.array([2.0, 2.0])}, "_x")
    assert found["children_ratio_x"].value == pytest.approx(2.0)
    assert found["children_ratio_x"].interval == pytest.approx((1.0, 4.0))
    assert found["children_ratio_channels_last_x"].value == pytest.approx(1.0)


def test_a_rate_is_that_of_the_mean_child() -> None:
    assert per_core_hour(np.array([10.0, 20.0])).value == pytest.approx(240.0)


def test_differences_of_accuracy_are_in_standard_errors_of_one_child() -> None:
    right = {name: np.full(4, 0.5) for name in CONTENDERS} | {"own": np.full(4, 0.51)}
    found = accuracies(right, 2500)  # a standard error of 0.01
    assert found["accuracy_minus_plain_se"].value == pytest.approx(1.0)
    assert found["child_accuracy_own"].value == pytest.approx(0.51)
