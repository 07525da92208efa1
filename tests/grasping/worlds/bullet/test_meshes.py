"""Simplified meshes keep their shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pybullet_data
import pytest

from tasks.core.errors import DataError
from tasks.grasping.worlds.bullet.meshes import box_triangles, read_stl, simplify

_LINK = Path(pybullet_data.getDataPath(), "kuka_iiwa/meshes/link_3.stl")


def test_a_box_stays_a_box() -> None:
    mesh = simplify(box_triangles(np.array([0.2, 0.4, 0.6]), np.array([1.0, 0.0, 0.0])), 0.0)
    assert mesh.vertices_m.shape == (8, 3)
    assert mesh.faces.shape == (12, 3)
    outward = mesh.vertices_m - [1.0, 0.0, 0.0]
    assert (np.sum(mesh.normals * outward, axis=1) > 0).all()
    a, b, c = mesh.vertices_m[mesh.faces].transpose(1, 0, 2)
    assert np.sum(a * np.cross(b, c)) / 6 == pytest.approx(0.2 * 0.4 * 0.6)


def test_a_coarse_mesh_is_near_the_fine_one() -> None:
    triangles, cell_m = read_stl(_LINK), 0.02
    mesh = simplify(triangles, cell_m)
    assert len(mesh.faces) < len(triangles) / 3
    fine = triangles.reshape(-1, 3)
    distances = np.linalg.norm(fine[::7, None] - mesh.vertices_m[None], axis=2).min(axis=1)
    assert distances.max() <= cell_m * np.sqrt(3)
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1.0)


def test_names_a_file_that_is_no_mesh(tmp_path: Path) -> None:
    path = tmp_path / "broken.stl"
    path.write_bytes(_LINK.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"broken\.stl"):
        read_stl(path)
    with pytest.raises(DataError, match=r"missing\.stl"):
        read_stl(tmp_path / "missing.stl")
