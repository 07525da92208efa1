"""The worlds by name. Each is imported only when it is asked for, with the engine behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.grasping.config import WorldConfig
from tasks.grasping.worlds.interface import World

if TYPE_CHECKING:
    from tasks.grasping.looks.textures import Textures


def open_world(config: WorldConfig, textures: Textures) -> World:
    """Start the world that the settings name.

    Args:
        config: Name, physics and camera.
        textures: Pictures for the surfaces of scenes that have a look.

    Raises:
        ResourceError: The machine lacks what the world needs; the message says what.
    """
    if config.name == "surrogate":
        from tasks.grasping.worlds.surrogate.world import SurrogateWorld

        return SurrogateWorld(config, textures)
    if config.name in ("bullet-restyled", "bullet-structured"):
        from tasks.grasping.worlds.bullet.restyled import RestyledBulletWorld

        return RestyledBulletWorld(config, textures)
    from tasks.grasping.worlds.bullet.world import BulletWorld

    return BulletWorld(config, textures)
