from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tasks.grasping.algorithms.appearance import random_look, surrogate_look
from tasks.grasping.looks.textures import half_of
from tasks.grasping.types import Look, SurfaceLook

IDS = ["procedural/0001", "procedural/0002", "everyday/mug"]


def surfaces(look: Look) -> Iterator[SurfaceLook]:
    yield from (look.background, look.tray, look.arm, *look.objects)


def random_looks(num: int, num_textures: int = 40) -> list[Look]:
    return [random_look(3, num_textures, np.random.default_rng(seed)) for seed in range(num)]


def surrogate_looks(num: int, num_textures: int = 40) -> list[Look]:
    return [
        surrogate_look(seed % 3, IDS, num_textures, np.random.default_rng(seed))
        for seed in range(num)
    ]


@pytest.mark.parametrize("num_textures", [1, 2, 7, 40])
def test_the_two_distributions_never_share_a_texture(num_textures):
    randomised = {s.texture for look in random_looks(200, num_textures) for s in surfaces(look)}
    surrogate = {s.texture for look in surrogate_looks(200, num_textures) for s in surfaces(look)}

    assert randomised <= {-1, *half_of(num_textures, "randomise")}
    assert surrogate <= {-1, *half_of(num_textures, "surrogate")}
    assert not (randomised - {-1}) & (surrogate - {-1})


def test_all_textures_of_the_half_are_used():
    randomised = {s.texture for look in random_looks(200) for s in surfaces(look)}
    assert randomised == {-1, *half_of(40, "randomise")}


def test_without_textures_surfaces_are_plain():
    for look in (*random_looks(5, 0), *surrogate_looks(5, 0)):
        assert {surface.texture for surface in surfaces(look)} == {-1}


@pytest.mark.parametrize("looks", [random_looks(100), surrogate_looks(100)])
def test_values_are_in_their_ranges(looks: list[Look]):
    for look in looks:
        assert len(look.objects) == 3
        assert np.linalg.norm(look.light_direction) == pytest.approx(1)
        assert look.light_direction[2] >= 0.49
        assert 0 <= look.ambient <= 1
        assert 0 <= look.shadow_strength <= 1
        assert look.noise_sigma >= 0
        assert look.blur_px >= 0
        for surface in surfaces(look):
            assert all(0 <= each <= 1.05 for each in surface.tint)
            assert surface.scale_m > 0


def test_randomisation_is_broader_than_the_surrogate():
    def spread(looks: list[Look]) -> float:
        return float(np.std([np.log(look.gain).mean() for look in looks]))

    assert spread(random_looks(200)) > 1.5 * spread(surrogate_looks(200))


def test_a_station_keeps_its_table_and_an_object_its_surface():
    first, second = (surrogate_look(1, IDS, 40, np.random.default_rng(seed)) for seed in (1, 2))
    other = surrogate_look(2, IDS[::-1], 40, np.random.default_rng(1))

    assert (first.background, first.tray, first.arm) == (second.background, second.tray, second.arm)
    assert first.objects == second.objects
    assert other.objects == first.objects[::-1]
    assert other.background != first.background
    assert first.light_direction != second.light_direction
    assert first.gain != second.gain
    assert first.arm.texture == -1
    assert np.ptp(first.arm.tint) < 0.1  # grey
