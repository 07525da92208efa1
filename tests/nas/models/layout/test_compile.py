"""Which steps a program has."""

from __future__ import annotations

from collections import Counter

import pytest
from torch import nn

from tasks.core.errors import ConfigError
from tasks.nas.models.layout.compile import _Map, _Writer, stages_program
from tasks.nas.models.layout.convolutions import Windowed
from tasks.nas.models.layout.norm import Normed
from tasks.nas.models.network import CellNetwork
from tasks.nas.models.sizes import NetworkSize
from tasks.nas.space.published import published


def test_norms_and_what_is_cut_behind_them_are_parts_of_their_convolutions() -> None:
    network = CellNetwork(published("nasnet_a"), NetworkSize(1, 4, image_px=8))
    lines = stages_program(network, (8, 8)).lines
    steps = Counter(type(line.step).__name__ for line in lines)
    modules = list(network.stem.modules()) + list(network.cells.modules())
    assert steps["Normed"] == sum(isinstance(each, nn.BatchNorm2d) for each in modules)
    assert steps["Windowed"] == 50, "depthwise"
    assert steps["Pointwise"] == 0
    cut = [line.step for line in lines if isinstance(line.step, Normed) and line.step._has_relu]
    assert len(cut) == 25, "in the middle of separable convolutions"


def test_what_reads_images_alone_is_spared_their_gradient() -> None:
    network = CellNetwork(published("nasnet_a"), NetworkSize(1, 4, image_px=8))
    program = stages_program(network, (8, 8))
    assert [line.reads for line in program.lines[:2]] == [(0,), (1,)]
    stem = program.lines[1].step
    assert isinstance(stem, Normed)
    assert isinstance(stem._conv, Windowed)
    assert stem._conv.reads_images
    assert not any(
        line.step.reads_images for line in program.lines if isinstance(line.step, Windowed)
    )


def test_a_module_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="no step is known for Sigmoid"):
        _Writer().module(nn.Sigmoid(), _Map(0, 2, (4, 4)))


def test_sizes_are_those_of_the_stages() -> None:
    network = CellNetwork(published("nasnet_a"), NetworkSize(1, 4, image_px=9))
    assert stages_program(network, (9, 9)).sizes == [(9, 9), (5, 5), (3, 3)]
