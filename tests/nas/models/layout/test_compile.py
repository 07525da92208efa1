"""Which steps a program has."""

from __future__ import annotations

import pytest
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.compile import _Map, _Writer, stages_program
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published


def kinds(px: int, num_filters: float = 4) -> list[str]:
    network = CellNetwork(published("nasnet_a"), NetworkSize(1, num_filters, image_px=px))
    return [type(line.step).__name__ for line in stages_program(network, (px, px)).lines]


def test_small_maps_are_convolved_by_products_and_large_ones_by_the_library() -> None:
    assert "Library" not in kinds(8)
    assert kinds(8).count("Depthwise") == 50
    large = kinds(16)
    assert large.count("LargeDepthwise") > 0
    by_kind = [large.count(kind) for kind in ("LargeDepthwise", "Library", "Depthwise")]
    assert sum(by_kind) == 50


def test_depthwise_convolutions_of_one_window_and_size_have_their_matrices_together() -> None:
    assert kinds(8).count("Matrices") < 15


def test_wide_dense_convolutions_go_to_the_library() -> None:
    for num_channels, kind in ((16, "Dense"), (17, "Library")):
        writer = _Writer()
        conv = nn.Conv2d(num_channels, num_channels, 3, padding=1, bias=False)
        writer.module(conv, _Map(0, num_channels, (4, 4)))
        assert [type(line.step).__name__ for line in writer.program.lines] == [kind]


def test_a_module_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="no step is known for Sigmoid"):
        _Writer().module(nn.Sigmoid(), _Map(0, 2, (4, 4)))


def test_sizes_are_those_of_the_stages() -> None:
    network = CellNetwork(published("nasnet_a"), NetworkSize(1, 4, image_px=9))
    assert stages_program(network, (9, 9)).sizes == [(9, 9), (5, 5), (3, 3)]
