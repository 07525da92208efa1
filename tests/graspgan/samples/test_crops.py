from __future__ import annotations

import numpy as np
import pytest
import torch

from tasks.graspgan.samples.crops import (
    PLANE_M,
    SIDE_M,
    View,
    commanded,
    crops,
    mirrored,
    motion_numbers,
    plane_points,
    project,
)
from tasks.grasping.data.projection import project as project_one
from tasks.grasping.types import Camera, GripperPose, motion_command

RNG = np.random.default_rng(0)


def camera(distortion: tuple[float, float] = (0.05, -0.02)) -> Camera:
    """A camera that looks down at the bin from the side."""
    eye, centre = np.array([0.9, 0.5, 0.9]), np.array([0.6, 0.0, -0.19])
    forward = (centre - eye) / np.linalg.norm(centre - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    pose[:3, 3] = -pose[:3, :3] @ eye
    return Camera(128, 128, 300.0, 310.0, 63.0, 64.5, pose, distortion)


def view_of(*cameras: Camera) -> View:
    matrices = [[[c.fx_px, 0, c.cx_px], [0, c.fy_px, c.cy_px], [0, 0, 1]] for c in cameras]
    return View(
        torch.tensor(matrices, dtype=torch.float64),
        torch.from_numpy(np.stack([c.camera_from_base for c in cameras])),
        torch.tensor([c.distortion for c in cameras], dtype=torch.float64),
    )


def test_a_command_leads_to_the_grasp_that_it_was_made_for() -> None:
    pose, grasp = GripperPose(0.5, 0.1, 0.05, 1.2), GripperPose(0.62, -0.03, -0.18, -1.3)
    given = torch.tensor([[pose.x_m, pose.y_m, pose.z_m, pose.yaw_rad]], dtype=torch.float64)
    command = torch.from_numpy(motion_command(pose, grasp))[None]
    (found,) = commanded(given, command).numpy()
    assert found[:3] == pytest.approx([0.62, -0.03, -0.18])
    assert np.angle(np.exp(2j * (found[3] - grasp.yaw_rad))) == pytest.approx(0, abs=1e-9)


def test_points_are_seen_where_the_projection_says() -> None:
    cameras = camera(), camera((0.0, 0.0))
    points = torch.from_numpy(RNG.uniform([0.45, -0.1, -0.2], [0.75, 0.1, -0.1], (2, 9, 3)))
    found = project(points, view_of(*cameras))
    for each, seen, one in zip(points, found, cameras, strict=True):
        expected, _ = project_one(each.numpy(), one)
        np.testing.assert_allclose(seen.numpy(), expected, atol=1e-9)


def test_a_crop_shows_what_lies_about_the_grasp_along_the_closing_axis() -> None:
    """A picture whose colours are base coordinates: the crop's are those of its own points."""
    one = camera()
    # Points of the plane at each pixel, found by inverting the projection on a fine grid.
    xs, ys = np.meshgrid(np.linspace(0.35, 0.85, 900), np.linspace(-0.3, 0.3, 900))
    plane = np.stack([xs, ys, np.full_like(xs, PLANE_M)], axis=-1).reshape(-1, 3)
    pixels, _ = project_one(plane, one)
    picture = np.zeros((2, 128, 128))
    nearest = np.rint(pixels).astype(int)
    inside = ((nearest >= 0) & (nearest < 128)).all(axis=1)
    picture[:, nearest[inside, 1], nearest[inside, 0]] = plane[inside, :2].T
    grasp = torch.tensor([[0.61, 0.02, -0.17, 0.6]], dtype=torch.float64)
    found = crops(torch.from_numpy(picture)[None], grasp, view_of(one), 16)[0].numpy()
    expected = plane_points(grasp, 16)[0].numpy()
    error_m = np.abs(np.moveaxis(found, 0, -1) - expected[..., :2])
    assert np.median(error_m) < 0.002
    middle = expected[7:9, 7:9].mean(axis=(0, 1))
    np.testing.assert_allclose(middle, [0.61, 0.02, PLANE_M])
    along = expected[8, 15] - expected[8, 0]
    np.testing.assert_allclose(
        along, 15 / 16 * SIDE_M * np.array([np.cos(0.6), np.sin(0.6), 0]), atol=1e-12
    )


def test_motion_numbers_say_height_and_where_the_camera_is() -> None:
    one = camera()
    turned = motion_numbers(
        torch.tensor([[0.6, 0.0, -0.16, yaw] for yaw in (0.0, np.pi / 2)], dtype=torch.float64),
        view_of(one, one),
    )
    assert turned[:, 0].tolist() == pytest.approx([1.0, 1.0])
    np.testing.assert_allclose(turned[:, 1:].norm(dim=1), 1.0)
    assert turned[0, 1] > 0, "the camera stands further along x"
    assert turned[1, 1].item() == pytest.approx(turned[0, 2].item())
    assert turned[1, 2].item() == pytest.approx(-turned[0, 1].item())


def test_a_mirrored_crop_is_the_crop_of_the_mirrored_world() -> None:
    picture = torch.arange(16.0).view(1, 1, 4, 4).repeat(3, 1, 1, 1)
    motion = torch.tensor([[0.5, 0.1, 0.2, 0.9]] * 3)
    flips = torch.tensor([[True, False, True], [False, True, True]])
    seen, said = mirrored(picture, motion, *flips)
    assert torch.equal(seen[0], picture[0].flip(2))
    assert torch.equal(seen[1], picture[1].flip(1))
    assert torch.equal(seen[2], picture[2].flip(1, 2))
    assert said[:, 1].tolist() == pytest.approx([-0.1, 0.1, -0.1])
    assert said[:, 2].tolist() == pytest.approx([0.2, -0.2, -0.2])
