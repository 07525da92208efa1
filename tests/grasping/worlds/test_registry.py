from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from tasks.grasping.config import WorldConfig
from tasks.grasping.looks.textures import Textures
from tasks.grasping.worlds.registry import open_world

NAMES = get_args(get_type_hints(WorldConfig)["name"])
CLASSES = {
    "bullet": "BulletWorld",
    "bullet-restyled": "RestyledBulletWorld",
    "surrogate": "SurrogateWorld",
}


def test_every_name_of_the_settings_is_a_world() -> None:
    assert set(NAMES) == set(CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_a_world_opens_by_name(name: str) -> None:
    textures = Textures(np.zeros((4, 128, 128, 3), np.uint8))
    world = open_world(WorldConfig(name), textures)
    try:
        assert type(world).__name__ == CLASSES[name]
    finally:
        world.close()


def test_asking_for_no_world_loads_no_engine() -> None:
    code = (
        "import sys, tasks.grasping.worlds.registry; "
        "print([m for m in ('mujoco', 'pybullet', 'trimesh') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
