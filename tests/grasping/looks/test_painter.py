from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.grasping.algorithms.appearance import random_look
from tasks.grasping.data.projection import project
from tasks.grasping.looks.lens import distort
from tasks.grasping.looks.painter import paint
from tasks.grasping.looks.textures import SIDE_PX, Textures, generated_textures
from tasks.grasping.types import SemanticClass, SurfaceLook
from tests.support.grasping.flat_scenes import box_on_floor, camera, plain_look, points_m


def quarters() -> Textures:
    """One texture of four squares: dark, red / green, blue; u to the right, v down."""
    image = np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8)
    half = SIDE_PX // 2
    image[0, :half, half:, 0] = 255
    image[0, half:, :half, 1] = 255
    image[0, half:, half:, 2] = 255
    return Textures(image)


def checked(scale_m: float, **changes: object) -> SurfaceLook:
    values = {"texture": 0, "tint": (1.0, 1.0, 1.0), "turn_rad": 0.0, "shift": (0.0, 0.0)}
    return SurfaceLook(scale_m=scale_m, **(values | changes))


NOTHING = Textures(np.zeros((0, SIDE_PX, SIDE_PX, 3), np.uint8))


def test_plain_colours_go_to_their_surfaces():
    rendering = box_on_floor(camera())
    ids = rendering.class_ids.copy()
    ids[:8], ids[8:16], ids[16:24] = (
        SemanticClass.BACKGROUND,
        SemanticClass.ARM,
        SemanticClass.GRIPPER,
    )
    instances = np.where(ids == SemanticClass.OBJECT, 2, 0).astype(np.uint8)
    parts = np.zeros_like(ids)
    parts[8:12], parts[12:24] = 2, 3
    rendering = replace(rendering, class_ids=ids, instance_ids=instances, part_ids=parts)

    def plain(*tint: float) -> SurfaceLook:
        return SurfaceLook(-1, tint, 0.1, 0.0, (0.0, 0.0))

    look = plain_look(
        background=plain(1, 0, 0),
        tray=plain(0, 1, 0),
        arm=plain(0.8, 0.8, 0),
        objects=(plain(0.1, 0.1, 0.1), plain(0, 0, 1)),
    )
    rgb = paint(rendering, look, NOTHING)

    def colour(mask: np.ndarray) -> list[int]:
        (only,) = np.unique(rgb[mask], axis=0)
        return only.tolist()

    assert colour(ids == SemanticClass.BACKGROUND) == [255, 0, 0]
    assert colour(ids == SemanticClass.TRAY) == [0, 255, 0]
    assert colour(ids == SemanticClass.OBJECT) == [0, 0, 255]
    assert colour((ids == SemanticClass.ARM) & (parts == 2)) == [204, 204, 0]
    assert colour((ids == SemanticClass.ARM) & (parts == 3)) == [173, 173, 0]
    assert colour(ids == SemanticClass.GRIPPER) == [112, 112, 0]


def test_floor_shows_the_texture_in_its_true_size_and_place():
    lens = camera(size_px=128, eye_m=(0.6, -0.3, 1.0))
    rendering = box_on_floor(lens, high_m=(0.6, 0.0, -1.0))
    textures = quarters()
    rgb = paint(rendering, plain_look(tray=checked(0.2)), textures)

    floor = points_m(rendering)
    slant_u, slant_v = 0.58 * floor[0, 0, 2], 0.48 * floor[0, 0, 2]
    u = (floor[..., 0] + slant_u) / 0.2 % 1
    v = (floor[..., 1] + slant_v) / 0.2 % 1
    clear = (np.abs((u % 0.5) - 0.25) < 0.2) & (np.abs((v % 0.5) - 0.25) < 0.2)
    colours = np.array([[[0, 0, 0], [255, 0, 0]], [[0, 255, 0], [0, 0, 255]]])
    expected = colours[(v > 0.5).astype(int), (u > 0.5).astype(int)]
    assert clear.mean() > 0.5
    assert np.abs(rgb[clear].astype(int) - expected[clear]).max() < 40


