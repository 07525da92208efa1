"""Small object models for tests."""

from __future__ import annotations

from pathlib import Path

from tasks.grasping.objects.solids import body_of, box, obj_text, urdf_text


def write_box(folder: Path, name: str, side_m: float = 0.03) -> Path:
    """Write a cube's mesh and URDF file into a folder; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    body = body_of(box(side_m, side_m, side_m))
    (folder / f"{name}.obj").write_text(obj_text(body))
    path = folder / f"{name}.urdf"
    path.write_text(urdf_text(name, body, 0.05, (1, 0, 0), f"{name}.obj"))
    return path
