"""The shapes of pybullet_data: which there are, and that the recorded reaches are theirs."""

from __future__ import annotations

import pytest

from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import check_model, model_facts
from tasks.grasping.objects.procedural import procedural_urdfs


def test_all_shapes_but_the_broken_one_are_there():
    found = procedural_urdfs()
    assert len(found) == 999
    assert "0168" not in found
    assert list(found)[:2] == ["0000", "0001"]
    assert all(path.is_file() for path, _ in found.values())
    assert found["0000"][0].name == "000.urdf"
    assert found["0000"][1] == pytest.approx(0x41 / 1000)


def test_recorded_reach_of_procedural_shapes_is_theirs():
    for model in catalogue("procedural")[::50]:
        facts = model_facts(model.path)
        assert 0 <= model.reach_m - facts.reach_m <= 0.001, model.object_id
        assert facts.mass_kg == 0.1


@pytest.mark.slow
def test_every_procedural_shape_can_be_simulated():
    for model in catalogue("procedural"):
        check_model(model)
        assert 0 <= model.reach_m - model_facts(model.path).reach_m <= 0.001, model.object_id