@settings(max_examples=30)
@given(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15), st.integers(0, 9))
def test_textures_stick_to_surfaces_when_the_camera_moves(dx_m: float, dy_m: float, seed: int):
    textures = generated_textures(np.random.default_rng(1), 6)
    look = random_look(1, 6, np.random.default_rng(seed))
    look = plain_look(
        tray=replace(look.tray, texture=0, scale_m=0.6),
        objects=(replace(look.objects[0], texture=5, scale_m=0.4),),
    )
    first, second = (
        box_on_floor(camera(size_px=128, eye_m=eye))
        for eye in ((0.0, -0.5, 0.85), (dx_m, -0.5 + dy_m, 0.85))
    )
    seen, other = paint(first, look, textures), paint(second, look, textures)

    # Where the second camera sees the points of the first.
    place, depth_m = project(points_m(first).reshape(-1, 3), second.camera)
    column, row = np.round(place).astype(int).T
    inside = (column >= 0) & (column < 128) & (row >= 0) & (row < 128)
    column, row = np.clip(column, 0, 127), np.clip(row, 0, 127)
    visible = inside & (np.abs(second.depth_m[row, column] - depth_m) < 0.01)
    difference = np.abs(seen.reshape(-1, 3).astype(int) - other[row, column]).mean(axis=1)
    assert visible.mean() > 0.4
    assert np.median(difference[visible]) < 12
    if abs(dx_m) + abs(dy_m) > 0.1:  # a texture that stuck to the picture would differ
        unmoved = np.abs(seen.astype(int) - other).mean()
        assert difference[visible].mean() < 0.7 * unmoved


@pytest.mark.parametrize("distortion", [(0.0, 0.0), (-0.2, 0.03)])
def test_painting_a_bent_picture_is_bending_a_painted_one(distortion: tuple[float, float]):
    textures = generated_textures(np.random.default_rng(0), 4)
    look = plain_look(
        tray=checked(0.5), objects=(checked(0.3),), light_direction=(0.6, 0.0, 0.8), ambient=0.3
    )
    ideal = box_on_floor(camera(size_px=128, distortion=distortion))

    first = distort(replace(ideal, rgb=paint(ideal, look, textures))).rgb
    second = paint(distort(ideal), look, textures, is_distorted=True)

    inner = np.s_[6:-6, 6:-6]
    difference = np.abs(first[inner].astype(int) - second[inner]).mean(axis=-1)
    assert np.median(difference) <= 6
    assert difference.mean() < 10


def test_painting_leaves_what_it_reads_and_repeats_itself():
    rendering = box_on_floor(camera())
    copies = {name: getattr(rendering, name).copy() for name in ("class_ids", "depth_m", "rgb")}
    textures = generated_textures(np.random.default_rng(0), 4)
    look = random_look(1, 4, np.random.default_rng(0))

    first, second = (paint(rendering, look, textures) for _ in range(2))

    np.testing.assert_array_equal(first, second)
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(rendering, name), copy)
    assert first.dtype == np.uint8
    assert first.shape == (64, 64, 3)


def test_what_is_infinitely_far_is_background_without_a_warning():
    rendering = box_on_floor(camera())
    rendering.depth_m[:8] = np.inf
    rendering.class_ids[:8] = SemanticClass.BACKGROUND
    textures = generated_textures(np.random.default_rng(0), 4)
    look = random_look(1, 4, np.random.default_rng(2))
    rgb = paint(rendering, replace(look, background=plain_look().background), textures)
    expected = np.array(look.light_colour) * (1 - look.ambient) + look.ambient
    np.testing.assert_allclose(
        rgb[:7], np.tile(np.minimum(255 * expected, 255), (7, 64, 1)), atol=1
    )


def test_fine_textures_are_averaged_not_picked():
    image = np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8)
    image[0, ::2] = 255
    rendering = box_on_floor(camera(size_px=32), high_m=(0.6, 0.0, -1.0))
    rgb = paint(rendering, plain_look(tray=checked(0.05)), Textures(image))
    assert rgb.min() > 120
    assert rgb.max() < 135


def test_rendering_without_depth_is_refused():
    rendering = replace(box_on_floor(camera()), depth_m=None)
    with pytest.raises(ValueError, match="with depth"):
        paint(rendering, plain_look(), NOTHING)
