"""The shapes of pybullet_data: which there are, and that the recorded reaches are theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import check_size
from tasks.grasping.objects.procedural import procedural_urdfs
from tasks.grasping.objects.rewriting import Solid, read_solid
from tasks.grasping.types import ObjectModel


def test_all_shapes_but_the_broken_one_are_there():
    found = procedural_urdfs()
    assert len(found) == 999
    assert "0168" not in found
    assert list(found)[:2] == ["0000", "0001"]
    assert all(path.is_file() for path, _ in found.values())
    assert found["0000"][0].name == "000.urdf"
    assert found["0000"][1] == pytest.approx(0x41 / 1000)


def solid_of(model: ObjectModel) -> Solid:
    return read_solid(Path(model.path), Path(model.path).parent)


def test_recorded_reach_of_procedural_shapes_is_theirs():
    for model in catalogue("procedural")[::50]:
        solid = solid_of(model)
        assert 0 <= model.reach_m - solid.reach_m <= 0.001, model.object_id
        assert solid.link.mass_kg == 0.1
        assert not solid.link.inertial.xyz_m.any(), "reach is measured from the link's origin"


@pytest.mark.slow
def test_every_procedural_shape_can_be_simulated():
    for model in catalogue("procedural"):
        solid = solid_of(model)
        check_size(solid)
        assert 0 <= model.reach_m - solid.reach_m <= 0.001, model.object_id
