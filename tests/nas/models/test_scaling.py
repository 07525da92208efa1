"""Networks are scaled to a cost within the tolerance, or say why not."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.core.errors import ConfigError
from tasks.nas.models.baselines import make_baseline
from tasks.nas.models.cost import cost_of
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.scaling import TOLERANCE, scale_baseline, scale_cells
from tasks.nas.models.sizes import BaselineSize, NetworkSize
from tasks.nas.space.published import published
from tasks.nas.space.random_cells import random_genotype

NASNET_A = published("nasnet_a")


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        (NetworkSize(1, 1, image_px=8), 700_000),
        (NetworkSize(1, 1, image_px=16), 3_000_000),
        (NetworkSize(1, 1, stem="imagenet", image_px=64), 20_000_000),
    ],
)
def test_cells_cost_what_is_asked(size, wanted) -> None:
    found, cost = scale_cells(NASNET_A, size, wanted)
    assert cost == cost_of(lambda: CellNetwork(NASNET_A, found), size.image_px)
    assert cost.mult_adds == pytest.approx(wanted, rel=TOLERANCE)
    assert found.num_cells == size.num_cells


def test_random_cells_cost_what_is_asked() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2):
        _, cost = scale_cells(random_genotype(rng), NetworkSize(1, 1, image_px=8), 1_500_000)
        assert cost.mult_adds == pytest.approx(1_500_000, rel=TOLERANCE)


def test_the_number_of_cells_is_chosen_too() -> None:
    size = NetworkSize(2, 1, image_px=8)
    of_one_cell = cost_of(lambda: CellNetwork(NASNET_A, NetworkSize(1, 1.75, image_px=8)), 8)
    found, cost = scale_cells(NASNET_A, size, of_one_cell.mult_adds, num_cells=(2, 1))
    assert found.num_cells == 1
    assert cost == of_one_cell


@pytest.mark.parametrize("kind", ["resnet", "mobilenet_v2"])
@pytest.mark.parametrize(("image_px", "wanted"), [(8, 700_000), (32, 50_000_000)])
def test_baselines_cost_what_is_asked(kind, image_px, wanted) -> None:
    size, cost = scale_baseline(BaselineSize(kind, 1, image_px=image_px), wanted)
    assert cost == cost_of(lambda: make_baseline(size), image_px)
    assert cost.mult_adds == pytest.approx(wanted, rel=TOLERANCE)


def test_a_cost_out_of_reach_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no width costs 100 multiply-adds within 5%; the near"):
        scale_cells(NASNET_A, NetworkSize(1, 1, image_px=8), 100)
    with pytest.raises(ConfigError, match="expected one of resnet"):
        scale_baseline(BaselineSize("vgg", 1), 700_000)
