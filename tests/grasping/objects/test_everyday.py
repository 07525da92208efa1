"""Files of everyday things: written once, weighed, and named by their kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.grasping.objects.catalogue import catalogue
from tasks.grasping.objects.checks import check_solid, remarks
from tasks.grasping.objects.everyday import everyday_urdfs
from tasks.grasping.objects.everyday_things import things
from tasks.grasping.objects.rewriting import read_solid
from tasks.grasping.objects.solids import body_of
from tasks.grasping.objects.urdf import read_link


def test_each_kind_has_one_file_and_its_reach():
    found = everyday_urdfs()
    assert list(found) == sorted(things())
    for name, (path, reach_m) in found.items():
        assert path.name == f"{name}.urdf"
        assert path.with_suffix(".obj").is_file()
        assert 0.01 < reach_m < 0.12


def test_a_thing_weighs_its_density_within_limits():
    soap, stone = (things()[name] for name in ("soap", "stone"))
    path, _ = everyday_urdfs()["soap"]
    expected_kg = 0.08 * 0.05 * 0.025 * soap.density
    assert read_link(path).mass_kg == pytest.approx(expected_kg, rel=1e-3)
    heavy_kg = body_of(stone.parts).volume_m3 * stone.density
    assert read_link(everyday_urdfs()["stone"][0]).mass_kg == pytest.approx(
        min(heavy_kg, 0.25), rel=1e-3
    )


def test_everyday_things_can_be_simulated_and_grasped_somewhere():
    for model in catalogue("everyday"):
        facts = read_solid(Path(model.path), Path(model.path).parent)
        check_solid(facts)
        assert not [*remarks(facts)], model.object_id
        assert 0.005 <= facts.link.mass_kg <= 0.25, model.object_id
        assert facts.extent_m[0] <= 0.15, model.object_id
        assert facts.extent_m[2] <= 0.06, model.object_id
        assert model.reach_m == pytest.approx(facts.reach_m, abs=2e-6), model.object_id


def test_files_of_everyday_things_are_written_once_more_if_lost(tmp_path, monkeypatch):
    from tasks.grasping.objects import everyday

    monkeypatch.setenv("ORRERY_CACHE", str(tmp_path))
    everyday.everyday_urdfs.cache_clear()
    try:
        first = {model.path: Path(model.path).read_bytes() for model in catalogue("everyday")}
        lost, *others = map(Path, first)
        written = [other.stat().st_mtime_ns for other in others]
        lost.unlink()
        everyday.everyday_urdfs.cache_clear()
        again = {model.path: Path(model.path).read_bytes() for model in catalogue("everyday")}
        assert again == first
        assert [other.stat().st_mtime_ns for other in others] == written
        assert str(tmp_path) in str(lost)
        assert not list(tmp_path.rglob(".*"))
    finally:
        everyday.everyday_urdfs.cache_clear()
