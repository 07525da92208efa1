"""Faster training of small networks on a CPU: the same sums in another order of memory.

torch keeps images outermost. Small networks of cells spend most of their time neither in
arithmetic nor in memory but in routines made for larger maps. With channels outermost and images
innermost every operation of a cell is a sum over whole rows of images, which compiled loops take
sixteen at a time (`tasks.nas.models.layout.kernels`): a 1x1 convolution is one matrix product,
batch norm reads rows, a concatenation copies one block, and windows of any kind need neither
gathering nor transposing. Results differ by rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tasks.nas.models.layout.gathered import Gathered, gather
from tasks.nas.models.layout.windows import HeightWidth
from tasks.nas.models.network import CellNetwork

if TYPE_CHECKING:
    from tasks.nas.models.layout.program import Program


def to_channel_major(network: CellNetwork) -> None:
    """Let a network of cells run channel by channel on a CPU from now on, in place.

    Weights, their names and all other behaviour stay. Whatever the program isn't made for runs
    as before: other devices, tracing and export, gradients with respect to images, and gradients
    in evaluation mode. Forward hooks on the parts of cells aren't called.
    """
    network.runner = ChannelMajor()


def to_plain(network: CellNetwork) -> None:
    """Undo `to_channel_major`."""
    network.runner = None


class ChannelMajor:
    """Runs the stages of a network by a program, one for each size of images."""

    def __init__(self) -> None:
        self._programs: dict[HeightWidth, Program] = {}
        self._gathered: list[Gathered] = []

    def gather(self, network: CellNetwork) -> list[tuple[nn.Parameter, bool]]:
        """Let the weights of the stages lie in few tensors, which are trained in their place.

        Returns:
            All that is to be trained of the network, and whether it consists of matrices. The
            stages' own weights have no gradients from now on.
        """
        inside = [*network.stem.parameters(), *network.cells.parameters()]
        self._gathered = gather(inside)
        self._programs.clear()
        known = {id(weight) for weight in inside}
        rest = [weight for weight in network.parameters() if id(weight) not in known]
        return [
            *[(each.flat, each.holds_matrices) for each in self._gathered],
            *[(weight, weight.dim() > 1) for weight in rest],
        ]

    def serves(self, network: CellNetwork, images: Tensor) -> bool:
        """Whether a program is made for this."""
        if torch.compiler.is_compiling() or images.device.type != "cpu" or images.requires_grad:
            return False
        kind = next(network.stem.parameters()).dtype
        if images.dtype != kind or kind not in (torch.float32, torch.float64):
            return False
        return network.training or not torch.is_grad_enabled()

    def stages(self, network: CellNetwork, images: Tensor) -> list[Tensor]:
        """As `CellNetwork.stages`; the maps are (n, c, h, w) views of channel-major memory."""
        # Whoever never trains doesn't load a compiler.
        from tasks.nas.models.layout.compile import stages_program
        from tasks.nas.models.layout.program import run_program

        height, width = images.shape[2:]
        size = height, width
        if size not in self._programs:
            self._programs[size] = stages_program(network, size)
            self._programs[size].gathered = self._gathered
        program = self._programs[size]
        maps = zip(run_program(program, images), program.sizes, strict=True)
        return [
            each.view(len(each), *made, -1)[..., : len(images)].permute(3, 0, 1, 2)
            for each, made in maps
        ]
