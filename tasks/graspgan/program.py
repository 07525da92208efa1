"""C as a program that a policy asks: see `tasks.grasping.policy_model`.

The program holds all that happens between a camera's pictures and a probability: crops and their
scaling too, by the very functions that the training read its samples with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tasks.graspgan.networks.domains import set_domain
from tasks.graspgan.networks.grasp_networks import CropNetwork, PictureNetwork
from tasks.graspgan.samples.crops import View, commanded, crops, motion_numbers, shrunk

_MAX_COMMANDS = 4096  # as `policy.model_candidates` of `collect_grasps`


class CropProgram(nn.Module):
    """Asks a `CropNetwork` about commands; the arguments are what a policy tells by name."""

    def __init__(self, network: CropNetwork, domain: int, side_px: int, *, sees_arm: bool) -> None:
        """Take a trained network.

        Args:
            network: C.
            domain: Whose batch norms serve.
            side_px: Side of the crops that it was trained on.
            sees_arm: Whether it looks at the picture with the arm, too.
        """
        super().__init__()
        self.network = set_domain(network, domain).eval()
        self.side_px, self.sees_arm = side_px, sees_arm

    def forward(
        self,
        before: Tensor,
        now: Tensor,
        commands: Tensor,
        pose: Tensor,
        calibrated_matrix: Tensor,
        calibrated_from_base: Tensor,
        distortion: Tensor,
    ) -> Tensor:
        """Probabilities (n,) that closing where the commands lead lifts an object."""
        num = commands.shape[0]
        view = View(
            calibrated_matrix.expand(num, 3, 3),
            calibrated_from_base.expand(num, 4, 4),
            distortion.expand(num, 2),
        )
        grasp = commanded(pose.expand(num, 4), commands)
        seen = torch.cat([before, now], dim=3) if self.sees_arm else before
        pictures = seen.permute(0, 3, 1, 2).float().expand(num, -1, -1, -1)
        cut = crops(pictures, grasp, view, self.side_px).round() / 127.5 - 1
        if not self.sees_arm:
            cut = cut + 0 * now.float().mean()  # else the program would have no such input
        return torch.sigmoid(self.network(cut, motion_numbers(grasp, view)))


class PictureProgram(nn.Module):
    """Asks a `PictureNetwork` about commands."""

    def __init__(
        self, network: PictureNetwork, domain: int, side_px: int, *, sees_arm: bool
    ) -> None:
        """Take a trained network; see `CropProgram`, ``side_px`` that of the whole picture."""
        super().__init__()
        self.network = set_domain(network, domain).eval()
        self.side_px, self.sees_arm = side_px, sees_arm

    def forward(self, before: Tensor, now: Tensor, commands: Tensor) -> Tensor:
        """Probabilities (n,) that closing where the commands lead lifts an object."""
        seen = torch.cat([before, now], dim=3) if self.sees_arm else before
        pictures = seen.permute(0, 3, 1, 2).float()
        if not self.sees_arm:
            pictures = pictures + 0 * now.float().mean()
        given = shrunk(pictures, self.side_px).round() / 127.5 - 1
        return torch.sigmoid(self.network(given, commands))  # one picture serves all commands


def program_of(
    network: CropNetwork | PictureNetwork, domain: int, side_px: int, *, sees_arm: bool
) -> CropProgram | PictureProgram:
    """The program of a trained network; see `CropProgram`."""
    if isinstance(network, PictureNetwork):
        return PictureProgram(network, domain, side_px, sees_arm=sees_arm)
    return CropProgram(network, domain, side_px, sees_arm=sees_arm)


def save_program(program: CropProgram | PictureProgram, picture_px: int, path: Path) -> None:
    """Export a program for pictures of a size and any number of commands."""
    before, now = (
        torch.full((1, picture_px, picture_px, 3), value, dtype=torch.uint8) for value in (90, 160)
    )
    example: tuple[Any, ...] = (before, now, torch.zeros(3, 5))
    if isinstance(program, CropProgram):
        known = torch.zeros(4), torch.eye(3), torch.eye(4), torch.zeros(2)
        example = (*example, *known)
    # A program keeps its weights one after the other; what lies otherwise is warned of.
    program.to(memory_format=torch.contiguous_format)
    count = torch.export.Dim("num_commands", min=1, max=_MAX_COMMANDS)
    shapes = tuple({0: count} if place == 2 else None for place in range(len(example)))
    torch.export.save(torch.export.export(program, example, dynamic_shapes=shapes), path)
