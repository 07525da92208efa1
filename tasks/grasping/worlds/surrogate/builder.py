"""Visible surfaces of a surrogate scene: meshes, their textures and what they mean."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tasks.grasping.types import ByteImage, Look, SurfaceLook
from tasks.grasping.worlds.surrogate.engine import mujoco
from tasks.grasping.worlds.surrogate.surfaces import Surface, texture_coordinates

SEEN: Final = 0
"""Geometry groups of the visualiser: always drawn."""
ARM: Final = 1
"""Drawn in pictures with the arm."""
HIDDEN: Final = 3
"""Collides without being drawn."""


class Builder:
    """The growing model, with the materials of a look."""

    def __init__(self, look: Look, images: ByteImage) -> None:
        self.spec = mujoco.MjSpec()
        self.look = look
        self.meaning: dict[str, tuple[int, int, int]] = {}
        self._images = images
        self._materials: dict[SurfaceLook, str] = {}

    def see(
        self,
        parent: Any,
        name: str,
        surface: Surface,
        look: SurfaceLook,
        meaning: tuple[int, int, int],
        **placed: Any,
    ) -> None:
        """Add a visible mesh that collides with nothing and weighs nothing.

        Args:
            parent: Body it belongs to.
            name: Unique name.
            surface: Its shape.
            look: How it is painted.
            meaning: Class, instance and part id of its pixels.
            placed: Position and geometry group, where not the usual ones.
        """
        uv = texture_coordinates(surface, look)
        self.spec.add_mesh(
            name=name,
            uservert=surface.vertices_m.ravel(),
            userface=surface.faces.ravel(),
            usertexcoord=uv.ravel(),
            userfacetexcoord=np.arange(len(uv)),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
        )
        self.meaning[name] = meaning
        parent.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            material=self._material(look),
            **{"group": SEEN, "contype": 0, "conaffinity": 0, "mass": 0.0} | placed,
        )

    def _material(self, look: SurfaceLook) -> str:
        if look not in self._materials:
            name = f"surface{len(self._materials)}"
            material = self.spec.add_material(
                name=name, rgba=[*look.tint, 1.0], specular=0.15, shininess=0.3
            )
            if look.texture >= 0:
                material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = self._texture(look.texture)
            self._materials[look] = name
        return self._materials[look]

    def _texture(self, index: int) -> str:
        name = f"texture{index}"
        if not any(each.name == name for each in self.spec.textures):
            image = self._images[index]
            texture = self.spec.add_texture(
                name=name,
                type=mujoco.mjtTexture.mjTEXTURE_2D,
                width=image.shape[1],
                height=image.shape[0],
                nchannel=3,
            )
            texture.data = np.ascontiguousarray(image).tobytes()
        return name
