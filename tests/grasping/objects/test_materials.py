"""What an object's files name in turn lies inside their folder, and is no bomb."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.grasping.objects.materials import check_materials, named_file
from tests.support.hostile.images import bomb
from tests.support.hostile.refusals import refused


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_file_inside_is_found(tmp_path: Path) -> None:
    urdf, mesh = write(tmp_path / "urdf/a.urdf", ""), write(tmp_path / "meshes/a b.obj", "")
    assert named_file("../meshes/a b.obj", urdf, tmp_path, "mesh").samefile(mesh)


def test_materials_and_pictures_inside_pass(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a b.png"), np.zeros((8, 8, 3), np.uint8))
    write(tmp_path / "a.mtl", "newmtl a\n\tmap_Kd -s 1 1 1 a.png\nmap_bump a b.png\nmap_Ks\n")
    check_materials(write(tmp_path / "a.obj", "mtllib a.mtl\nmtllib gone.mtl\nv 0 0 0\n"), tmp_path)
    check_materials(tmp_path / "a.stl", tmp_path)


@pytest.mark.hostile
@pytest.mark.parametrize(
    "name", ["../../secret.obj", "/dev/zero", "linked/secret.obj", "a\0b", "n" * 5000, "", "pipe"]
)
def test_a_file_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "data" / "set"
    urdf = write(root / "a.urdf", "")
    write(tmp_path / "secret.obj", "secret")
    (root / "linked").symlink_to(tmp_path)
    os.mkfifo(root / "pipe")
    with refused("a.urdf", outside=tmp_path / "secret.obj"):
        named_file(name, urdf, root, "mesh")


@pytest.mark.hostile
@pytest.mark.parametrize(
    "line",
    [
        "map_Kd bomb.png",
        "map_Kd -blendu on -o 1 1 1 bomb.png",
        "  BUMP bomb.png",
        "map_Kd ../../secret.png",
        "refl -type sphere /dev/zero",
        "map_Kd big.png",
    ],
)
def test_a_hostile_picture_is_refused(tmp_path: Path, line: str) -> None:
    root = tmp_path / "data" / "set"
    mesh = write(root / "a.obj", "  mtllib a.mtl\n")
    write(root / "a.mtl", f"newmtl a\n{line}\n")
    (root / "bomb.png").write_bytes(bomb("PNG"))
    (root / "big.png").write_bytes(bomb("PNG", 7000, 7000))
    with refused(str(root), outside=tmp_path / "secret.png"):
        check_materials(mesh, root)
