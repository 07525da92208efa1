from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.graspgan.samples.painters import LOOKS, Cuttings, painter
from tasks.grasping.types import Rendering
from tests.support.grasping.flat_scenes import box_on_floor, camera


def rendering() -> Rendering:
    return box_on_floor(camera())


def cuttings() -> Cuttings:
    rng = np.random.default_rng(0)
    pictures = {k: [rng.integers(0, 60, (128, 128, 3), np.uint8) + 80 * k] for k in range(2)}
    named = {f"at-{k}": [each.astype(np.uint8) for each in found] for k, found in pictures.items()}
    return Cuttings.of(named, dict.fromkeys(named, camera()), 0)


@pytest.mark.parametrize("name", LOOKS)
def test_scene_and_variant_decide_the_look(name: str) -> None:
    paint = painter(name, 0, cuttings())
    first, again = paint(rendering(), "a", 0), paint(rendering(), "a", 0)
    assert (first == again).all()
    others = [paint(rendering(), "b", 0), paint(rendering(), "a", 1)]
    if name == "plain":
        assert (first == rendering().rgb).all()
    else:
        assert all((first != other).any() for other in others)


def test_every_stations_cuttings_serve() -> None:
    paint = painter("cut", 0, cuttings())
    means = [paint(rendering(), f"scene-{k}", 0).mean() for k in range(12)]
    assert max(means) - min(means) > 30, "dark ones of one station and bright ones of the other"


def test_it_is_known_like_which_station_a_look_is_painted() -> None:
    colours = {"at-0": (200, 20, 20), "at-1": (20, 20, 200)}
    pictures = {k: [np.full((128, 128, 3), each, np.uint8)] for k, each in colours.items()}
    cut = Cuttings.of(pictures, dict.fromkeys(pictures, camera()), 0)
    paint, names = painter("cut", 0, cut), [f"scene-{k}" for k in range(4)]
    for variant in range(2):
        said = cut.painted_like(names, variant)
        painted = [paint(rendering(), name, variant).mean(axis=(0, 1)) for name in names]
        assert said == ["at-0" if red > blue else "at-1" for red, _, blue in painted]
    first, second = (cut.painted_like(names, variant) for variant in range(2))
    assert all(one != other for one, other in zip(first, second, strict=True)), "each in turn"


def test_cuttings_are_kept(tmp_path: Path) -> None:
    cut = cuttings()
    cut.save(tmp_path / "cut.npz")
    again = Cuttings.load(tmp_path / "cut.npz")
    assert (again.stations, again.repeat_m) == (cut.stations, cut.repeat_m)
    assert (again.textures[1].images == cut.textures[1].images).all()
