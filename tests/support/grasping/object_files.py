"""Small object models for tests."""

from __future__ import annotations

from pathlib import Path

from tasks.grasping.objects.solids import body_of, box, obj_text, urdf_text

BOX = body_of(box(0.02, 0.04, 0.06))
URDF = urdf_text("thing", BOX, 0.05, (1, 0, 0), "thing.obj")
INERTIAL = (
    '<inertial><mass value="0.2"/><inertia ixx="1e-4" ixy="0" ixz="0" iyy="1e-4" iyz="0" '
    'izz="1e-4"/></inertial>'
)


def write_box(folder: Path, name: str, side_m: float = 0.03) -> Path:
    """Write a cube's mesh and URDF file into a folder; return the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    body = body_of(box(side_m, side_m, side_m))
    (folder / f"{name}.obj").write_text(obj_text(body))
    path = folder / f"{name}.urdf"
    path.write_text(urdf_text(name, body, 0.05, (1, 0, 0), f"{name}.obj"))
    return path


def write_thing(
    folder: Path, urdf: str | bytes = URDF, mesh: str | bytes | None = obj_text(BOX)
) -> Path:
    """Write ``thing.urdf``, and ``thing.obj`` unless it is None; return the former."""
    for name, content in (("thing.urdf", urdf), ("thing.obj", mesh)):
        if content is not None:
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(data)
    return folder / "thing.urdf"


def link_of(
    shape: str, *, seen: str = "", inertial: str = INERTIAL, origin: str = "", paint: str = ""
) -> str:
    """Write a URDF file of one link, whose shape is seen and collides.

    Args:
        shape: What collides, and is seen unless `seen` says otherwise.
        seen: What is seen.
        inertial: Its mass and inertia.
        origin: Where both shapes sit.
        paint: Material of what is seen.
    """
    return (
        f'<robot name="r"><link name="l">{inertial}'
        f"<visual>{origin}<geometry>{seen or shape}</geometry>{paint}</visual>"
        f"<collision>{origin}<geometry>{shape}</geometry></collision></link></robot>"
    )
