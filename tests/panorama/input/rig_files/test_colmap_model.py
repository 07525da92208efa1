from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tasks.core.errors import DataError
from tasks.panorama.input.rig_files.colmap_model import Pose, read_model


def model(folder: Path, **files: str) -> Path:
    contents = {"cameras": "1 PINHOLE 9 9 5 5 4 4\n", "images": "1 1 0 0 0 1 2 3 1 a/b.c.jpg\n\n"}
    for name, text in (contents | files).items():
        (folder / f"{name}.txt").write_text(text)
    return folder


def test_values(tmp_path):
    found = read_model(model(tmp_path, frames="1 1 1 0 0 0 4 5 6 1 CAMERA 1 1\n"))
    (image,) = found.images
    assert (image.name, image.camera_id) == ("a/b.c", "1")
    assert image.pose.translation.tolist() == [1, 2, 3]
    assert found.lenses["1"].params == (5, 5, 3.5, 3.5)
    assert [frame.translation.tolist() for frame in found.frames] == [[4, 5, 6]]


@pytest.mark.parametrize(
    ("rigs", "sensors"),
    [
        ("", None),
        ("1 1 CAMERA 1\n2 1 CAMERA 2\n", None),
        ("1 2 CAMERA 1 CAMERA 2 1 1 0 0 0 0 0 0\n", ["1", "2"]),
    ],
)
def test_a_rig_is_of_several_sensors(tmp_path, rigs, sensors):
    found = read_model(model(tmp_path, rigs=rigs)).sensors
    assert (found and list(found)) == sensors


def test_several_rigs(tmp_path):
    rig = "1 2 CAMERA 1 CAMERA 2 1 1 0 0 0 0 0 0\n"
    with pytest.raises(DataError, match=r"rigs\.txt: expected one rig, found 2"):
        read_model(model(tmp_path, rigs=rig + "2 1 CAMERA 3\n"))


def test_poses():
    turn = Pose(Rotation.from_euler("y", 30, degrees=True).as_matrix(), np.array([1.0, 2, 3]))
    back = turn.after(turn.inverse())
    assert np.allclose(back.rotation, np.eye(3))
    assert np.allclose(back.translation, 0)
