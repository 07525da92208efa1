from __future__ import annotations

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
    pictures = {k: [each.astype(np.uint8) for each in found] for k, found in pictures.items()}
    return Cuttings.of(pictures, {k: camera() for k in range(2)}, 0)


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
