"""Films of attempts in PyBullet's world."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tasks.grasping.algorithms.policies import Mixture, draw_controller
from tasks.grasping.algorithms.scenes import draw_scene
from tasks.grasping.config import CameraConfig, PhysicsConfig, SceneConfig, WorldConfig
from tasks.grasping.looks.textures import Textures
from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.pictures.film import Film, animation, film_strips, filmed
from tasks.grasping.types import Attempt
from tasks.grasping.worlds.bullet.world import BulletScene, BulletWorld
from tasks.grasping.worlds.interface import Controller
from tasks.report.sheet import BAD, GOOD

RECIPE = SceneConfig(
    world=WorldConfig(
        physics=PhysicsConfig(servo="closed_loop", num_servo_steps=2),
        camera=CameraConfig(size_px=48),
    )
)


@pytest.fixture
def scene() -> Iterator[BulletScene]:
    world = BulletWorld(RECIPE.world, Textures(np.zeros((0, 1, 1, 3), np.uint8)))
    models = catalogue("procedural")[:20]
    yield world.open(draw_scene("scene-000000", RECIPE, models, 0, np.random.default_rng(1)))
    world.close()


def controller(scene: BulletScene) -> Controller:
    mixture = Mixture(uniform=0.0, near_object=1.0)
    rng = np.random.default_rng(4)
    return draw_controller(mixture, RECIPE.world.physics, scene.objects, rng)[0]


def test_film_changes_nothing(scene: BulletScene) -> None:
    expected = scene.attempt(controller(scene))
    film = filmed(scene, controller(scene), frame_s=0.1)
    again = scene.attempt(controller(scene))
    for attempt in (film.attempt, again):
        assert attempt.is_success == expected.is_success
        assert attempt.lift_height_m == expected.lift_height_m
        for step, other in zip(attempt.steps, expected.steps, strict=True):
            assert (step.pose, step.target, step.reached) == (
                other.pose,
                other.target,
                other.reached,
            )
            np.testing.assert_array_equal(step.rendering.rgb, other.rendering.rgb)


def test_film_shows_the_move(scene: BulletScene) -> None:
    film = filmed(scene, controller(scene), frame_s=0.1)
    slow = filmed(scene, controller(scene), frame_s=0.2)
    assert len(film.frames) > 8
    assert abs(len(film.frames) - 2 * len(slow.frames)) <= 1
    np.testing.assert_array_equal(film.frames[0], film.attempt.steps[0].rendering.rgb)
    changes = [
        np.abs(one.astype(int) - other).mean()
        for one, other in zip(film.frames, film.frames[1:], strict=False)
    ]
    assert np.mean(np.array(changes) > 0.1) > 0.5


def drawn_film(is_success: bool, num_frames: int) -> Film:
    frames = tuple(np.full((30, 40, 3), 20 * index, np.uint8) for index in range(num_frames))
    return Film(Attempt((), is_success, None, 0.0, 0.0, False), frames)


def test_animation_shows_films_side_by_side() -> None:
    films = [drawn_film(True, 3), drawn_film(False, 6)]
    image = Image.open(io.BytesIO(animation(films, frame_s=0.1)))
    assert image.format == "GIF"
    assert image.n_frames == 6
    assert image.size == (2 * 44, 34)
    image.seek(5)
    last = np.asarray(image.convert("RGB")).astype(int)
    for column, colour, grey in ((0, GOOD, 40), (44, BAD, 100)):
        assert np.abs(last[0, column] - colour).max() <= 8
        assert np.abs(last[17, column + 20] - grey).max() <= 8


def test_strips_go_from_the_first_frame_to_the_last() -> None:
    sheet = film_strips([drawn_film(True, 9), drawn_film(False, 4)], count=3)
    greys = {int(pixel[0]) for pixel in sheet.reshape(-1, 3) if (pixel == pixel[0]).all()}
    assert {0, 80, 160, 60} <= greys
    assert (sheet == GOOD).all(-1).any()
    assert (sheet == BAD).all(-1).any()
