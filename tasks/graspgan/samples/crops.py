"""Crops about a grasp: what the camera sees where the fingers shall close, turned as they are.

A crop is a square of a horizontal plane above the bin's floor, centred below the grasp and aligned
to the closing axis, as the calibrated camera sees that plane. So a network need not learn where in
the picture a command leads, and no simulated truth about the camera goes into what it sees. It is
written in torch, so that the program which a policy asks crops as the training did.

Legend: n grasps, s side of a crop, h and w of a picture. Frames and units are those of
`tasks.grasping.types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from tasks.grasping.workspace import BIN_FLOOR_M

SIDE_M: Final = 0.14  # about twice what the gripper spans
PLANE_M: Final = BIN_FLOOR_M + 0.025  # half of an object's height above the floor
NUM_MOTION: Final = 4
"""Numbers that say what a crop does not show: see `motion_numbers`."""
NUM_COMMAND: Final = 5
"""Numbers of a command, which go with a whole picture; see `tasks.grasping.types`."""
_HEIGHT_UNIT_M: Final = 0.03


@dataclass(frozen=True)
class View:
    """Cameras as a robot knows them.

    Attributes:
        matrix: Intrinsics, (n, 3, 3), px.
        from_base: Extrinsics, (n, 4, 4), m.
        distortion: Radial, k1 and k2 (OpenCV), (n, 2).
    """

    matrix: Tensor
    from_base: Tensor
    distortion: Tensor


def commanded(pose: Tensor, command: Tensor) -> Tensor:
    """Where a command leads; undoes `tasks.grasping.types.motion_command`.

    Args:
        pose: Current TCP, (n, 4): x_m, y_m, z_m, yaw_rad.
        command: (n, 5).

    Returns:
        Poses, (n, 4).
    """
    yaw_rad = pose[:, 3] + torch.atan2(command[:, 3], command[:, 4]) / 2
    return torch.cat([pose[:, :3] + command[:, :3], yaw_rad[:, None]], dim=1)


def crops(
    pictures: Tensor, grasp: Tensor, view: View, side_px: int, mode: str = "bilinear"
) -> Tensor:
    """Cut the surroundings of each grasp out of its picture.

    Args:
        pictures: (n, c, h, w).
        grasp: (n, 4): x_m, y_m, z_m, yaw_rad, base frame.
        view: Their cameras.
        side_px: Side of the crops, s.
        mode: ``bilinear``, or ``nearest`` for masks.

    Returns:
        (n, c, s, s): the closing axis points along the columns, to the right. What lies outside
        of the picture repeats its border.
    """
    height_px, width_px = pictures.shape[2:]
    seen_px = project(plane_points(grasp, side_px).flatten(1, 2), view)
    # grid_sample counts from -1 to 1 between the centres of the outer pixels.
    scale = torch.tensor([(width_px - 1) / 2, (height_px - 1) / 2]).to(seen_px)
    grid = (seen_px / scale - 1).view(-1, side_px, side_px, 2).to(pictures.dtype)
    return torch.nn.functional.grid_sample(
        pictures, grid, mode=mode, padding_mode="border", align_corners=True
    )


def shrunk(pictures: Tensor, side_px: int, mode: str = "area") -> Tensor:
    """Whole pictures (n, c, h, w) at another size, (n, c, s, s).

    Args:
        pictures: Of any size.
        side_px: Side, s.
        mode: ``area``, or ``nearest`` for masks.
    """
    return torch.nn.functional.interpolate(pictures, size=(side_px, side_px), mode=mode)


def motion_numbers(grasp: Tensor, view: View) -> Tensor:
    """What a crop does not show: how high the fingers close, and from where the camera looks.

    Args:
        grasp: (n, 4).
        view: Cameras.

    Returns:
        (n, `NUM_MOTION`): height above the bin's floor, of 3 cm; unit vector from the grasp to the
        camera along the closing axis, across it, and up. Mirroring a crop left and right turns the
        sign of the second number, mirroring it up and down that of the third.
    """
    rotation, shift = view.from_base[:, :3, :3], view.from_base[:, :3, 3]
    camera_m = -(rotation.transpose(1, 2) @ shift[:, :, None])[:, :, 0]
    centre_m = torch.cat([grasp[:, :2], torch.full_like(grasp[:, :1], PLANE_M)], dim=1)
    towards = torch.nn.functional.normalize(camera_m - centre_m, dim=1)
    cos, sin = torch.cos(grasp[:, 3]), torch.sin(grasp[:, 3])
    along = cos * towards[:, 0] + sin * towards[:, 1]
    across = cos * towards[:, 1] - sin * towards[:, 0]
    height = (grasp[:, 2] - BIN_FLOOR_M) / _HEIGHT_UNIT_M
    return torch.stack([height, along, across, towards[:, 2]], dim=1)


def mirrored(
    picture: Tensor, motion: Tensor, left_right: Tensor, up_down: Tensor
) -> tuple[Tensor, Tensor]:
    """Mirror crops and what goes with them; a mirrored grasp succeeds as the grasp does.

    Args:
        picture: Crops or maps, (n, c, s, s).
        motion: (n, `NUM_MOTION`).
        left_right: Which are mirrored along the closing axis, (n,), bool.
        up_down: Which across it, (n,), bool.
    """
    places = left_right[:, None, None, None], up_down[:, None, None, None]
    picture = torch.where(places[0], picture.flip(3), picture)
    picture = torch.where(places[1], picture.flip(2), picture)
    sign = torch.ones_like(motion)
    sign[:, 1] = 1 - 2 * left_right.to(motion.dtype)
    sign[:, 2] = 1 - 2 * up_down.to(motion.dtype)
    return picture, motion * sign


def mirror_images(picture: Tensor, motion: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Crops (n, c, s, s) with motion (n, `NUM_MOTION`): as they are, and in the three mirrors."""
    none = torch.zeros(picture.shape[0], dtype=torch.bool, device=picture.device)
    flips = ((none, none), (~none, none), (none, ~none), (~none, ~none))
    return [mirrored(picture, motion, *each) for each in flips]


def plane_points(grasp: Tensor, side_px: int) -> Tensor:
    """The points that a crop's pixels show: (n, s, s, 3), base frame."""
    offsets = (torch.arange(side_px).to(grasp) + 0.5) / side_px * SIDE_M - SIDE_M / 2
    across, along = torch.meshgrid(offsets, offsets, indexing="ij")
    cos, sin = torch.cos(grasp[:, 3])[:, None, None], torch.sin(grasp[:, 3])[:, None, None]
    x_m = grasp[:, 0, None, None] + cos * along - sin * across
    y_m = grasp[:, 1, None, None] + sin * along + cos * across
    return torch.stack([x_m, y_m, torch.full_like(x_m, PLANE_M)], dim=3)


def project(points_m: Tensor, view: View) -> Tensor:
    """Pixels at which points (n, m, 3) of the base frame are seen, (n, m, 2).

    As `tasks.grasping.data.projection.project`.
    """
    rotation, shift = view.from_base[:, :3, :3], view.from_base[:, :3, 3]
    seen_m = points_m @ rotation.transpose(1, 2) + shift[:, None]
    plane = seen_m[..., :2] / seen_m[..., 2:]
    radius2 = plane.square().sum(dim=2, keepdim=True)
    k1, k2 = view.distortion[:, 0, None, None], view.distortion[:, 1, None, None]
    bent = plane * (1 + k1 * radius2 + k2 * radius2.square())
    homogeneous = torch.cat([bent, torch.ones_like(radius2)], dim=2)
    return (homogeneous @ view.matrix.transpose(1, 2))[..., :2]
