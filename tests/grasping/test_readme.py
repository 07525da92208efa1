"""What the README of grasp collection shows holds: its code runs, its table is the schema."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from pathlib import Path

from tasks.grasping.config import CollectGraspsConfig
from tasks.grasping.data.schema import SCHEMA, STEP_FIELDS
from tasks.grasping.data.shards import write_rows
from tests.support.grasping.toy_rows import ORIGIN, toy_rows

README = Path(__file__).parents[2] / "tasks" / "grasping" / "README.md"


def test_its_code_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    origin = replace(ORIGIN, has_g_buffers=True)
    (tmp_path / "grasps" / "shards").mkdir(parents=True)
    for shard in range(2):
        scenes = [f"train-7-{3 * shard + k:07d}" for k in range(3)]
        rows = [toy_rows(scene, num_steps=2, origin=origin) for scene in scenes]
        write_rows(tmp_path / "grasps" / "shards" / f"shard-{shard:05d}.parquet", rows)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(blocks) == 5

    names: dict = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="webdataset")
        exec("\n".join(blocks), names)  # noqa: S102

    assert names["without_arm"].rgb.shape[-1] == 3
    assert names["attempt"].is_success == names["rows"][0]["is_success"]
    assert names["batch"]["command"].shape == (8, 5)
    assert (names["target"] != names["stored"][0]["before"]).mean() > 0.9
    assert names["grasp_px"].shape == (1, 2)
    assert names["success"] == names["rows"][0]["is_success"]
    assert (tmp_path / "grasps" / "lerobot" / "meta" / "info.json").is_file()
    assert list((tmp_path / "grasps" / "rlds").rglob("dataset_info.json"))


def test_its_table_is_the_schema():
    shown = re.findall(
        r"^\| `([\w.]+)` \| ([^|]*) \| ([^|]*) \|$", README.read_text(), re.MULTILINE
    )
    fields = []
    for field in SCHEMA:
        fields.append((field.name, field))
        if field.name == "steps":
            fields += [(f"steps.{each.name}", each) for each in STEP_FIELDS]
    expected = [
        (name, field.metadata.get(b"unit", b"").decode(), field.metadata[b"meaning"].decode())
        for name, field in fields
    ]

    assert [(name, unit.strip(), meaning) for name, unit, meaning in shown] == expected


def test_the_settings_that_it_names_exist():
    sections = {"physics", "camera", "objects", "randomise", "policy", "publish"}
    named = set(re.findall(r"`(\w+)\.(\w+)(?:=\w+)?`", README.read_text()))
    config = CollectGraspsConfig()
    places = {
        "physics": config.plan.world.physics,
        "camera": config.plan.world.camera,
        "objects": config.plan.objects,
        "randomise": config.plan.randomise,
        "policy": config.plan.policy,
        "publish": config.publish,
    }
    used = {(section, name) for section, name in named if section in sections}
    assert len(used) >= 10
    assert [pair for pair in sorted(used) if not hasattr(places[pair[0]], pair[1])] == []


def test_the_files_that_it_links_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert len(links) > 8
    assert [link for link in links if not (README.parent / link).exists()] == []
