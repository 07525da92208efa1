"""Pictures in layers: what covers what, what it means, and when it is drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pybullet
import pytest

from tasks.grasping.algorithms.dynamics import nominal_dynamics
from tasks.grasping.types import GripperPose, ObjectModel, PlacedObject, Rendering, SemanticClass
from tasks.grasping.workspace import BIN_CENTRE_M, BIN_FLOOR_M
from tasks.grasping.worlds.bullet.arm import read_robot
from tasks.grasping.worlds.bullet.bin import add_objects
from tasks.grasping.worlds.bullet.renderer import Renderer, shading
from tests.support.grasping.flat_scenes import camera, plain_look
from tests.support.grasping.object_files import write_box

SIZE_PX = 64
CAMERA = camera(SIZE_PX)
BESIDE = GripperPose(BIN_CENTRE_M[0], BIN_CENTRE_M[1] + 0.1, BIN_FLOOR_M + 0.2, 0.0)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    found = Renderer(read_robot(), SIZE_PX, 34.0)
    yield found
    found.close()


@pytest.fixture
def scene(tmp_path, renderer) -> Iterator[tuple[int, tuple[int, ...]]]:
    """A client with a cube on the bin's floor."""
    client = pybullet.connect(pybullet.DIRECT)
    path = write_box(tmp_path, "cube", side_m=0.08)
    model = ObjectModel("folder/cube", "folder", "train", str(path))
    placed = PlacedObject(model, (*BIN_CENTRE_M, BIN_FLOOR_M + 0.04), (0.0, 0.0, 0.0, 1.0))
    yield client, add_objects(client, [placed], nominal_dynamics(1))
    renderer.forget()
    pybullet.disconnect(client)


def middle(rendering: Rendering) -> tuple[float, float]:
    rows, columns = np.nonzero(rendering.instance_ids == 1)
    return float(rows.mean()), float(columns.mean())


def test_without_the_arm_there_are_bin_and_object(renderer: Renderer, scene) -> None:
    seen = renderer.without_arm(CAMERA, *scene)
    assert set(np.unique(seen.class_ids)) <= {
        SemanticClass.BACKGROUND,
        SemanticClass.TRAY,
        SemanticClass.OBJECT,
    }
    assert ((seen.class_ids == SemanticClass.OBJECT) == (seen.instance_ids == 1)).all()
    assert not seen.part_ids.any()
    assert middle(seen) == pytest.approx((SIZE_PX / 2, SIZE_PX / 2), abs=5)
    eye_m = np.linalg.inv(CAMERA.camera_from_base)[:3, 3]
    to_floor_m = np.linalg.norm(eye_m - [*BIN_CENTRE_M, BIN_FLOOR_M])
    assert seen.depth_m is not None
    assert to_floor_m - 0.09 < seen.depth_m[SIZE_PX // 2, SIZE_PX // 2] < to_floor_m - 0.03


def test_the_arm_covers_and_is_covered_by_depth(renderer: Renderer, scene) -> None:
    still = renderer.without_arm(CAMERA, *scene)
    seen = renderer.with_arm(CAMERA, *scene, BESIDE, 0.2)
    is_arm = seen.part_ids > 0
    assert is_arm.mean() > 0.01
    assert {SemanticClass.ARM, SemanticClass.GRIPPER} & set(np.unique(seen.class_ids[is_arm]))
    assert seen.depth_m is not None
    assert still.depth_m is not None
    assert (seen.depth_m[is_arm] < still.depth_m[is_arm]).all(), "it is nearer where it is seen"
    for one, other in ((seen.rgb, still.rgb), (seen.class_ids, still.class_ids)):
        np.testing.assert_array_equal(one[~is_arm], other[~is_arm])


def test_an_object_that_moves_is_drawn_anew(renderer: Renderer, scene) -> None:
    client, bodies = scene
    before = renderer.without_arm(CAMERA, client, bodies)
    again = renderer.without_arm(CAMERA, client, bodies)
    np.testing.assert_array_equal(before.rgb, again.rgb)
    place = (BIN_CENTRE_M[0], BIN_CENTRE_M[1] + 0.08, BIN_FLOOR_M + 0.04)
    pybullet.resetBasePositionAndOrientation(bodies[0], place, (0, 0, 0, 1), physicsClientId=client)
    after = renderer.without_arm(CAMERA, client, bodies)
    assert np.hypot(*np.subtract(middle(after), middle(before))) > 4


def test_shading_is_even_in_even_light(renderer: Renderer, scene) -> None:
    seen = renderer.without_arm(CAMERA, *scene)
    assert (shading(seen, plain_look()) == 255).all()
    lamps = shading(seen, None)
    assert np.ptp(lamps.astype(int)) > 30, "a lamp has a bright and a dark side"


def test_shading_needs_depth(renderer: Renderer, scene) -> None:
    with pytest.raises(ValueError, match="expected a rendering with depth"):
        shading(replace(renderer.without_arm(CAMERA, *scene), depth_m=None), None)
