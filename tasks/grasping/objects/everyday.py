"""The everyday family: things in daily use, which stand in for realistic models.

Each kind of thing is there once, so that what is held out is a kind that was never seen. Their
files are written into the machine's cache, in a folder named after what they say.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np

from tasks.core.files import whole_file
from tasks.core.outside.cache import cache_entry
from tasks.grasping.objects.everyday_things import Thing, things
from tasks.grasping.objects.solids import Body, body_of, obj_text, urdf_text

MASS_LIMITS_KG = (0.005, 0.25)
"""What stays still when the gripper touches it, and what friction still holds."""


@functools.cache
def everyday_urdfs() -> dict[str, tuple[Path, float]]:
    """Return URDF file and reach in metres of each thing by its name.

    Files are written into the cache if need be.
    """
    bodies = {name: (thing, body_of(thing.parts)) for name, thing in sorted(things().items())}
    texts = {name: _texts(name, thing, body) for name, (thing, body) in bodies.items()}
    digest = hashlib.sha256(repr(texts).encode()).hexdigest()[:16]
    folder = cache_entry("everyday", digest)
    for name, (mesh, urdf) in texts.items():
        _write_once(folder / f"{name}.obj", mesh)
        _write_once(folder / f"{name}.urdf", urdf)  # after the mesh that it names
    return {name: (folder / f"{name}.urdf", body.reach_m) for name, (_, body) in bodies.items()}


def _write_once(path: Path, text: str) -> None:
    """Write a file unless it is there; other processes see all of it or nothing."""
    if not path.exists():
        with whole_file(path) as partial:
            partial.write_text(text, "utf-8")


def _texts(name: str, thing: Thing, body: Body) -> tuple[str, str]:
    """Mesh and URDF file of a thing."""
    mass_kg = float(np.clip(body.volume_m3 * thing.density, *MASS_LIMITS_KG))
    return obj_text(body), urdf_text(name, body, mass_kg, thing.rgb, f"{name}.obj")
