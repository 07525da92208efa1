"""The worlds `bullet-restyled` and `bullet-structured`: PyBullet's physics, other looks.

The controls of every comparison between simulation and surrogate: objects, poses, physics and
outcomes are those of `bullet`, bit for bit; lens and camera are the surrogate's, and the look is
the scene's. So whatever a predictor loses here, it loses to appearance alone.
"""

from __future__ import annotations

from tasks.core.errors import DataError
from tasks.grasping.config import PhysicsConfig, WorldConfig
from tasks.grasping.looks.textures import Textures
from tasks.grasping.types import Scene
from tasks.grasping.worlds.bullet.world import BulletScene, BulletWorld


class RestyledBulletWorld(BulletWorld):
    """PyBullet's world, of whose scenes only painted pictures are taken.

    Args:
        config: Its settings.
        textures: What looks are painted with.
    """

    def __init__(self, config: WorldConfig, textures: Textures) -> None:
        super().__init__(config, textures)
        self._name, self._num_textures = config.name, textures.num

    def open(self, scene: Scene, physics: PhysicsConfig | None = None) -> BulletScene:
        """Let the scene's objects fall and come to rest.

        Args:
            scene: What to open; with a look.
            physics: Settings of its attempts, in place of the world's.

        Raises:
            DataError: The scene has no look, or one that names a texture that there isn't; or an
                object's model can't be loaded.
        """
        if scene.look is None:
            raise DataError(
                f"{scene.scene_id}: expected a look, which {self._name} is there for, got a "
                "scene without; draw it for this world, or open it in bullet"
            )
        look = scene.look
        surfaces = (look.background, look.tray, look.arm, *look.objects)
        highest = max(surface.texture for surface in surfaces)
        if highest >= self._num_textures or len(look.objects) < len(scene.objects):
            raise DataError(
                f"{scene.scene_id}: its look names texture {highest} and {len(look.objects)} "
                f"objects; there are {self._num_textures} textures and {len(scene.objects)} "
                "objects: draw it with these textures"
            )
        return super().open(scene, physics)
